"""Writes the example workflows, for the canvas and for the API, from one description of each.

    python workflows/build.py [http://127.0.0.1:8188]

The server must have this pack: the order and the defaults of all widgets are asked from it, so run this again when a
node gets another input. `tests/unit/test_workflows.py` and `tests/browser` fail when the two forms drift apart.
"""

from __future__ import annotations

import json
import sys
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
API = HERE / "api"
"""Beside the canvas files and not among them: ComfyUI offers every JSON file of `workflows` as a template to load."""

PACK, CORE = "prompt-understanding", "comfy-core"
NOTE_COLOURS = {"color": "#432", "bgcolor": "#653"}
OURS_COLOURS = {"color": "#233", "bgcolor": "#355"}

Info = dict[str, Any]


class Link(tuple[int, int]):
    """Node id and output number."""


@dataclass
class Node:
    id: int
    class_type: str
    at: tuple[int, int]
    size: tuple[int, int]
    inputs: dict[str, Any]
    title: str | None = None

    def __getitem__(self, output: int) -> Link:
        return Link((self.id, output))


@dataclass
class Sheet:
    """One workflow: nodes with their places on the canvas."""

    name: str
    nodes: list[Node] = field(default_factory=list)

    def add(
        self, class_type: str, at: tuple[int, int], size: tuple[int, int], title: str | None = None, **inputs: Any
    ) -> Node:
        self.nodes.append(Node(len(self.nodes) + 1, class_type, at, size, inputs, title))
        return self.nodes[-1]

    def note(self, at: tuple[int, int], size: tuple[int, int], title: str, text: str) -> None:
        self.add("MarkdownNote", at, size, title, text=text)


# --- From a description to the two forms ----------------------------------------------------------------------------


def declared(info: Info, class_type: str) -> dict[str, list[Any]]:
    """Input name -> its declaration, required ones first, in the order of the canvas."""
    groups = info[class_type]["input"]
    return {**groups.get("required", {}), **groups.get("optional", {})}


def is_widget(spec: list[Any]) -> bool:
    kind, options = spec[0], spec[1] if len(spec) > 1 else {}
    return (isinstance(kind, list) or kind in ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")) and not options.get(
        "forceInput"
    )


def default(spec: list[Any]) -> Any:
    kind, options = spec[0], spec[1] if len(spec) > 1 else {}
    choices = kind if isinstance(kind, list) else options.get("options", [])
    return options.get("default", choices[0] if choices else None)


def widgets(info: Info, node: Node) -> dict[str, Any]:
    """Widget name -> value, in the order of the canvas."""
    found = {name: spec for name, spec in declared(info, node.class_type).items() if is_widget(spec)}
    unknown = set(node.inputs) - set(declared(info, node.class_type))
    if unknown:
        raise SystemExit(f"{node.class_type} has no input {', '.join(sorted(unknown))}.")
    return {name: node.inputs.get(name, default(spec)) for name, spec in found.items()}


def api_form(info: Info, sheet: Sheet) -> dict[str, Any]:
    """{"node id": {"class_type", "inputs", "_meta"}}, without notes."""
    graph = {}
    for node in (n for n in sheet.nodes if n.class_type in info):
        links = {name: [str(link[0]), link[1]] for name, link in node.inputs.items() if isinstance(link, Link)}
        title = node.title or info[node.class_type]["display_name"]
        inputs = {**widgets(info, node), **links}
        graph[str(node.id)] = {"class_type": node.class_type, "inputs": inputs, "_meta": {"title": title}}
    return graph


def canvas_form(info: Info, sheet: Sheet) -> dict[str, Any]:
    """Litegraph's own format, version 0.4."""
    links = [
        [number, link[0], link[1], node.id, slot, info_type(info, sheet, link)]
        for number, (node, slot, link) in enumerate(_links(info, sheet), 1)
    ]
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"prompt-understanding/{sheet.name}")),
        "revision": 0,
        "last_node_id": max(node.id for node in sheet.nodes),
        "last_link_id": len(links),
        "nodes": [_canvas_node(info, node, order, links) for order, node in enumerate(sheet.nodes)],
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


