"""Real images: inverted and sampled again, with and without Bring Image Back; and edited by Prompt-to-Prompt."""

from __future__ import annotations

from typing import Any

from .canvas import Link, Node, Sheet
from .shared import REAL, SHAPES, sd15_loader, shapes_loader

SHAPES_NOTE = """### A picture the model did not make
On the left a picture is put together from plain rectangles: **a red square and a blue cross**. *Invert Image* finds
the noise from which the Shapes model makes it.

Press **Run**. Above: the picture, sampled again at cfg 3 with *Bring Image Back*. Below: without it, the same noise
drifts away.

- Set **method** to `prompt as negative`: no waiting. Which comes nearer? Raise **refinements** of *Invert Image* to 3
  and look again.
- Steps, scheduler and cfg must be the same everywhere."""

REAL_NOTE = """### A photograph, ready to be edited
Choose a **Stable Diffusion 1.x** checkpoint, load your own picture, and **describe it** in the prompt: the closer the
words, the nearer it comes back. Press **Run**.

Above: the picture, sampled again at cfg 7.5. Below: without *Bring Image Back* it drifts away. The workflow
*edit_real_image_sd15* goes on from here.

- *Bring Image Back* takes minutes, once for a picture. Cancel when you like: the next run goes on from there.
- No time? Set **method** to `prompt as negative`.
- Steps, scheduler and cfg must be the same everywhere; the sampler must be euler or ddim, add_noise disable."""

EDIT_NOTE = """- **method** of *Bring Image Back* is `direct inversion`: the source is the picture itself, with no
  waiting. Try the other two as well.
- *Local Blend* keeps all but the edited thing; bypass it (**Ctrl+B**) for changes of the whole picture.
- Too little changes? Lower **until** and **self_until** of *Word Swap*. Steps, scheduler and cfg must be the same
  everywhere."""

SHAPES_EDIT_NOTE = f"""### Change a word of a picture the model did not make
On the left a picture is put together from plain rectangles: **a red square and a blue cross**. Press **Run**: beside it
the same picture with **a yellow square**.

{EDIT_NOTE}"""

REAL_EDIT_NOTE = f"""### Change a word of your own photograph
Choose a **Stable Diffusion 1.x** checkpoint, load your picture, **describe it** in `source` of *Encode Edit*, and write
into `edited` what it shall show instead. Press **Run**: the picture, and beside it the edit.

{EDIT_NOTE}"""

GROUND, RED, BLUE = 0x1E2028, 0xDE2424, 0x3054F0
RECTANGLES = ((RED, 24, 24, 6, 8), (BLUE, 26, 8, 33, 40), (BLUE, 8, 26, 42, 31))
"""Colour, width, height, left, top: a square, and the two bars of a cross."""


def drawn(sheet: Sheet) -> Link:
    """The picture, from nodes every ComfyUI has; no file is needed."""
    image = sheet.add("EmptyImage", (-700, 0), (300, 160), width=64, height=64, batch_size=1, color=GROUND)[0]
    for i, (colour, width, height, left, top) in enumerate(RECTANGLES):
        y = 230 * (i + 1)
        part = sheet.add("EmptyImage", (-700, y), (300, 160), width=width, height=height, batch_size=1, color=colour)
        image = sheet.add(
            "ImageCompositeMasked", (-360, y), (300, 150), destination=image, source=part[0], x=left, y=top
        )[0]
    return image


def photograph(sheet: Sheet) -> Link:
    loaded = sheet.add("LoadImage", (-700, 0), (300, 380), image="example.png")
    return sheet.add(
        "ImageScale", (-360, 0), (300, 160), image=loaded[0], upscale_method="lanczos", width=512, height=512,
        crop="center",
    )[0]  # fmt: skip


