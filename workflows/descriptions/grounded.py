"""From a layout to the picture: Layout Guidance, LLM-grounded Diffusion, and with GLIGEN."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .canvas import Link, Node, Sheet
from .shared import REAL, SMALL_WORLD, Sampled, sd15_loader, show_run, small_world_loader

BOXES: dict[str, Any] = {"step_size": 20.0, "iterations": "2, 1, 1"}
"""On Small World, for speed: fewer updates than the paper's place its stickers nearly as well."""
TWO_RABBITS = """{"objects": [
  {"caption": "a rabbit", "x": 4, "y": 36, "width": 56, "height": 56},
  {"caption": "a rabbit", "x": 68, "y": 36, "width": 56, "height": 56}
], "background": "", "negative": ""}"""
THREE_FROGS = """Objects: [('a frog', [6, 8, 52, 52]), ('a frog', [70, 8, 52, 52]), ('a frog', [38, 68, 52, 52])]
Background prompt: 
Negative prompt: """
SITES = {"sites": "half"}
"""Small World's 16 x 16 maps are half its latent."""
COMPARE = "To compare, select {nodes}, press **Ctrl+B** (bypass) and run again: the same seeds, without boxes."
SMALL_WORLD_END = (
    "Small World comes with the pack. It draws stickers of 48 to 88 pixels, so small boxes come out larger."
)

NOTES = {
    "layout_guidance_small_world": f"""### Each thing in its place
Press **Run**. **The turtle should be above the crown** in every picture. *Plan Layout* makes the boxes from the prompt,
with no language model; *Preview Layout* draws them over the pictures. {COMPARE.format(nodes="*Layout Guidance*")}

Write another prompt: `a cat to the left of a dog`, `three frogs`. Boxes from elsewhere go into the same socket.

{SMALL_WORLD_END}""",
    "layout_pasted_small_world": f"""### Any chat plans, Small World draws
Press **Run**. **Two rabbits, one left and one right.** *Read Layout* holds what a language model wrote, in whatever
form; *Layout Instructions* gives you the text to paste into a chat. {COMPARE.format(nodes="*Layout Guidance*")}

{SMALL_WORLD_END}""",
    "layout_asked_small_world": f"""### A language model plans, Small World draws
Start **llama.cpp, Ollama or another OpenAI-compatible server** on this computer, write its address and model into
*Ask LLM for Layout*, and press **Run**. **The turtle should be above the crown.**

{SMALL_WORLD_END}""",
    "lmd_small_world": f"""### The right number, each in its place
Press **Run**. **Three frogs.** *Generate Objects* draws each alone (the three pictures in the middle), then
*LLM-grounded Diffusion* puts them into their boxes and the model paints the rest around them. Their sampler, steps,
scheduler and seed are the same as the KSampler's.

The boxes are written by hand here, in the form in which the paper's language model answers; *Plan Layout* makes them
from a prompt. The prompt of the whole picture comes from the layout: what it leaves out goes to the negative one.

{SMALL_WORLD_END}""",
    "lmd_plus_sd15": """### LMD+: boxes through GLIGEN, and guidance that sees them
Choose a **Stable Diffusion 1.x** checkpoint in *Load Checkpoint* and `gligen_sd14_textbox_pruned.safetensors` in
*GLIGENLoader* (folder `models/gligen`), and press **Run**.

The boxes act through GLIGEN in the first 0.4 of sampling; *Layout Guidance* holds each word in its box until 0.6.
Bypass one of the two to see what each does. For the whole method put *Generate Objects* and *LLM-grounded Diffusion* in
the place of *Layout Guidance*, as in the Small World workflow.""",
}


def _start(sheet: Sheet, loader: Node, text: str) -> Node:
    sheet.note((0, -420), (400, 370), "What to look at", NOTES[sheet.name])
    return sheet.add("PUEncodePrompt", (0, 200), (380, 260), clip=loader[1], text=text)


def _plan(sheet: Sheet, prompt: Node, side: int) -> Node:
    return sheet.add("PUPlanLayout", (0, 530), (380, 400), prompt=prompt[1], width=side, height=side)


def _end(
    sheet: Sheet, loader: Node, model: Link, prompt: Link, positive: Link, negative: Link, layout: Link,
    sampling: dict[str, Any], side: int, batch: int, at: int,
) -> None:  # fmt: skip
    """Capture, sampler and viewers, from this place to the right."""
    latent = sheet.add("EmptyLatentImage", (at, 400), (300, 130), width=side, height=side, batch_size=batch)
    captured = sheet.add("PUCaptureAttention", (at, 600), (360, 200), model=model)
    sampler = sheet.add(
        "KSampler", (at, 0), (320, 330), model=captured[0], positive=positive, negative=negative,
        latent_image=latent[0], seed=1, **sampling,
    )  # fmt: skip
    image = sheet.add("VAEDecode", (at, 870), (240, 60), samples=sampler[0], vae=loader[2])
    show_run(sheet, Sampled(captured[0], sampler[0], prompt, image[0]), sheet.name, left=at + 420)
    sheet.add("PUPreviewLayout", (at + 1580, 0), (420, 440), layout=layout, image=image[0])