def info_type(info: Info, sheet: Sheet, link: Link) -> str:
    source = next(node for node in sheet.nodes if node.id == link[0])
    return info[source.class_type]["output"][link[1]]


def _slots(info: Info, node: Node) -> list[str]:
    """Inputs that have a socket, in the order of the canvas: those without a widget come first."""
    if node.class_type not in info:
        return []
    return sorted(declared(info, node.class_type), key=lambda name: is_widget(declared(info, node.class_type)[name]))


def _links(info: Info, sheet: Sheet) -> list[tuple[Node, int, Link]]:
    return [
        (node, slot, node.inputs[name])
        for node in sheet.nodes
        for slot, name in enumerate(_slots(info, node))
        if isinstance(node.inputs.get(name), Link)
    ]


def _canvas_node(info: Info, node: Node, order: int, links: list[list[Any]]) -> dict[str, Any]:
    head = {"id": node.id, "type": node.class_type, "pos": list(node.at), "size": list(node.size), "flags": {}}
    head |= {"order": order, "mode": 0}
    title = {"title": node.title} if node.title else {}
    if node.class_type not in info:
        body = {"inputs": [], "outputs": [], "properties": {}, "widgets_values": [node.inputs["text"]]}
        return {**head, **body, **title, **NOTE_COLOURS}
    ours = node.class_type.startswith("PU")
    return {
        **head,
        "inputs": [_input_slot(info, node, slot, name, links) for slot, name in enumerate(_slots(info, node))],
        "outputs": [_output_slot(info, node, slot, links) for slot in range(len(info[node.class_type]["output"]))],
        "properties": {"Node name for S&R": node.class_type, "cnr_id": PACK if ours else CORE},
        "widgets_values": _widget_values(info, node),
        **title,
        **(OURS_COLOURS if ours else {}),
    }


def _input_slot(info: Info, node: Node, slot: int, name: str, links: list[list[Any]]) -> dict[str, Any]:
    spec = declared(info, node.class_type)[name]
    kind = "COMBO" if isinstance(spec[0], list) else spec[0]
    link = next((link[0] for link in links if link[3] == node.id and link[4] == slot), None)
    optional = {"shape": 7} if name in info[node.class_type]["input"].get("optional", {}) else {}
    widget = {"widget": {"name": name}} if is_widget(spec) else {}
    return {"name": name, "type": kind, **optional, **widget, "link": link}


def _output_slot(info: Info, node: Node, slot: int, links: list[list[Any]]) -> dict[str, Any]:
    taken = [link[0] for link in links if link[1] == node.id and link[2] == slot]
    name, kind = info[node.class_type]["output_name"][slot], info[node.class_type]["output"][slot]
    return {"name": name, "type": kind, "slot_index": slot, "links": taken or None}


def _widget_values(info: Info, node: Node) -> list[Any]:
    values = []
    for name, value in widgets(info, node).items():
        values.append(value)
        options = (declared(info, node.class_type)[name] + [{}])[1]
        if options.get("control_after_generate"):
            # The canvas puts a second widget behind a seed; "fixed", so that a second run can be compared.
            values.append("fixed")
    return values


# --- The workflows --------------------------------------------------------------------------------------------------


TEXT = "a red circle and a blue star"

SHAPES_NOTE = """### Bring back what the model forgets
Press **Run**. Each picture should show **a red circle and a blue star**.

Then select *Attend-and-Excite*, press **Ctrl+B** (bypass) and run again: the same seeds, unguided. Some pictures lose
one of the two.

The Shapes model comes with the pack: it is small, knows simple shapes only, and shows the machinery, not art."""