def come_back(sheet: Sheet, loader: Node, image: Link, text: str, sampling: dict[str, Any], prefix: str) -> Sheet:
    """Invert, then sample at the same settings: above with Bring Image Back, below without."""
    same = {name: sampling[name] for name in ("steps", "scheduler")}
    positive = sheet.add("CLIPTextEncode", (0, 200), (380, 130), "What is on the picture", clip=loader[1], text=text)
    negative = sheet.add("CLIPTextEncode", (0, 400), (380, 120), "Negative prompt", clip=loader[1], text="")
    encoded = sheet.add("VAEEncode", (0, 590), (240, 60), pixels=image, vae=loader[2])
    sheet.add("PreviewImage", (0, 720), (340, 370), "The picture", images=image)
    inverted = sheet.add(
        "PUInvertImage", (440, 200), (340, 230), model=loader[0], positive=positive[0], latent=encoded[0], **same
    )
    fitted = sheet.add(
        "PUNullTextOptimise", (440, 500), (340, 560), model=loader[0], inversion=inverted[1], negative=negative[0],
        cfg=sampling["cfg"],
    )  # fmt: skip
    shown = (("With Bring Image Back", fitted[0], 0), ("Without", loader[0], 560))
    for title, model, top in shown:
        sampler = sheet.add(
            "KSamplerAdvanced", (840, top), (320, 450), title, model=model, add_noise="disable", noise_seed=0,
            positive=positive[0], negative=negative[0], latent_image=inverted[0], start_at_step=0, end_at_step=10000,
            return_with_leftover_noise="disable", **sampling,
        )  # fmt: skip
        decoded = sheet.add("VAEDecode", (1220, top), (240, 60), samples=sampler[0], vae=loader[2])
        sheet.add("SaveImage", (1220, top + 130), (340, 370), title, images=decoded[0], filename_prefix=prefix)
    return sheet


def edited(
    sheet: Sheet, loader: Node, image: Link, prompts: tuple[str, str], sampling: dict[str, Any], prefix: str
) -> Sheet:
    """Invert, then sample source and edit together."""
    same = {name: sampling[name] for name in ("steps", "scheduler")}
    source, after = prompts
    encoded = sheet.add("PUEncodeEdit", (0, 200), (400, 360), clip=loader[1], source=source, edited=after)
    negative = sheet.add("CLIPTextEncode", (0, 630), (400, 120), "Negative prompt", clip=loader[1], text="")
    latent = sheet.add("VAEEncode", (0, 820), (240, 60), pixels=image, vae=loader[2])
    inverted = sheet.add(
        "PUInvertImage", (460, 0), (340, 230), model=loader[0], positive=encoded[0], latent=latent[0], **same
    )
    fitted = sheet.add(
        "PUNullTextOptimise", (460, 300), (340, 560), model=loader[0], inversion=inverted[1], negative=negative[0],
        cfg=sampling["cfg"], method="direct inversion",
    )  # fmt: skip
    edit = sheet.add("PUWordSwap", (860, 300), (340, 240), edit=encoded[1])
    edit = sheet.add("PULocalBlend", (860, 610), (340, 220), edit=edit[0])
    model = sheet.add("PUPromptToPrompt", (1260, 0), (320, 70), model=fitted[0], edit=edit[0])
    batch = sheet.add("PUEditLatent", (860, 0), (320, 70), samples=inverted[0], edit=encoded[1])
    sampler = sheet.add(
        "KSamplerAdvanced", (1260, 140), (320, 450), model=model[0], add_noise="disable", noise_seed=0,
        positive=encoded[0], negative=negative[0], latent_image=batch[0], start_at_step=0, end_at_step=10000,
        return_with_leftover_noise="disable", **sampling,
    )  # fmt: skip
    decoded = sheet.add("VAEDecode", (1260, 660), (240, 60), samples=sampler[0], vae=loader[2])
    sheet.add("SaveImage", (1640, 0), (520, 520), images=decoded[0], filename_prefix=prefix)
    return sheet


def real_image_shapes() -> Sheet:
    sheet = Sheet("real_image_shapes")
    sheet.note((0, -400), (440, 350), "What to look at", SHAPES_NOTE)
    return come_back(sheet, shapes_loader(sheet), drawn(sheet), "a red square and a blue cross", SHAPES, "real_image")


def real_image_sd15() -> Sheet:
    sheet = Sheet("real_image_sd15")
    sheet.note((0, -460), (440, 410), "What to look at", REAL_NOTE)
    loader = sd15_loader(sheet)
    return come_back(sheet, loader, photograph(sheet), "a photo of a cat next to a mirror", REAL, "real_image")


def edit_real_image_shapes() -> Sheet:
    sheet = Sheet("edit_real_image_shapes")
    sheet.note((0, -420), (520, 380), "What to look at", SHAPES_EDIT_NOTE)
    prompts = ("a red square and a blue cross", "a yellow square and a blue cross")
    return edited(sheet, shapes_loader(sheet), drawn(sheet), prompts, SHAPES, "edit_real_image")


def edit_real_image_sd15() -> Sheet:
    sheet = Sheet("edit_real_image_sd15")
    sheet.note((0, -460), (520, 420), "What to look at", REAL_EDIT_NOTE)
    prompts = ("a photo of a cat next to a mirror", "a photo of a dog next to a mirror")
    return edited(sheet, sd15_loader(sheet), photograph(sheet), prompts, REAL, "edit_real_image")


SHEETS = (real_image_shapes, real_image_sd15, edit_real_image_shapes, edit_real_image_sd15)