def layout_guidance_small_world() -> Sheet:
    return _guided_by_boxes("layout_guidance_small_world", "a turtle above a crown", partial(_plan, side=128))


def layout_pasted_small_world() -> Sheet:
    def read(sheet: Sheet, prompt: Node) -> Node:
        size = {"width": 128, "height": 128}
        return sheet.add("PUReadLayout", (0, 530), (380, 400), prompt=prompt[1], text=TWO_RABBITS, **size)

    return _guided_by_boxes("layout_pasted_small_world", "two rabbits", read, several_boxes="each must be filled")


def layout_asked_small_world() -> Sheet:
    text = "a turtle above a crown"

    def ask(sheet: Sheet, prompt: Node) -> Node:
        return sheet.add("PUAskLayout", (0, 530), (380, 560), text=text, model="qwen3:8b", width=128, height=128)

    return _guided_by_boxes("layout_asked_small_world", text, ask)


def _guided_by_boxes(name: str, text: str, boxes: Callable[[Sheet, Node], Node], **knobs: Any) -> Sheet:
    """Small World with Layout Guidance, by the layout that `boxes` makes of a prompt."""
    sheet = Sheet(name)
    loader = small_world_loader(sheet)
    prompt = _start(sheet, loader, text)
    layout = boxes(sheet, prompt)
    guided = sheet.add(
        "PULayoutGuidance", (440, 0), (360, 560), model=loader[0], prompt=prompt[1], layout=layout[0],
        **BOXES, **SITES, **knobs,
    )  # fmt: skip
    negative = sheet.add("CLIPTextEncode", (440, 640), (360, 120), "Negative prompt", clip=loader[1], text="")
    _end(sheet, loader, guided[0], prompt[1], prompt[0], negative[0], layout[0], SMALL_WORLD, side=128, batch=4, at=860)
    return sheet


def lmd_small_world() -> Sheet:
    sheet = Sheet("lmd_small_world")
    loader = small_world_loader(sheet)
    sheet.note((0, -420), (400, 370), "What to look at", NOTES[sheet.name])
    plan = sheet.add("PUReadLayout", (0, 200), (380, 400), text=THREE_FROGS, width=128, height=128)
    sampler = sheet.add("KSamplerSelect", (440, 0), (300, 60), sampler_name=SMALL_WORLD["sampler_name"])
    sigmas = sheet.add(
        "BasicScheduler", (440, 130), (300, 120), model=loader[0], scheduler=SMALL_WORLD["scheduler"],
        steps=SMALL_WORLD["steps"], denoise=1.0,
    )  # fmt: skip
    objects = sheet.add(
        "PUGenerateObjects", (440, 320), (400, 700), model=loader[0], clip=loader[1], layout=plan[0],
        sampler=sampler[0], sigmas=sigmas[0], seed=1, cfg=SMALL_WORLD["cfg"], template="{object}", **BOXES, **SITES,
    )  # fmt: skip
    single = sheet.add("VAEDecode", (440, 1100), (240, 60), samples=objects[1], vae=loader[2])
    sheet.add("PreviewImage", (440, 1230), (400, 300), "Each object alone", images=single[0])
    whole = sheet.add(
        "PUEncodePrompt", (900, 0), (380, 260), "Encode & Parse the layout", clip=loader[1], text=objects[3]
    )
    negative = sheet.add("CLIPTextEncode", (900, 330), (380, 120), "Negative prompt", clip=loader[1], text=objects[4])
    model = sheet.add(
        "PULLMGroundedDiffusion", (900, 520), (380, 620), model=loader[0], prompt=whole[1], objects=objects[0], **BOXES
    )
    _end(sheet, loader, model[0], whole[1], whole[0], negative[0], plan[0], SMALL_WORLD, side=128, batch=1, at=1340)
    return sheet


def lmd_plus_sd15() -> Sheet:
    sheet = Sheet("lmd_plus_sd15")
    loader = sd15_loader(sheet)
    prompt = _start(sheet, loader, "a realistic photo of a cat to the left of two dogs in a park")
    plan = _plan(sheet, prompt, 512)
    negative = sheet.add("CLIPTextEncode", (440, 0), (380, 120), "Negative prompt", clip=loader[1], text="")
    gligen = sheet.add("GLIGENLoader", (440, 190), (380, 60), gligen_name="gligen_sd14_textbox_pruned.safetensors")
    grounded = sheet.add(
        "PUGroundLayoutGLIGEN", (440, 320), (380, 170), positive=prompt[0], negative=negative[0], clip=loader[1],
        gligen=gligen[0], layout=plan[0],
    )  # fmt: skip
    guided = sheet.add("PULayoutGuidance", (440, 560), (380, 560), model=loader[0], prompt=prompt[1], layout=plan[0])
    _end(sheet, loader, guided[0], prompt[1], grounded[0], grounded[1], plan[0], REAL, side=512, batch=1, at=880)
    return sheet


SHEETS: tuple[Callable[[], Sheet], ...] = (
    layout_guidance_small_world, layout_pasted_small_world, layout_asked_small_world, lmd_small_world, lmd_plus_sd15,
)  # fmt: skip
