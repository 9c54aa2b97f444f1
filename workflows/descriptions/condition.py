"""The workflows of what changes the conditioning or the guidance: Composable and Structured Diffusion, Dynamic
Thresholding, Guidance Schedule; each on the Shapes model and on Stable Diffusion 1.5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .canvas import Link, Node, Sheet
from .shared import REAL, SHAPES

COMPOSABLE_NOTE = """### Several prompts in one picture
*Compose Text* writes them in one text, joined by **AND**; **NOT** in front of one pushes away from it, and a number
behind a colon is its weight. *Composable Diffusion* adds up what each prompt would change; connect **both** its
outputs.

Each prompt costs a pass of its own. Two things often blend into one: for "a cat and a dog" use *Attend-and-Excite*;
this node is for a scene with a style, or for NOT."""

COMPOSABLE_REAL_NOTE = """### A scene, a style, and what should not be there
Choose a **Stable Diffusion 1.x** checkpoint and press **Run**.

Each *Composable Prompt* adds one CONDITIONING with its weight; below 0 means NOT. They may carry areas, masks,
ControlNet or timestep ranges of their own. *Composable Guider* takes the place of CFGGuider for
*SamplerCustomAdvanced*; with *KSampler* use *Composable Diffusion*.

- Colours too strong? The weights add up: lower **cfg** or the weights.
- The negative prompt stays empty, as in the paper."""

STRUCTURED_NOTE = """### Attributes that stay with their own thing
*Structured Diffusion* encodes every noun phrase of the prompt alone ("a red circle") and lets it paint with that
meaning. To compare, select it and press **Ctrl+B** (bypass): the same seed without it. The layout hardly changes, and
many pictures stay nearly the same; the paper's authors say so too.
"""
STRUCTURED_SHAPES_NOTE = (
    STRUCTURED_NOTE
    + """
On the **Shapes model** no help can come of it: its text encoder shows no word any other word, so a phrase alone means
what it meant in the prompt, and differs only by its place in the sentence. Some pictures change, none for the better on
purpose. The workflow is here to show the wiring."""
)

THRESHOLD_NOTE = """### High cfg without burnt colours
The sampler's **cfg is far too high** on purpose. *Dynamic Thresholding* brings the values of every step back into
range. Bypass it (**Ctrl+B**) and run again to see the difference with the same seeds. """
THRESHOLD_SHAPES_NOTE = (
    THRESHOLD_NOTE
    + """
Shapes works on pixels, so this is Imagen's clamp: the whole picture is divided by its **percentile**. Here that also
lifts the dark ground towards grey, the more the higher the percentile (try 0.995): for such pictures `static`, which
cuts off instead, keeps colours best, and *Guidance Schedule* better still."""
)
THRESHOLD_REAL_NOTE = (
    THRESHOLD_NOTE
    + """
Stable Diffusion works on a latent, whose values have no natural range, so every channel is brought to the range that a
cfg of **mimic** would give it. The node's own text says which form is used. At mimic = cfg nothing changes."""
)

SCHEDULE_NOTE = """### Guidance where it helps
*Guidance Schedule* gives every step its own cfg; the sampler's is the highest. Here an **interval**: guided between
start and until, cfg **low** = 1 outside, where the negative prompt is skipped and a step takes half the time.

Bypass it (**Ctrl+B**) to compare. Ramps (`linear down`, `cosine down`, …) run from the sampler's cfg to **low**."""


def loader(sheet: Sheet, shapes: bool) -> Node:
    if shapes:
        return sheet.add("PULoadShapesModel", (0, 0), (300, 130))
    return sheet.add("CheckpointLoaderSimple", (0, 0), (380, 110), ckpt_name="v1-5-pruned-emaonly.safetensors")


def empty(sheet: Sheet, shapes: bool) -> Node:
    side, batch = (64, 4) if shapes else (512, 1)
    return sheet.add("EmptyLatentImage", (0, 720), (300, 130), width=side, height=side, batch_size=batch)


def nothing(sheet: Sheet, clip: Link) -> Node:
    return sheet.add("CLIPTextEncode", (0, 530), (380, 120), "Negative prompt", clip=clip, text="")


def finished(sheet: Sheet, samples: Link, vae: Link) -> None:
    decoded = sheet.add("VAEDecode", (860, 400), (240, 60), samples=samples, vae=vae)
    sheet.add("SaveImage", (1240, 0), (460, 480), images=decoded[0], filename_prefix=sheet.name)


def ksampled(sheet: Sheet, loaded: Node, model: Link, positive: Link, shapes: bool, **sampling: Any) -> None:
    """Stock sampler, decoded and saved."""
    sampler = sheet.add(
        "KSampler", (860, 0), (320, 330), model=model, positive=positive, negative=nothing(sheet, loaded[1])[0],
        latent_image=empty(sheet, shapes)[0], seed=1, **{**(SHAPES if shapes else REAL), **sampling},
    )  # fmt: skip
    finished(sheet, sampler[0], loaded[2])


def report(sheet: Sheet, source: Link) -> None:
    sheet.add("PreviewAny", (440, 560), (360, 200), "What it did", source=source)


