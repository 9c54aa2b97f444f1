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
from pack.plots.canvas import beside, enlarge, framed, to_pil, to_tensor  # noqa: E402
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


def cascade(client: Client) -> Image.Image:
    """The first picture of the cascade: as it was, resized, and painted anew."""
    run = client.run(graph := graphs.load("cascade_shapes.api.json"))
    previews = {
        node["_meta"]["title"]: number for number, node in graph.items() if node["class_type"] == "PreviewImage"
    }
    shown = {**previews, "128 x 128, painted": graphs.the(graph, graphs.SAVE)}
    tiles = {title: pictures(client, run, number)[0] for title, number in shown.items()}
    return beside([framed(titled(enlarge(image, 256 // image.width), title), 6) for title, image in tiles.items()], 0)


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
        save(cascade(client), HERE / "cascade_shapes.jpg")
    for name in ("attend_and_excite_sd15", "cascade_x4"):
        save(canvas(address, name), HERE / f"{name}.jpg")


if __name__ == "__main__":
    main()
