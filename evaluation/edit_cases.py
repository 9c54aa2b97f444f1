"""Edits of prompts on the Shapes model: what is asked for, through which nodes, and whether the detector sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..demo.detection import Detection
from ..demo.detector import detect
from ..demo.prompts import COLOURED_COLOURED, prompt
from ..demo.scenes import COLOURS, SHAPES
from ..demo.scoring import Subject
from .methods import run_node

NEAR = 2.0
"""Pixels that an untouched object may move."""
RESAMPLED, EDITED, BLENDED = "re-sampled", "prompt-to-prompt", "with local blend"
ARMS = (RESAMPLED, EDITED, BLENDED)

Chain = tuple[tuple[str, Mapping[str, Any]], ...]
"""Nodes in the order they are wired, each (node id, inputs that differ from its defaults)."""

SWAP = {"until": 0.8, "self_until": 0.4}
RESHAPE = {"until": 0.4, "self_until": 0.0}
"""Another shape needs another outline."""
REFINE = {"until": 0.2, "self_until": 0.0}
"""With a longer window the source's colour is the edit's: no word of Shapes' encoder sees another, so an added one has
nothing but its own attention to act by. Twice of it helps."""
PUSHED, PULLED = -2.0, 2.0
"""Weight of a colour's word that is to go, and of one that is added."""
BLEND = {"start": 0.2, "threshold": 0.45}


@dataclass(frozen=True)
class Case:
    """One edit of a source prompt. The first object is edited, the other must stay."""

    kind: str
    source: str
    edited: str
    before: Subject
    after: Subject
    other: Subject
    nodes: Chain
    blend: Mapping[str, Any] = field(default_factory=lambda: dict(BLEND))


def cases() -> list[list[Case]]:
    """For each of the 32 prompts its four edits."""
    return [_cases(number, *subjects) for number, (_, subjects) in enumerate(COLOURED_COLOURED)]


def _cases(number: int, first: Subject, other: Subject) -> list[Case]:
    shape, colour = first
    source = prompt(first, other).text
    recoloured = (shape, _another(COLOURS, (colour, other[1]), number))
    reshaped = (_another(SHAPES, (shape, other[0]), number), colour)
    bare, swap, reshape = (shape, None), (("PUWordSwap", SWAP),), (("PUWordSwap", RESHAPE),)
    add = (("PURefine", REFINE), ("PUReweight", {"words": f"{colour}: {PULLED:g}"}))
    weigh = (("PUReweight", {"words": f"{colour}: {PUSHED:g}", **SWAP}),)
    # The thing that is edited: where only its weight changes the prompts do not say which.
    at_it = {**BLEND, "words": shape}
    return [
        Case("colour swap", source, prompt(recoloured, other).text, first, recoloured, other, swap),
        Case("shape swap", source, prompt(reshaped, other).text, first, reshaped, other, reshape),
        Case("added phrase", prompt(bare, other).text, source, bare, first, other, add, {**BLEND, "threshold": 0.6}),
        Case("re-weight", source, source, first, bare, other, weigh, at_it),
    ]


def _another(names: Sequence[str], taken: Sequence[str | None], number: int) -> str:
    free = [name for name in names if name not in taken]
    return free[number % len(free)]


# --- nodes ---


def edited(model: Any, clip: Any, case: Case, arm: str, **inputs: Any) -> tuple[Any, Any, Any]:
    """(MODEL, positive CONDITIONING, EDIT) of one arm; `inputs` change the first node's. Re-sampling is the edited
    prompt alone."""
    source, after = (case.edited, "") if arm == RESAMPLED else (case.source, case.edited)
    positive, edit, *_ = run_node("PUEncodeEdit", clip=clip, source=source, edited=after)
    if arm == RESAMPLED:
        return model, positive, edit
    (first, own), *others = case.nodes
    blend = [("PULocalBlend", case.blend)] if arm == BLENDED else []
    for node, chosen in ((first, {**own, **inputs}), *others, *blend):
        edit = run_node(node, edit=edit, **chosen)[0]
    return run_node("PUPromptToPrompt", model=model, edit=edit)[0], positive, edit


def last_of_each(pictures: Any, edit: Any) -> Any:
    """Of groups of a source and its edits, the last edit's."""
    return pictures[len(edit.prompts) - 1 :: len(edit.prompts)]


# --- what is seen ---


def is_right(case: Case, found: Sequence[Detection]) -> bool:
    """Both objects and nothing else; an added colour must not be there before."""
    seen = {(one.noun, one.colour) for one in found}
    shapes = sorted(str(one.noun) for one in found)
    if len(found) != 2 or shapes != sorted([case.before[0], case.other[0]]) or case.other not in seen:
        return False
    return case.before in seen if case.before[1] else case.after not in seen


def judge(case: Case, source: np.ndarray, picture: np.ndarray) -> dict[str, float]:
    """source, picture [height width 3] in 0…1."""
    before, after = detect(source), detect(picture)
    thing = next(one for one in before if one.noun == case.before[0])
    new = [one for one in after if _happened(case, one)]
    # A re-weighted thing may change its colour or go.
    gone = case.kind == "re-weight" and not any(one.noun == case.before[0] for one in after)
    other = next(one for one in before if (one.noun, one.colour) == case.other)
    stayed = any((one.noun, one.colour) == case.other and _distance(one, other, source) <= NEAR for one in after)
    return {
        "happened": float(bool(new) or gone),
        "stayed": float(stayed),
        "outside": _outside(source, picture, [thing, *new]),
    }


def _happened(case: Case, one: Detection) -> bool:
    if case.kind == "re-weight":
        return one.noun == case.before[0] and one.colour != case.before[1]
    return (one.noun, one.colour) == case.after


def _distance(a: Detection, b: Detection, picture: np.ndarray) -> float:
    """In pixels, between centres."""
    height, width = picture.shape[:2]
    return float(np.hypot((a.centre[0] - b.centre[0]) * width, (a.centre[1] - b.centre[1]) * height))


def _outside(source: np.ndarray, picture: np.ndarray, things: Sequence[Detection]) -> float:
    """Mean absolute change in 0…255 of the pixels outside the boxes of the edited thing, before and after."""
    height, width = source.shape[:2]
    rest = np.ones((height, width), bool)
    for left, top, right, bottom in (one.box for one in things):
        rest[int(top * height) : int(np.ceil(bottom * height)), int(left * width) : int(np.ceil(right * width))] = False
    return float(255 * np.abs(source - picture)[rest].mean()) if rest.any() else 0.0