REAL_NOTE = """### Bring back what the model forgets
Choose a **Stable Diffusion 1.x** checkpoint in *Load Checkpoint* (2.x and SDXL work too; set their size in
*Empty Latent Image*) and press **Run**.

Plain SD 1.5 often paints only one of the two animals. To compare, bypass *Attend-and-Excite* (**Ctrl+B**) and run again
with the same seed.

- A subject still missing? Raise **strength** a little, or try another seed.
- Blotches of colour? Lower **strength**, or set **until** to 0.3.
- *Guidance Report* shows how the loss fell, and what it cost."""

MASK_NOTE = """### A mask from a word
*Attention Heat Map* turns the place of **one word** into a MASK, at the size of the picture. Here it cuts out what the
word `star` made; any node that takes a mask can use it: inpainting, *Set Latent Noise Mask*, compositing.

Change **words** to `circle`. **threshold** decides how much of the heat belongs to the mask, **grow** adds room around
it, **blur** softens the edge."""


@dataclass
class Sampled:
    """What the nodes on the right take."""

    model: Link
    samples: Link
    prompt: Link
    image: Link


SHAPES = {"steps": 30, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}
REAL = {"steps": 50, "cfg": 7.5, "sampler_name": "euler", "scheduler": "normal"}
SHAPES_GUIDANCE: dict[str, Any] = {"step_size": 10.0, "sharpness": 10.0, "max_refinements": 4}
"""Attend-and-Excite's inputs for the Shapes model where they differ from the node's defaults, as the quality table uses
them (evaluation/methods.py says why)."""


def sampled(
    sheet: Sheet, loader: Node, text: str, sampling: dict[str, Any], guidance: dict[str, Any], side: int, batch: int
) -> Sampled:
    """Prompt, guidance, capture, stock sampler, decode: the part all workflows share."""
    prompt = sheet.add("PUEncodePrompt", (0, 200), (380, 260), clip=loader[1], text=text)
    negative = sheet.add("CLIPTextEncode", (0, 530), (380, 120), "Negative prompt", clip=loader[1], text="")
    latent = sheet.add("EmptyLatentImage", (0, 720), (300, 130), width=side, height=side, batch_size=batch)
    guided = sheet.add("PUAttendAndExcite", (440, 0), (360, 500), model=loader[0], prompt=prompt[1], **guidance)
    captured = sheet.add("PUCaptureAttention", (440, 570), (360, 200), model=guided[0])
    sampler = sheet.add(
        "KSampler", (860, 0), (320, 330), model=captured[0], positive=prompt[0], negative=negative[0],
        latent_image=latent[0], seed=1, **sampling,
    )  # fmt: skip
    decoded = sheet.add("VAEDecode", (860, 400), (240, 60), samples=sampler[0], vae=loader[2])
    return Sampled(captured[0], sampler[0], prompt[1], decoded[0])


def heat_map(sheet: Sheet, at: tuple[int, int], run: Sampled, **knobs: Any) -> Node:
    inputs = {"model": run.model, "samples": run.samples, "prompt": run.prompt, "image": run.image}
    return sheet.add("PUAttentionHeatMap", at, (420, 820), **inputs, **knobs)


def show_run(sheet: Sheet, run: Sampled) -> None:
    """The picture, the heat of every subject, and the losses."""
    sheet.add("SaveImage", (1240, 0), (420, 440), images=run.image, filename_prefix="attend_and_excite")
    heat_map(sheet, (1240, 510), run)
    report = sheet.add("PUGuidanceReport", (1720, 0), (620, 700), model=run.model, samples=run.samples)
    sheet.add("PreviewAny", (1720, 770), (620, 460), "The report as text", source=report[1])


def attend_and_excite_shapes() -> Sheet:
    sheet = Sheet("attend_and_excite_shapes")
    sheet.note((0, -330), (380, 280), "What to look at", SHAPES_NOTE)
    loader = sheet.add("PULoadShapesModel", (0, 0), (300, 130))
    show_run(sheet, sampled(sheet, loader, TEXT, SHAPES, SHAPES_GUIDANCE, side=64, batch=4))
    return sheet


