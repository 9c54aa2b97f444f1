"""Makes the pictures that ComfyUI shows for the templates, and the one in the README.

    python workflows/thumbnails.py [http://127.0.0.1:8188 [workflow ...]]

The server must have this pack. The Shapes pictures are runs of the workflows themselves, their first seeds, none
picked; those for SD1.5 are their canvas in headless Chromium (selenium), for no checkpoint comes with this pack.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlparse

import torch
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WIDTH = 800
FIRST = "attend_and_excite"
"""The workflow whose comparison is also the picture in the README."""

COMPARED = {
    "structured": "PUStructuredDiffusion",
    "dynamic_thresholding": "PUDynamicThresholding",
    "guidance_schedule": "PUGuidanceSchedule",
}
"""Workflow without its suffix -> the node that the pictures are drawn with and without."""
LAYOUTS = {
    "layout_guidance": "PULayoutGuidance",
    "layout_pasted": "PULayoutGuidance",
    "lmd": "PULLMGroundedDiffusion",
}
"""The same on Small World."""
EDITS = ("word_swap", "refine", "reweight", "edit_real_image")


def load_pack() -> ModuleType:
    """As ComfyUI loads it: by path. Nothing of ComfyUI is needed for the parts used here."""
    spec = importlib.util.spec_from_file_location("pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert spec and spec.loader
    sys.modules["pack"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


load_pack()
from pack.demo import known  # noqa: E402
from pack.plots.before_after import before_after  # noqa: E402
from pack.plots.canvas import GREY, below, beside, blank, enlarge, framed, to_pil, to_tensor, write  # noqa: E402
from pack.plots.heat import titled  # noqa: E402
from pack.runner import graphs  # noqa: E402
from pack.runner.client import Client, Run  # noqa: E402


def pictures(client: Client, run: Run, node: str) -> list[Image.Image]:
    return [Image.open(io.BytesIO(client.picture(image))).convert("RGB") for image in run.images(node)]


def save(image: Image.Image, path: Path, width: int = WIDTH) -> None:
    height = round(image.height * width / image.width)
    image.resize((width, height), Image.Resampling.LANCZOS).save(path, quality=88)
    print(f"{path.relative_to(ROOT)}: {width}x{height}")


class Comparison:
    """A guidance workflow on one of our models with and without guidance, the same seeds."""

    def __init__(self, client: Client, name: str, count: int) -> None:
        graph = graphs.load(f"{name}.api.json")
        graphs.set_inputs(graph, batch_size=count)
        self.text = graph[graphs.the(graph, graphs.ENCODE)]["inputs"]["text"]
        self.model = known.SHAPES if list(graphs.of_class(graph, "PULoadShapesModel")) else known.SMALL_WORLD
        bare, picture = graphs.plain(graph)
        self.plain = pictures(client, client.run(bare), picture)
        full, picture, saved = graphs.guided(graph)
        run = client.run(full)
        self.guided, self.heat = pictures(client, run, picture), pictures(client, run, saved)

    def drawn(self, rows: int) -> Image.Image:
        plain, guided = (torch.stack([to_tensor(i) for i in images[:rows]]) for images in (self.plain, self.guided))
        maps = torch.stack([to_tensor(image).mean(-1) for image in self.heat]).unflatten(0, (len(self.plain), -1))
        words = [noun for noun, _ in self.model.subjects_of(self.text)]
        heats = {word: maps[:rows, i] for i, word in enumerate(words)}
        return to_pil(before_after(plain, guided, heats, title=f'"{self.text}"')[0])


def heat_map_mask(client: Client) -> Image.Image:
    """Picture and heat as the node draws them, then the mask and what it cuts out."""
    graph = graphs.load("heat_map_mask_shapes.api.json")
    run = client.run(graph)
    nodes = [graphs.the(graph, name) for name in ("PUAttentionHeatMap", "PreviewImage", "SaveImage")]
    strip, mask, cut = (pictures(client, run, node)[0] for node in nodes)
    tiles = [titled(enlarge(image, 256 // image.width), title) for image, title in ((mask, "mask"), (cut, "cut out"))]
    return beside([strip, framed(beside(tiles), 8)], 0)


def real_image(client: Client) -> Image.Image:
    """The picture, and what sampling makes of its noise with and without Bring Image Back."""
    graph = graphs.load("real_image_shapes.api.json")
    run = client.run(graph)
    (original,) = graphs.of_class(graph, "PreviewImage")
    shown = [("the picture", original)]
    shown += [(graph[node]["_meta"]["title"], node) for node in graphs.of_class(graph, "SaveImage")]
    return framed(beside([titled(enlarge(pictures(client, run, node)[0], 4), title) for title, node in shown]), 8)


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


def of_sheet(client: Client, address: str, name: str) -> Image.Image:
    """The template's picture: a comparison, what the workflow shows, or its canvas where it wants a checkpoint."""
    if name in OWN:
        return OWN[name](client)
    graph = graphs.load(f"{name}.api.json")
    if list(graphs.of_class(graph, "CheckpointLoaderSimple")):
        return canvas(address, name)
    return Comparison(client, name, 4).drawn(2)


