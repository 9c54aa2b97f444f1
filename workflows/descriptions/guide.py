"""Guidance: each technique alone, the stack of three, and the automatic choice, on Small World, Shapes and SD1.5."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .canvas import Sheet
from .shared import (
    REAL,
    SHAPES,
    SHAPES_A_STAR,
    SHAPES_ATTEND_AND_EXCITE,
    SHAPES_SYNGEN,
    SMALL_WORLD,
    SMALL_WORLD_A_STAR,
    SMALL_WORLD_ATTEND_AND_EXCITE,
    SMALL_WORLD_AUTO,
    SMALL_WORLD_SYNGEN,
    Chain,
    sampled,
    sd15_loader,
    shapes_loader,
    show_run,
    small_world_loader,
)

TEXT = "a red circle and a blue star"

COMPARE = "To compare, select {nodes}, press **Ctrl+B** (bypass) and run again: the same seeds, unguided."
SHAPES_END = (
    "The Shapes model comes with the pack: it is small, knows simple shapes only, and shows the machinery, not art."
)
REAL_START = (
    "Choose a **Stable Diffusion 1.x** checkpoint in *Load Checkpoint* (2.x and SDXL work too; set their size in "
    "*Empty Latent Image*) and press **Run**."
)

RETRIEVE = "### Bring back what the model forgets"
BIND = "### Put each colour on its own thing"
APART = "### Keep things apart and alive"
STACK = "### Three techniques, one pass"
AUTO = "### Guidance without theory"

SHAPES_NOTES = {
    "attend_and_excite": f"""{RETRIEVE}
Press **Run**. Each picture should show **a red circle and a blue star**. {COMPARE.format(nodes="*Attend-and-Excite*")}
Some pictures lose one of the two.

{SHAPES_END}""",
    "syngen": f"""{BIND}
Press **Run**. The **ring should be orange and the moon cyan**. {COMPARE.format(nodes="*SynGen*")} Colours land on the
wrong shape more often.

SynGen binds; it does not bring back what is missing. For that, chain *Attend-and-Excite* behind it.

{SHAPES_END}""",
    "a_star": f"""{APART}
Press **Run**. Each picture should show **a square and a moon**. {COMPARE.format(nodes="*A-STAR*")}

A-STAR keeps each thing out of the other's place, and in the place it had one step before.

{SHAPES_END}""",
    "guidance_stack": f"""{STACK}
*Attend-and-Excite*, *SynGen* and *A-STAR* on one MODEL share **one** forward and one backward pass: three cost hardly
more than one. The order of the nodes does not change the picture; *Guidance Report* shows each loss.

{COMPARE.format(nodes="one of them, or all,")}

{SHAPES_END}""",
    "prompt_guidance": f"""{AUTO}
*Prompt Guidance (auto)* looks at what the prompt names and chooses the techniques itself; its output **why** and the
report say what it chose. Turn **strength** up or down; 0 is the plain picture.

Change the prompt to `a red star`, or to `a circle and a star`, and see the choice change.

{SHAPES_END}""",
}

REAL_NOTES = {
    "attend_and_excite": f"""{RETRIEVE}
{REAL_START}

Plain SD 1.5 often paints only one of the two animals. {COMPARE.format(nodes="*Attend-and-Excite*")}

- A subject still missing? Raise **strength** a little, or try another seed.
- Blotches of colour? Lower **strength**, or set **until** to 0.3.
- *Guidance Report* shows how the loss fell, and what it cost.""",
    "syngen": f"""{BIND}
{REAL_START}

Plain SD 1.5 often swaps or spreads the two colours. {COMPARE.format(nodes="*SynGen*")}

- Colours still wrong? Raise **strength**, or **together** (advanced).
- Things fly to the edges? Lower **apart** (advanced).""",
    "a_star": f"""{APART}
{REAL_START}

Plain SD 1.5 often melts two animals into one, or loses one on the way. {COMPARE.format(nodes="*A-STAR*")}

- Still one in the other? Raise **segregation** (advanced). Things fade late? Raise **until**.""",
    "guidance_stack": f"""{STACK}
{REAL_START}

*Attend-and-Excite*, *SynGen* and *A-STAR* on one MODEL share **one** forward and one backward pass. The order of the
nodes does not change the picture; *Guidance Report* shows each loss. {COMPARE.format(nodes="one of them, or all,")}""",
    "prompt_guidance": f"""{AUTO}
{REAL_START}

*Prompt Guidance (auto)* looks at what the prompt names and chooses the techniques itself; its output **why** and the
report say what it chose. Turn **strength** up or down; 0 is the plain picture.""",
}

SMALL_WORLD_END = (
    "Small World comes with the pack: stickers on plain scenes, drawn in seconds. It forgets and mixes up as large "
    "models do, and shows the machinery, not art."
)
SMALL_WORLD_NOTES = {
    "attend_and_excite": f"""{RETRIEVE}
Press **Run**. Each picture should show **a cat and a frog**. {COMPARE.format(nodes="*Attend-and-Excite*")}
Some pictures then show two of one and none of the other.

