"""ComfyUI's own front end in headless Chromium, driven through its page."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import JavascriptException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

# The server is that of the tests in `comfy/`. There can be no conftest.py here: pytest takes two of them for one.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "comfy"))
from host_server import comfy_server  # noqa: E402, F401  (a fixture)

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No sandbox: CI runs as root, where Chromium refuses to start with one. Only our own server is visited.
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1600,1000")


@contextmanager
def browser() -> Iterator[WebDriver]:
    options = webdriver.ChromeOptions()
    options.binary_location = next(path for name in BROWSERS if (path := shutil.which(name)))
    for argument in ARGUMENTS:
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.set_script_timeout(60)
    try:
        yield driver
    finally:
        driver.quit()


def wait_for(what: str, found: Callable[[], Any], seconds: float = 30.0) -> Any:
    """The first true value of `found()`; fails by name when none comes in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError(f"{what} did not come in {seconds:g} seconds.")


@dataclass
class FrontEnd:
    driver: WebDriver

    @classmethod
    def open(cls, driver: WebDriver, address: str) -> FrontEnd:
        page = cls(driver)
        driver.get(address)
        ready = "return !!(window.app?.vueAppReady && window.LiteGraph?.registered_node_types?.PUAttentionHeatMap)"
        wait_for("The front end with our nodes", lambda: driver.execute_script(ready), 90)
        wait_for("The first graph", lambda: page._ask("return app.graph != null"))
        time.sleep(1)  # it loads its own default workflow last, over whatever a test has loaded
        return page

    def _ask(self, script: str) -> Any:
        try:
            return self.driver.execute_script(script)
        except JavascriptException:
            return None

    def script(self, text: str, *values: Any) -> Any:
        """Runs the body of an async function in the page; `args` are the values."""
        body = (
            "const done = arguments[arguments.length - 1], args = [...arguments].slice(0, -1);"
            f"(async () => {{ {text} }})().then(v => done({{value: v}}), e => done({{error: String(e)}}));"
        )
        answer = self.driver.execute_async_script(body, *values)
        assert "error" not in answer, answer
        return answer.get("value")

    def load(self, workflow: dict[str, Any]) -> None:
        """As dropping the file on the canvas does."""
        self.script("await app.loadGraphData(args[0]); app.canvas.draw(true, true);", workflow)

    def missing_nodes(self) -> list[str]:
        """Types that the front end does not know; it keeps place holders for their nodes. Its mark, `has_errors`, is
        also set where a model file is missing."""
        return self.script("""
            const known = LiteGraph.registered_node_types;
            return app.graph.nodes.filter(n => !(n.type in known)).map(n => n.type)""")

    def broken_links(self) -> list[Any]:
        """Links of the loaded graph that do not hold at both ends, or join two types that do not fit."""
        return self.script("""
            const fits = (a, b) => a === '*' || b === '*' || a === b;
            return [...app.graph.links.values()].filter(link => {
                const from = app.graph.getNodeById(link.origin_id)?.outputs?.[link.origin_slot];
                const to = app.graph.getNodeById(link.target_id)?.inputs?.[link.target_slot];
                return !from || !to || !from.links?.includes(link.id) || to.link !== link.id || 
                       !fits(from.type, to.type);
            }).map(link => [link.id, link.origin_id, link.target_id]);""")

    def links(self) -> list[list[Any]]:
        """As the file has them: number, origin and its output, target and its input, type."""
        return self.script("""
            const rows = [...app.graph.links.values()].map(
                l => [l.id, +l.origin_id, l.origin_slot, +l.target_id, l.target_slot, l.type]);
            return rows.sort((a, b) => a[0] - b[0]);""")

    def api_form(self) -> dict[str, Any]:
        """What the front end would send to the server."""
        return self.script("return (await app.graphToPrompt()).output")

    def boxes(self) -> list[dict[str, Any]]:
        """Place and needed size of every node, title bar included."""
        return self.script("""
            return app.graph.nodes.map(n => {
                const need = n.computeSize();
                return {name: n.title, left: n.pos[0], top: n.pos[1] - LiteGraph.NODE_TITLE_HEIGHT,
                        right: n.pos[0] + Math.max(n.size[0], need[0]),
                        bottom: n.pos[1] + Math.max(n.size[1], need[1])};
            })""")

    def alone(self, class_type: str) -> None:
        """An empty canvas with one node of this type, selected."""
        self.script("""
            app.graph.clear();
            const node = LiteGraph.createNode(args[0]);
            node.pos = [300, 200];
            app.graph.add(node);
            app.canvas.ds.reset();
            app.canvas.selectNode(node);
            app.canvas.draw(true, true);""", class_type)  # fmt: skip

    def help_text(self, class_type: str) -> str:
        """What the info button of the node's tool bar opens."""
        self.alone(class_type)
        wait_for("The info button", lambda: self.find("[data-testid=info-button]")).click()
        title = self.script("return LiteGraph.registered_node_types[args[0]].title", class_type)

        def shown() -> str:
            text = self.script("return document.querySelector('.node-help-content')?.innerText ?? ''")
            return text if title in text and len(text) > len(title) + 100 else ""

        return wait_for(f"The help page of {class_type}", shown)

    def hover_widget(self, name: str) -> str:
        """The tooltip that the mouse brings up over a widget of the selected node."""
        x, y = self.script("""
            const node = Object.values(app.canvas.selected_nodes)[0];
            const widget = node.widgets.find(w => w.name === args[0]);
            const at = app.canvas.convertOffsetToCanvas([node.pos[0] + 60, node.pos[1] + widget.last_y + 10]);
            const box = app.canvas.canvas.getBoundingClientRect();
            return [box.left + at[0], box.top + at[1]];""", name)  # fmt: skip
        pointer = ActionChains(self.driver)
        pointer.w3c_actions.pointer_action.move_to_location(round(x) - 5, round(y))
        pointer.w3c_actions.pointer_action.move_to_location(round(x), round(y))
        pointer.perform()
        script = "return document.querySelector('.node-tooltip')?.innerText ?? ''"
        return wait_for(f"A tooltip over {name}", lambda: self.script(script), 10)

    def find(self, selector: str) -> WebElement | None:
        return next(iter(self.driver.find_elements(By.CSS_SELECTOR, selector)), None)

    def set_widget(self, class_type: str, name: str, value: Any) -> None:
        self.script("""
            for (const node of app.graph.nodes.filter(n => n.type === args[0]))
                node.widgets.find(w => w.name === args[1]).value = args[2];""", class_type, name, value)  # fmt: skip

    def widget(self, class_type: str, name: str) -> Any:
        """Its value in the first node of this type."""
        return self.script("""
            const node = app.graph.nodes.find(n => n.type === args[0]);
            return node.widgets.find(w => w.name === args[1]).value;""", class_type, name)  # fmt: skip

    def press_run(self) -> None:
        # A first visit opens the templates over everything; how soon depends on the machine.
        if self.find("[role=dialog]"):
            ActionChains(self.driver).send_keys(Keys.ESCAPE).perform()
            wait_for("The bare canvas", lambda: not self.find("[role=dialog]"))
        wait_for("The Run button", lambda: self.find("[data-testid=queue-button]")).click()

    def pictures(self, class_type: str) -> list[list[int]]:
        """Width and height of the pictures that nodes of this type show on the canvas."""
        return self.script("""
            return app.graph.nodes.filter(n => n.type === args[0]).flatMap(n => n.imgs ?? [])
                .filter(i => i.complete && i.naturalWidth > 0)
                .map(i => [i.naturalWidth, i.naturalHeight])""", class_type)  # fmt: skip


@pytest.fixture(scope="session")
def page(comfy_server) -> Iterator[FrontEnd]:  # noqa: F811
    with browser() as driver:
        yield FrontEnd.open(driver, comfy_server.address)