def composable_shapes() -> Sheet:
    sheet = Sheet("composable_shapes")
    sheet.note((0, -330), (400, 290), "What to look at", COMPOSABLE_NOTE)
    loaded = loader(sheet, True)
    text = "a red circle AND a blue star AND NOT a moon:0.5"
    composed = sheet.add("PUComposeText", (0, 200), (380, 260), clip=loaded[1], text=text)
    node = sheet.add("PUComposableDiffusion", (440, 0), (300, 100), model=loaded[0], composition=composed[0])
    report(sheet, composed[1])
    ksampled(sheet, loaded, node[0], node[1], True)
    return sheet


def composable_sd15() -> Sheet:
    sheet = Sheet("composable_sd15")
    sheet.note((0, -400), (420, 360), "What to look at", COMPOSABLE_REAL_NOTE)
    loaded = loader(sheet, False)
    prompts = (("a lake in the mountains", 1.0), ("autumn trees, golden light", 0.6), ("fog", -0.4))
    composition: dict[str, Link] = {}
    for row, (text, weight) in enumerate(prompts):
        at = 200 + 190 * row
        encoded = sheet.add("CLIPTextEncode", (0, at), (380, 140), clip=loaded[1], text=text)
        added = sheet.add(
            "PUComposablePrompt", (440, at), (300, 110), conditioning=encoded[0], weight=weight, **composition
        )
        composition = {"composition": added[0]}
    negative = sheet.add("CLIPTextEncode", (0, 780), (380, 120), "Negative prompt", clip=loaded[1], text="")
    guider = sheet.add(
        "PUComposableGuider", (440, 780), (300, 140), model=loaded[0], negative=negative[0], cfg=7.5, **composition
    )
    latent = sheet.add("EmptyLatentImage", (440, 0), (300, 130), width=512, height=512, batch_size=1)
    noise = sheet.add("RandomNoise", (860, -330), (320, 90), noise_seed=1)
    euler = sheet.add("KSamplerSelect", (860, -190), (320, 70), sampler_name="euler")
    sigmas = sheet.add("BasicScheduler", (860, -70), (320, 120), model=loaded[0], scheduler="normal", steps=50)
    sampler = sheet.add(
        "SamplerCustomAdvanced", (860, 120), (320, 140), noise=noise[0], guider=guider[0], sampler=euler[0],
        sigmas=sigmas[0], latent_image=latent[0],
    )  # fmt: skip
    finished(sheet, sampler[0], loaded[2])
    return sheet


def structured(shapes: bool) -> Sheet:
    sheet = Sheet(f"structured_{_suffix(shapes)}")
    sheet.note((0, -380), (400, 340), "What to look at", STRUCTURED_SHAPES_NOTE if shapes else STRUCTURED_NOTE)
    loaded = loader(sheet, shapes)
    text = "a red circle and a blue star" if shapes else "a red car and a white sheep on a green meadow"
    prompt = sheet.add("PUEncodePrompt", (0, 200), (380, 260), clip=loaded[1], text=text)
    node = sheet.add("PUStructuredDiffusion", (440, 0), (360, 200), model=loaded[0], clip=loaded[1], prompt=prompt[1])
    report(sheet, node[1])
    ksampled(sheet, loaded, node[0], prompt[0], shapes)
    return sheet


def patched(name: str, note: str, shapes: bool, node_id: str, sampling: dict[str, Any], **knobs: Any) -> Sheet:
    """A prompt and one node on the MODEL."""
    sheet = Sheet(f"{name}_{_suffix(shapes)}")
    sheet.note((0, -330), (400, 290), "What to look at", note)
    loaded = loader(sheet, shapes)
    text = "a red circle" if shapes else "a portrait of an old fisherman, oil painting"
    prompt = sheet.add("CLIPTextEncode", (0, 200), (380, 260), clip=loaded[1], text=text)
    node = sheet.add(node_id, (440, 0), (360, 240), model=loaded[0], **knobs)
    if node_id == "PUDynamicThresholding":
        report(sheet, node[1])
    ksampled(sheet, loaded, node[0], prompt[0], shapes, **sampling)
    return sheet


def thresholding(shapes: bool) -> Sheet:
    note = THRESHOLD_SHAPES_NOTE if shapes else THRESHOLD_REAL_NOTE
    cfg = {"cfg": 12.0 if shapes else 18.0}
    # With Imagen's own 0.995 the dark ground of Shapes turns grey; evaluation/results/saturation.md has the figures.
    return patched(
        "dynamic_thresholding", note, shapes, "PUDynamicThresholding", cfg, percentile=0.95 if shapes else 0.995
    )


def schedule(shapes: bool) -> Sheet:
    cfg = {"cfg": 8.0 if shapes else 12.0}
    return patched("guidance_schedule", SCHEDULE_NOTE, shapes, "PUGuidanceSchedule", cfg, start=0.0, until=0.6)


def _suffix(shapes: bool) -> str:
    return "shapes" if shapes else "sd15"


def _of(make: Callable[[bool], Sheet], shapes: bool) -> Callable[[], Sheet]:
    return lambda: make(shapes)


SHEETS = (
    composable_shapes,
    composable_sd15,
    *(_of(make, shapes) for make in (structured, thresholding, schedule) for shapes in (True, False)),
)