def edited_pictures(client: Client, name: str) -> Image.Image:
    """The workflow's own pictures, source beside edit; for re-weighting one prompt, the weight 1 beside its own."""
    graph = graphs.load(f"{name}.api.json")
    saved = graphs.the(graph, "SaveImage")
    made = pictures(client, client.run(graph), saved)
    titles = ["source", "edit"] * (len(made) // 2)
    if not graph[graphs.the(graph, "PUEncodeEdit")]["inputs"]["edited"]:
        weigh = graph[graphs.the(graph, "PUReweight")]["inputs"]
        word = weigh["words"]
        weigh["words"] = f"{word.split(':')[0]}: 1"
        plain = pictures(client, client.run(graph), saved)
        made = [image for pair in zip(plain, made, strict=True) for image in pair]
        titles = [weigh["words"], word] * len(plain)
    tiles = zip(made, titles, strict=True)
    return framed(beside([titled(enlarge(image, 192 // image.width), title) for image, title in tiles]), 8)


def drawn_layout(client: Client, name: str) -> Image.Image:
    """What Preview Layout shows."""
    graph = graphs.load(f"{name}.api.json")
    preview = graphs.the(graph, "PUPreviewLayout")
    return pictures(client, client.run(graphs.kept(graph, preview)), preview)[0]


OWN: dict[str, Callable[[Client], Image.Image]] = {
    "heat_map_mask_shapes": heat_map_mask,
    "real_image_shapes": real_image,
    "cascade_shapes": cascade,
    "layout_planner": partial(drawn_layout, name="layout_planner"),
    "layout_pasted": partial(drawn_layout, name="layout_pasted"),
    # No language model is at hand; the reply of the other workflow is one to the same prompt.
    "layout_server": partial(drawn_layout, name="layout_pasted"),
    "layout_asked_small_world": partial(compared, name="layout_guidance_small_world", node_id="PULayoutGuidance"),
    "composable_shapes": partial(alone, name="composable_shapes"),
    **{f"{name}_shapes": partial(compared, name=f"{name}_shapes", node_id=node) for name, node in COMPARED.items()},
    **{
        f"{name}_small_world": partial(compared, name=f"{name}_small_world", node_id=node, count=2)
        for name, node in LAYOUTS.items()
    },
    **{f"{name}_shapes": partial(edited_pictures, name=f"{name}_shapes") for name in EDITS},
}
"""Workflows whose picture is made in a way of their own."""


def main() -> None:
    """`thumbnails.py [address] [workflow ...]`: all of them when none is named."""
    address, *names = sys.argv[1:] or ["http://127.0.0.1:8188"]
    names = names or sorted(path.stem for path in HERE.glob("*.json"))
    with Client(urlparse(address).port or 80) as client:
        for name in names:
            save(of_sheet(client, address, name), HERE / f"{name}.jpg")
        if f"{FIRST}_shapes" in names:
            save(Comparison(client, f"{FIRST}_shapes", 4).drawn(4), ROOT / "assets" / "before_after.jpg", 1000)


if __name__ == "__main__":
    main()
