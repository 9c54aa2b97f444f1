"""Imagen's cascade: a small picture and a stage that paints it larger, on Shapes and with the x4 upscaler."""

from __future__ import annotations

from typing import Any

from .canvas import Link, Node, Sheet
from .guide import TEXT
from .shared import REAL, SD15, SHAPES

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
    loader = sheet.add("CheckpointLoaderSimple", (0, 0), (340, 110), ckpt_name=SD15)
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


SHEETS = (cascade_shapes, cascade_x4)