def attend_and_excite_sd15() -> Sheet:
    sheet = Sheet("attend_and_excite_sd15")
    sheet.note((0, -420), (400, 370), "What to look at", REAL_NOTE)
    loader = sheet.add("CheckpointLoaderSimple", (0, 0), (380, 110), ckpt_name="v1-5-pruned-emaonly.safetensors")
    show_run(sheet, sampled(sheet, loader, "a cat and a frog", REAL, {}, side=512, batch=1))
    return sheet


def heat_map_mask_shapes() -> Sheet:
    sheet = Sheet("heat_map_mask_shapes")
    sheet.note((0, -330), (380, 280), "What to look at", MASK_NOTE)
    loader = sheet.add("PULoadShapesModel", (0, 0), (300, 130))
    run = sampled(sheet, loader, TEXT, SHAPES, SHAPES_GUIDANCE, side=64, batch=1)
    heat = heat_map(sheet, (1240, 0), run, words="star", threshold=0.4, grow=1, blur=1.0)
    mask = sheet.add("MaskToImage", (1240, 900), (240, 40), mask=heat[1])
    sheet.add("PreviewImage", (1720, 0), (340, 360), "The mask", images=mask[0])
    ground = sheet.add("EmptyImage", (860, 540), (300, 160), width=64, height=64, batch_size=1, color=0)
    cut = sheet.add(
        "ImageCompositeMasked", (1240, 1010), (300, 190), destination=ground[0], source=run.image, mask=heat[1]
    )
    sheet.add(
        "SaveImage", (1720, 430), (340, 400), "What the word made", images=cut[0], filename_prefix="heat_map_mask"
    )
    return sheet


CASCADE_NOTE = """### A cascade of two models
The Shapes model paints 64 x 64 pixels; *Super-Resolution Stage* makes the picture noisy by **noise_level** and tells
the Shapes upscaler how noisy it is; that paints it again at 128 x 128. Press **Run** and compare with the same picture
resized plainly.

- **noise_level 0**: the upscaler trusts every pixel, faults too.
- **0.1 to 0.3**: edges are drawn anew.
- **Towards 1**: the picture is lost, and the upscaler invents."""

X4_NOTE = """### A cascade of two models
Choose a **Stable Diffusion 1.x** checkpoint on the left and **x4-upscaler-ema.safetensors** below it. The second model
paints the picture anew at four times its size, 2048 x 2048: give it some ten gigabytes and a minute, or set
*Empty Latent Image* to 256 x 256.

*Super-Resolution Stage* makes the picture noisy by **noise_level** and tells the upscaler so: 0.1 to 0.3 repairs small
faults, more repaints. The prompt is read by both models, each through its own text encoder."""


def cascade_shapes() -> Sheet:
    sheet = Sheet("cascade_shapes")
    sheet.note((0, -370), (420, 320), "What to look at", CASCADE_NOTE)
    loader = sheet.add("PULoadShapesModel", (0, 0), (300, 130))
    positive = sheet.add("CLIPTextEncode", (0, 200), (340, 130), "Prompt", clip=loader[1], text=TEXT)
    negative = sheet.add("CLIPTextEncode", (0, 400), (340, 120), "Negative prompt", clip=loader[1], text="")
    latent = sheet.add("EmptyLatentImage", (0, 590), (300, 130), width=64, height=64, batch_size=4)
    small = first_stage(sheet, loader, positive, negative, latent, SHAPES)
    sheet.add("PreviewImage", (760, 270), (300, 330), "64 x 64", images=small[0])
    upscaler = sheet.add("PULoadShapesUpscaler", (400, 500), (300, 110))
    second = second_stage(sheet, upscaler[0], positive, negative, small, {**SHAPES, "steps": 10, "cfg": 1.0})
    large = sheet.add("VAEDecode", (1120, 620), (240, 60), samples=second[0], vae=upscaler[1])
    plain = sheet.add(
        "ImageScaleBy", (760, 670), (300, 110), "Plain resizing", image=small[0], upscale_method="bicubic", scale_by=2.0
    )
    sheet.add("PreviewImage", (1500, 470), (400, 400), "128 x 128, resized", images=plain[0])
    sheet.add("SaveImage", (1500, 0), (400, 400), "128 x 128, painted", images=large[0], filename_prefix="cascade")
    return sheet


