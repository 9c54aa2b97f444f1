"""How often boxes contradict the prompt: what tells left, top, right, bottom from x, y, width, height where both "
"fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..asked import Asked
from ..types import Box
from .checks import thing_of
from .claims import Claim

ORDERED = {"left of": (0, 1), "right of": (0, -1), "above": (1, 1), "on": (1, 1), "below": (1, -1), "under": (1, -1)}
"""Axis, and which way along it the second thing lies."""
LITTLE = 0.02
"""Of the canvas: centres nearer than this lie neither left nor right."""


def contradictions(claims: Sequence[Claim], asked: Asked | None) -> Callable[[Sequence[Box]], int]:
    """How many relations and places of the prompt boxes contradict, by their centres."""
    if asked is None or not asked.things:
        return lambda boxes: 0
    things = [thing_of(claim.caption, asked) for claim in claims]
    bonds = [(bond, ORDERED[bond.kind]) for bond in asked.bonds if bond.kind in ORDERED]

    def count(boxes: Sequence[Box]) -> int:
        centers: dict[int, tuple[float, float]] = {}
        for thing, box in zip(things, boxes, strict=True):
            if thing is not None:
                centers.setdefault(thing, box.center)
        wrong = 0
        for bond, (axis, sign) in bonds:
            if bond.first in centers and bond.second in centers:
                wrong += sign * (centers[bond.second][axis] - centers[bond.first][axis]) <= LITTLE
        for thing, center in centers.items():
            for horizontal, vertical in asked.things[thing].places:
                wrong += _misplaced(center[0], horizontal, "left", "right")
                wrong += _misplaced(center[1], vertical, "top", "bottom")
        return wrong

    return count


def _misplaced(at: float, wanted: str | None, low: str, high: str) -> bool:
    return wanted == low and at > 0.5 or wanted == high and at < 0.5
