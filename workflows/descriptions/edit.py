"""The Prompt-to-Prompt workflows: word swap, refine and re-weight, on the Shapes model and on Stable Diffusion 1.5."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from .canvas import Node, Sheet
from .shared import REAL, SHAPES, SHAPES_ATTEND_AND_EXCITE, Chain, sd15_loader, shapes_loader

GUIDED = """

*Prompt Guidance (auto)* makes the source show what its prompt says, and every edit what its own does. Bypass it to edit
what the model draws by itself."""
SHAPES_END = "\n\nThe Shapes model comes with the pack: it is small, knows simple shapes only, and shows the machinery."
REAL_START = """Choose a **Stable Diffusion 1.x** checkpoint in *Load Checkpoint* (2.x and SDXL work too; set their size
in *Empty Latent Image*).

"""


@dataclass(frozen=True)
class EditText:
    """One kind of edit: what is asked, and what to look at."""

    name: str
    title: str
    shapes: tuple[str, str]
    """Source and edited prompt."""
    real: tuple[str, str]
    note: str
    shapes_nodes: Chain
    real_nodes: Chain
    blend: bool = True


SWAP = EditText(
    "word_swap", "Change a word, keep the picture", ("a red circle and a blue star", "a green circle and a blue star"),
    ("a photo of a cat sitting on a bench", "a photo of a dog sitting on a bench"),
    """Press **Run**. Pictures come in pairs: the source, and beside it the same picture with one word changed.

- *Encode Edit* shows what was swapped for what. Change `edited` to anything; each line is an edit of its own.
- Too much of the old thing left? Lower **until** of *Word Swap*, or give the new word a window of its own in
  **words_until**. Another shape than asked for? Lower **self_until**.
- *Local Blend* keeps everything but the edited thing exactly as it was; *Blend Mask* shows where it may change. Bypass
  it (**Ctrl+B**) to see the difference.""",
    (("PUWordSwap", {}),), (("PUWordSwap", {}),),
)  # fmt: skip
REFINE = EditText(
    "refine", "Add words, keep the picture", ("a circle and a blue star", "a red circle and a blue star"),
    ("a photo of a bench in a park", "a photo of a bench in a park, in the snow"),
    """Press **Run**. Pictures come in pairs: the source, and beside it the same picture with words added to its prompt.

- *Encode Edit* shows which words are new. Words that both prompts share keep their places.
- An added word that is too weak can be turned up: put *Re-weight* behind *Refine*.
- For a change of the whole picture, a style or a season, lower **until** and **self_until** and leave *Local Blend*
  out; for one thing, keep them high.""",
    (("PURefine", {"until": 0.3, "self_until": 0.0}), ("PUReweight", {"words": "red: 4"})), (("PURefine", {}),),
    blend=False,
)  # fmt: skip
REWEIGHT = EditText(
    "reweight", "More or less of a word", ("a red circle and a blue star", ""),
    ("a photo of a fluffy rabbit in the snow", ""),
    """Press **Run**, then change the number behind the word in *Re-weight* and run again with the same seed.

- 1 changes nothing, 2 is twice as much attention to the word, 0 none, and **below 0 the word is pushed out**, which a
  prompt weight cannot do.
- `edited` of *Encode Edit* is empty here: one prompt, one picture, no second one to compare with. Write the same prompt
  into `edited` to get the source beside it, with its layout kept.""",
    (("PUReweight", {"words": "red: -1"}),), (("PUReweight", {"words": "fluffy: 3"}),), blend=False,
)  # fmt: skip


def shapes_sheet(text: EditText) -> Sheet:
    sheet = Sheet(f"{text.name}_shapes")
    sheet.note((-100, -460), (520, 420), "What to look at", f"### {text.title}\n{text.note}{GUIDED}{SHAPES_END}")
    return _edit(
        sheet,
        shapes_loader(sheet),
        text,
        text.shapes,
        text.shapes_nodes,
        SHAPES,
        SHAPES_ATTEND_AND_EXCITE,
        side=64,
        batch=3,
    )


def real_sheet(text: EditText) -> Sheet:
    sheet = Sheet(f"{text.name}_sd15")
    sheet.note((-100, -520), (520, 480), "What to look at", f"### {text.title}\n{REAL_START}{text.note}{GUIDED}")
    return _edit(sheet, sd15_loader(sheet), text, text.real, text.real_nodes, REAL, {}, side=512, batch=1)


def _edit(
    sheet: Sheet, loader: Node, text: EditText, prompts: tuple[str, str], nodes: Chain,
    sampling: dict[str, Any], guidance: dict[str, Any], side: int, batch: int,
) -> Sheet:  # fmt: skip
    source, edited = prompts
    encoded = sheet.add("PUEncodeEdit", (0, 200), (400, 360), clip=loader[1], source=source, edited=edited)
    negative = sheet.add("CLIPTextEncode", (0, 630), (400, 120), "Negative prompt", clip=loader[1], text="")
    empty = sheet.add("EmptyLatentImage", (0, 820), (300, 130), width=side, height=side, batch_size=batch)
    edit, top = encoded[1], 200
    for node, inputs in (*nodes, *((("PULocalBlend", {}),) if text.blend else ())):
        edit = sheet.add(node, (460, top), (360, 240), edit=edit, **inputs)[0]
        top += 310
    # Guidance makes a source worth editing; it reads every edit at the edit's own words.
    guided = sheet.add("PUPromptGuidance", (460, -400), (360, 500), model=loader[0], prompt=encoded[2], **guidance)
    model = sheet.add("PUPromptToPrompt", (880, 0), (320, 70), model=guided[0], edit=edit)
    latent = sheet.add("PUEditLatent", (460, 840), (320, 70), samples=empty[0], edit=encoded[1])
    sampler = sheet.add(
        "KSampler", (880, 140), (320, 330), model=model[0], positive=encoded[0], negative=negative[0],
        latent_image=latent[0], seed=1, **sampling,
    )  # fmt: skip
    decoded = sheet.add("VAEDecode", (880, 540), (240, 60), samples=sampler[0], vae=loader[2])
    sheet.add("SaveImage", (1260, 0), (520, 520), images=decoded[0], filename_prefix=text.name)
    if text.blend:
        sheet.add("PUBlendMask", (1260, 600), (420, 300), model=model[0], samples=sampler[0])
    return sheet


SHEETS = tuple(partial(make, text) for text in (SWAP, REFINE, REWEIGHT) for make in (shapes_sheet, real_sheet))