def cascade_x4() -> Sheet:
    sheet = Sheet("cascade_x4")
    sheet.note((0, -370), (420, 320), "What to look at", X4_NOTE)
    text = "a photo of a red fox in the snow, morning light"
    loader = sheet.add("CheckpointLoaderSimple", (0, 0), (340, 110), ckpt_name="v1-5-pruned-emaonly.safetensors")
    positive = sheet.add("CLIPTextEncode", (0, 180), (340, 130), "Prompt", clip=loader[1], text=text)
    negative = sheet.add("CLIPTextEncode", (0, 380), (340, 120), "Negative prompt", clip=loader[1], text="blurry")
    latent = sheet.add("EmptyLatentImage", (0, 570), (300, 130), width=512, height=512, batch_size=1)
    small = first_stage(sheet, loader, positive, negative, latent, {**REAL, "steps": 30})
    sheet.add("PreviewImage", (760, 270), (300, 330), "512 x 512", images=small[0])
    upscaler = sheet.add(
        "CheckpointLoaderSimple", (0, 770), (340, 110), "The x4 upscaler", ckpt_name="x4-upscaler-ema.safetensors"
    )
    positive = sheet.add("CLIPTextEncode", (400, 770), (340, 130), "Prompt", clip=upscaler[1], text=text)
    negative = sheet.add("CLIPTextEncode", (400, 970), (340, 120), "Negative prompt", clip=upscaler[1], text="blurry")
    second = second_stage(sheet, upscaler[0], positive, negative, small, {**REAL, "steps": 25, "cfg": 4.0})
    large = sheet.add("VAEDecodeTiled", (1120, 620), (300, 160), samples=second[0], vae=upscaler[2])
    sheet.add("SaveImage", (1500, 0), (500, 560), "2048 x 2048", images=large[0], filename_prefix="cascade_x4")
    return sheet


def first_stage(
    sheet: Sheet, loader: Node, positive: Node, negative: Node, latent: Node, sampling: dict[str, Any]
) -> Node:
    sampler = sheet.add(
        "KSampler", (400, 0), (300, 330), "First stage", model=loader[0], positive=positive[0], negative=negative[0],
        latent_image=latent[0], seed=1, **sampling,
    )  # fmt: skip
    return sheet.add("VAEDecode", (400, 400), (240, 60), samples=sampler[0], vae=loader[2])


def second_stage(
    sheet: Sheet, model: Link, positive: Node, negative: Node, image: Node, sampling: dict[str, Any]
) -> Node:
    stage = sheet.add(
        "PUSuperResolutionStage", (760, 0), (300, 220), model=model, positive=positive[0], negative=negative[0],
        image=image[0],
    )  # fmt: skip
    return sheet.add(
        "KSampler", (1120, 0), (300, 330), "Second stage", model=stage[0], positive=stage[1], negative=stage[2],
        latent_image=stage[3], seed=1, **sampling,
    )  # fmt: skip


SHEETS = (
    attend_and_excite_shapes,
    attend_and_excite_sd15,
    heat_map_mask_shapes,
    cascade_shapes,
    cascade_x4,
)


def write(info: Info, sheet: Sheet) -> None:
    API.mkdir(exist_ok=True)
    for path, content in (
        (HERE / f"{sheet.name}.json", canvas_form(info, sheet)),
        (API / f"{sheet.name}.api.json", api_form(info, sheet)),
    ):
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    server = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8188"
    with urllib.request.urlopen(f"{server}/object_info") as reply:
        info = json.load(reply)
    for make in SHEETS:
        sheet = make()
        write(info, sheet)
        print(f"{sheet.name}: {len(sheet.nodes)} nodes")


if __name__ == "__main__":
    main()