{SMALL_WORLD_END}""",
    "syngen": f"""{BIND}
Press **Run**. The **sunflower should be pink and the flamingo yellow**. {COMPARE.format(nodes="*SynGen*")}
Some pictures then have the colours the other way round, or on both.

SynGen binds; it does not bring back what is missing. For that, chain *Attend-and-Excite* behind it.

{SMALL_WORLD_END}""",
    "a_star": f"""{APART}
Press **Run**. Each picture should show **a bear and a turtle**. {COMPARE.format(nodes="*A-STAR*")}

A-STAR keeps each thing out of the other's place, and in the place it had one step before.

{SMALL_WORLD_END}""",
    "guidance_stack": f"""{STACK}
*Attend-and-Excite*, *SynGen* and *A-STAR* on one MODEL share **one** forward and one backward pass: three cost hardly
more than one. The order of the nodes does not change the picture; *Guidance Report* shows each loss.

{COMPARE.format(nodes="one of them, or all,")}

{SMALL_WORLD_END}""",
    "prompt_guidance": f"""{AUTO}
*Prompt Guidance (auto)* looks at what the prompt names and chooses the techniques itself; its output **why** and the
report say what it chose. Turn **strength** up or down; 0 is the plain picture.

Change the prompt to `a lion and a blue clock on grass`, or to `a purple car`, and see the choice change.

{SMALL_WORLD_END}""",
}
Knobs = Mapping[str, Any]


def _chains(excite: Knobs, bind: Knobs, part: Knobs, auto: Knobs) -> dict[str, Chain]:
    """Workflow -> its guidance nodes, with what a model needs set otherwise than their defaults."""
    alone = {
        "attend_and_excite": ("PUAttendAndExcite", excite),
        "syngen": ("PUSynGen", bind),
        "a_star": ("PUAStar", part),
    }
    single = {name: [node] for name, node in alone.items()}
    return {**single, "guidance_stack": list(alone.values()), "prompt_guidance": [("PUPromptGuidance", auto)]}


SMALL_WORLD_CHAINS = _chains(SMALL_WORLD_ATTEND_AND_EXCITE, SMALL_WORLD_SYNGEN, SMALL_WORLD_A_STAR, SMALL_WORLD_AUTO)
SMALL_WORLD_TEXTS = {
    "attend_and_excite": "a cat and a frog",
    "syngen": "a pink sunflower and a yellow flamingo",
    "a_star": "a bear and a turtle",
    "guidance_stack": "a green car and an orange chair",
    "prompt_guidance": "a red crown and a golden strawberry",
}

SHAPES_CHAINS = _chains(SHAPES_ATTEND_AND_EXCITE, SHAPES_SYNGEN, SHAPES_A_STAR, SHAPES_ATTEND_AND_EXCITE)
SHAPES_TEXTS = {
    "attend_and_excite": TEXT,
    "syngen": "an orange ring and a cyan moon",
    "a_star": "a square and a moon",
    "guidance_stack": "a purple cross and a yellow circle",
    "prompt_guidance": "a green triangle and a pink star",
}
REAL_TEXTS = {
    "attend_and_excite": "a cat and a frog",
    "syngen": "a pink sunflower and a yellow flamingo",
    "a_star": "a bear and a turtle",
    "guidance_stack": "a red car and a white sheep",
    "prompt_guidance": "a blue bird and a brown horse",
}


def on_shapes(name: str) -> Sheet:
    sheet = Sheet(f"{name}_shapes")
    sheet.note((0, -330), (400, 280), "What to look at", SHAPES_NOTES[name])
    chain, text = SHAPES_CHAINS[name], SHAPES_TEXTS[name]
    show_run(sheet, sampled(sheet, shapes_loader(sheet), text, SHAPES, chain, side=64, batch=4), name)
    return sheet


def on_small_world(name: str) -> Sheet:
    sheet = Sheet(f"{name}_small_world")
    sheet.note((0, -330), (400, 280), "What to look at", SMALL_WORLD_NOTES[name])
    chain, text = SMALL_WORLD_CHAINS[name], SMALL_WORLD_TEXTS[name]
    run = sampled(sheet, small_world_loader(sheet), text, SMALL_WORLD, chain, side=128, batch=4)
    show_run(sheet, run, name)
    return sheet


def on_sd15(name: str) -> Sheet:
    sheet = Sheet(f"{name}_sd15")
    sheet.note((0, -420), (400, 370), "What to look at", REAL_NOTES[name])
    chain = [(node_id, {}) for node_id, _ in SHAPES_CHAINS[name]]
    show_run(sheet, sampled(sheet, sd15_loader(sheet), REAL_TEXTS[name], REAL, chain, side=512, batch=1), name)
    return sheet


SHEETS: tuple[Callable[[], Sheet], ...] = tuple(
    partial(place, name) for name in SHAPES_CHAINS for place in (on_small_world, on_shapes, on_sd15)
)
