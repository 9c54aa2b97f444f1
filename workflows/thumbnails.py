"""Makes the pictures that ComfyUI shows for the templates, and the one in the README.

    python workflows/thumbnails.py [http://127.0.0.1:8188]

The server must have this pack. The Shapes pictures are runs of the workflows themselves, their first seeds, none
picked; the one for SD1.5 is its canvas in headless Chromium (selenium), for no checkpoint comes with this pack.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlparse

import torch
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WIDTH = 800
WORDS = ("circle", "star")
"""Subjects of the Shapes workflow's prompt, in its order."""
COMPARED = {
    "structured": "PUStructuredDiffusion",
    "dynamic_thresholding": "PUDynamicThresholding",
    "guidance_schedule": "PUGuidanceSchedule",
}
"""Workflow without its suffix -> the node that the pictures are drawn with and without."""


def load_pack() -> ModuleType:
    """As ComfyUI loads it: by path. Nothing of ComfyUI is needed for the parts used here."""
    spec = importlib.util.spec_from_file_location("pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert spec and spec.loader
    sys.modules["pack"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


load_pack()
from pack.door import graphs  # noqa: E402
from pack.door.client import Client, Run  # noqa: E402
from pack.plots.before_after import before_after  # noqa: E402
from pack.plots.canvas import GREY, below, beside, blank, enlarge, framed, to_pil, to_tensor, write  # noqa: E402
from pack.plots.heat import titled  # noqa: E402


def pictures(client: Client, run: Run, node: str) -> list[Image.Image]:
    return [Image.open(io.BytesIO(client.picture(image))).convert("RGB") for image in run.images(node)]


def save(image: Image.Image, path: Path, width: int = WIDTH) -> None:
    height = round(image.height * width / image.width)
    image.resize((width, height), Image.Resampling.LANCZOS).save(path, quality=88)
    print(f"{path.relative_to(ROOT)}: {width}x{height}")


class Comparison:
    """The Shapes workflow with and without guidance, the same seeds."""

    def __init__(self, client: Client, count: int) -> None:
        graph = graphs.load("attend_and_excite_shapes.api.json")
        graphs.set_inputs(graph, batch_size=count)
        self.text = graph[graphs.the(graph, graphs.ENCODE)]["inputs"]["text"]
        bare, picture = graphs.plain(graph)
        self.plain = pictures(client, client.run(bare), picture)
        full, picture, saved = graphs.guided(graph)
        run = client.run(full)
        self.guided, self.heat = pictures(client, run, picture), pictures(client, run, saved)

    def drawn(self, rows: int) -> Image.Image:
        plain, guided = (torch.stack([to_tensor(i) for i in images[:rows]]) for images in (self.plain, self.guided))
        maps = torch.stack([to_tensor(image).mean(-1) for image in self.heat]).unflatten(0, (len(self.plain), -1))
        heats = {word: maps[:rows, i] for i, word in enumerate(WORDS)}
        return to_pil(before_after(plain, guided, heats, title=f'"{self.text}"')[0])


def heat_map_mask(client: Client) -> Image.Image:
    """Picture and heat as the node draws them, then the mask and what it cuts out."""
    graph = graphs.load("heat_map_mask_shapes.api.json")
    run = client.run(graph)
    nodes = [graphs.the(graph, name) for name in ("PUAttentionHeatMap", "PreviewImage", "SaveImage")]
    strip, mask, cut = (pictures(client, run, node)[0] for node in nodes)
    tiles = [titled(enlarge(image, 256 // image.width), title) for image, title in ((mask, "mask"), (cut, "cut out"))]
    return beside([strip, framed(beside(tiles), 8)], 0)


def compared(client: Client, name: str, node_id: str, count: int = 4) -> Image.Image:
    """Two rows of the same seeds: without the node `node_id` on the MODEL, and with it."""
    graph = graphs.load(f"{name}.api.json")
    graphs.set_inputs(graph, batch_size=count)
    picture, title = graphs.the(graph, "SaveImage"), graph[graphs.the(graph, node_id)]["_meta"]["title"]
    runs = {"without": graphs.without(graph, node_id), title: graph}
    # Kept to the picture: the report has no node behind it where the node is passed by.
    drawn = {name: client.run(graphs.kept(own, picture)) for name, own in runs.items()}
    return below([_row(pictures(client, run, picture), name) for name, run in drawn.items()])


def alone(client: Client, name: str, count: int = 4) -> Image.Image:
    """The pictures of a run, under the text that asked for them."""
    graph = graphs.load(f"{name}.api.json")
    graphs.set_inputs(graph, batch_size=count)
    text = graph[graphs.the(graph, "PUComposeText")]["inputs"]["text"]
    return _row(pictures(client, client.run(graph), graphs.the(graph, "SaveImage")), text)


def _row(images: list[Image.Image], title: str) -> Image.Image:
    strip = beside([enlarge(image, 3) for image in images])
    page, draw = blank(strip.width, strip.height + 36)
    write(draw, (0, 18), title, 24, GREY, "lm")
    page.paste(strip, (0, 36))
    return page


def canvas(address: str, name: str) -> Image.Image:
    """The left part of the workflow as the front end draws it."""
    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    from front_end import FrontEnd, browser

    left, top, width, height = 90, 70, 1200, 900
    with browser() as driver:
        driver.set_window_size(2300, 1300)  # what the front end lays over the canvas stays right of the cut
        page = FrontEnd.open(driver, address)
        workflow: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
        page.load(workflow)
        page.script(
            """
            app.graph.nodes.forEach(n => { n.has_errors = false; });  // no checkpoint is at hand, and none is needed
            const box = app.canvas.canvas.getBoundingClientRect();
            app.canvas.ds.scale = 1;
            app.canvas.ds.offset = [args[0] - box.left + 10, args[1] - box.top + 40];
            document.querySelectorAll('[role=alert], .p-toast').forEach(e => e.remove());
            app.canvas.setDirty(true, true);
            app.canvas.draw(true, true);
            await new Promise(done => setTimeout(done, 1500));""",
            left,
            top,
        )
        screen = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    return screen.crop((left, top, left + width, top + height))


def main() -> None:
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8188"
    with Client(urlparse(address).port or 80) as client:
        comparison = Comparison(client, count=4)
        save(comparison.drawn(4), ROOT / "assets" / "before_after.jpg", 1000)
        save(comparison.drawn(2), HERE / "attend_and_excite_shapes.jpg")
        save(heat_map_mask(client), HERE / "heat_map_mask_shapes.jpg")
        save(alone(client, "composable_shapes"), HERE / "composable_shapes.jpg")
        for name, node_id in COMPARED.items():
            save(compared(client, f"{name}_shapes", node_id), HERE / f"{name}_shapes.jpg")
    for name in ("attend_and_excite", "composable", *COMPARED):
        save(canvas(address, f"{name}_sd15"), HERE / f"{name}_sd15.jpg")


if __name__ == "__main__":
    main()
