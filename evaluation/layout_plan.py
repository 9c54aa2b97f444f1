"""Stage 1 alone: are a layout's boxes what the prompt says? `python run.py bench -- --only layout-plan`.

The paper's checks on boxes in place of detections (counts exact, things with their colour, the side by centres, nothing
of what is denied), and for our own prompts each relation's. All boxes must lie on the canvas and apart.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from ..demo.intervals import wilson
from ..layouts.planner import plan
from ..layouts.types import Box, Layout
from ..prompts.parse import read_prompt
from .layout_prompts import MANY, Case, Claim, Wanted, own, paper

CANVASES = ((512, 512), (768, 512), (512, 896), (1024, 1024))
COVERED = 0.02
"""Share of the smaller box that another may cover where nothing lies inside or in front."""


def measure(say: Callable[[str], None], quick: bool = False) -> dict[str, Any]:
    sets = {"paper": paper()[::10] if quick else paper(), "own": own()[::10] if quick else own()}
    return {name: _measure_set(cases, say, name) for name, cases in sets.items()}


def _measure_set(cases: Sequence[Case], say: Callable[[str], None], name: str) -> dict[str, Any]:
    passed: dict[str, list[float]] = defaultdict(list)
    failures, seconds = [], []
    for number, case in enumerate(cases):
        prompt, canvas = read_prompt(case.text), CANVASES[number % len(CANVASES)]
        begun = time.process_time()
        layout = plan(prompt, *canvas, seed=number)
        seconds.append(time.process_time() - begun)
        wrong = [*faults(layout, case)]
        passed[case.task].append(float(not wrong))
        passed["all"].append(float(not wrong))
        if wrong:
            failures.append({"prompt": case.text, "wrong": wrong, "notes": layout.notes})
    say(f"{name}: {sum(passed['all']):.0f} of {len(cases)}")
    return {
        "tasks": {task: {"prompts": len(values), **asdict(wilson(values))} for task, values in passed.items()},
        "seconds": {"mean": sum(seconds) / len(seconds), "most": max(seconds)},
        "failures": failures,
    }


def faults(layout: Layout, case: Case) -> list[str]:
    """What is wrong with a layout, in words; empty when all is right."""
    groups = [_boxes(layout, wanted) for wanted in case.things]
    wrong = [
        f"{len(boxes)} boxes for {wanted.count} {' '.join(wanted.words)}"
        for boxes, wanted in zip(groups, case.things, strict=True)
        if len(boxes) != wanted.count
    ]
    if len(layout.objects) != sum(wanted.count for wanted in case.things):
        wrong.append(f"{len(layout.objects)} boxes in all: {', '.join(thing.caption for thing in layout.objects)}")
    for word in case.denied:
        if any(word in thing.caption.split() for thing in layout.objects):
            wrong.append(f"{word} is in a box")
        if word not in layout.negative and MANY.get(word, word) not in layout.negative:
            wrong.append(f"{word} is not in the negative prompt")
    wrong += [f"not {claim.kind}" for claim in case.claims if not holds(claim, groups)]
    return wrong + _untidy(layout, case)


def _boxes(layout: Layout, wanted: Wanted) -> list[Box]:
    return [thing.box for thing in layout.objects if set(wanted.words) <= set(thing.caption.split())]


def _untidy(layout: Layout, case: Case) -> list[str]:
    boxes = [thing.box for thing in layout.objects]
    wrong = ["a box is off the canvas" for b in boxes if min(b) < 0 or max(b) > 1 or b.width <= 0 or b.height <= 0]
    covers = any(claim.kind in ("in front of", "behind") for claim in case.claims)
    for number, box in enumerate(boxes):
        for other in boxes[:number]:
            share = box.intersection(other) / max(min(box.area, other.area), 1e-9)
            if share > (0.5 if covers else COVERED):
                wrong.append("boxes lie over each other")
    return wrong


# --- relations, by the centres and edges of boxes ---


def holds(claim: Claim, groups: Sequence[Sequence[Box]]) -> bool:
    """For every box of the first thing with every one of the others."""
    first, *others = (groups[i] for i in claim.things)
    if not first or not all(others):
        return False
    if claim.kind == "between":
        b, c = others[0][0], others[1][0]
        return all(min(b.center[0], c.center[0]) < a.center[0] < max(b.center[0], c.center[0]) for a in first)
    if claim.kind.startswith("at "):
        return all(_at(claim.kind, a) for a in first)
    return all(_PAIRS[claim.kind](a, b) for a in first for b in others[0])


def _at(kind: str, box: Box) -> bool:
    x, y = box.center
    sides = {"left": x < 0.45, "right": x > 0.55, "top": y < 0.45, "bottom": y > 0.55,
             "middle": abs(x - 0.5) < 0.15 and abs(y - 0.5) < 0.15}  # fmt: skip
    return all(sides[word] for word in kind.split()[1:])


def _over(a: Box, b: Box) -> bool:
    return b.left <= a.center[0] <= b.right


def _apart(a: Box, b: Box) -> float:
    return max(max(a.left, b.left) - min(a.right, b.right), max(a.top, b.top) - min(a.bottom, b.bottom))


_PAIRS: dict[str, Callable[[Box, Box], bool]] = {
    "left of": lambda a, b: a.center[0] < b.center[0] and a.right <= b.left + 0.02,
    "right of": lambda a, b: a.center[0] > b.center[0] and a.left >= b.right - 0.02,
    "above": lambda a, b: a.center[1] < b.center[1] and a.bottom <= b.top + 0.02,
    "below": lambda a, b: a.center[1] > b.center[1] and a.top >= b.bottom - 0.02,
    "under": lambda a, b: a.center[1] > b.center[1] and a.top >= b.bottom - 0.02 and _over(a, b),
    "on": lambda a, b: abs(a.bottom - b.top) < 0.05 and _over(a, b),
    "next to": lambda a, b: _apart(a, b) < 0.15,
    "in front of": lambda a, b: a.bottom > b.bottom and _over(a, b),
    "behind": lambda a, b: a.bottom < b.bottom and _over(b, a),
}
