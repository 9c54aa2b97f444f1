"""Which order and which unit four numbers have. The order of coordinates is the first bug of every layout tool.

What names say is believed. Else every order and unit that may be meant is tried on all boxes at once, and the one wins
whose boxes are boxes, lie on the canvas, cover each other least, and stand as the prompt asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from ..types import Box
from .claims import Claim, Claims

ORDERS = {
    "xywh": "x, y, width, height", "xyxy": "left, top, right, bottom", "yxyx": "top, left, bottom, right",
    "cxcywh": "centre x, centre y, width, height",
}  # fmt: skip
UNITS = {
    "pixel": "pixels", "fraction": "fractions of the canvas", "thousand": "thousandths of each side",
    "percent": "per cent", "centered": "pixels from the centre of the canvas",
}  # fmt: skip
GUESSES = ("xywh", "xyxy", "yxyx")
USUAL = {"paper": {"xywh": 0.0, "xyxy": 0.3, "yxyx": 0.9}, "": {"xyxy": 0.0, "xywh": 0.15, "yxyx": 0.6}}
"""How little each order is expected: the paper's replies have widths, others mostly corners."""
IMPOSSIBLE, OFF, HUDDLED, AGAINST_PROMPT = 3.0, 4.0, 1.0, 1.0
SURE = 0.45
LOOKED_AT = 12
"""Boxes whose overlap is looked at."""


@dataclass(frozen=True)
class Meaning:
    order: str
    unit: str
    doubt: str | None = None
    """Another order that fits nearly as well."""

    def sentence(self) -> str:
        said = f"Numbers were read as {ORDERS[self.order]} in {UNITS[self.unit]}."
        if self.doubt is None:
            return said
        return f"{said} {ORDERS[self.doubt].capitalize()} would fit too: set 'order' if the boxes are wrong."


def box_of(numbers: Sequence[float], order: str, unit: str, width: float, height: float) -> Box:
    a, b, c, d = numbers
    if order == "yxyx":
        left, top, right, bottom = b, a, d, c
    elif order == "xywh":
        left, top, right, bottom = a, b, a + c, b + d
    elif order == "cxcywh":
        left, top, right, bottom = a - c / 2, b - d / 2, a + c / 2, b + d / 2
    else:
        left, top, right, bottom = a, b, c, d
    across, down = {"pixel": (width, height), "thousand": (1000, 1000), "percent": (100, 100), "fraction": (1, 1),
                    "centered": (width, height)}[unit]  # fmt: skip
    shift = 0.5 if unit == "centered" else 0.0
    return Box(left / across + shift, top / down + shift, right / across + shift, bottom / down + shift)


def meaning_of(
    claims: Claims,
    width: float,
    height: float,
    order: str | None = None,
    unit: str | None = None,
    against_prompt: Callable[[Sequence[Box]], int] = lambda boxes: 0,
) -> Meaning:
    """`order` and `unit` are the user's wish; `against_prompt` counts what boxes have otherwise than the prompt."""
    boxes = [claim for claim in claims.boxes]
    orders = [order or claims.order] if order or claims.order else _named(boxes) or list(GUESSES)
    units = [unit or claims.unit] if unit or claims.unit else _units(boxes, claims, width, height)
    usual = USUAL.get(claims.form, USUAL[""])
    costs = {}
    for one_order in orders:
        for one_unit in units:
            if one_order is not None and one_unit is not None:
                found = [box_of(claim.numbers, claim.order or one_order, one_unit, width, height) for claim in boxes]
                costs[one_order, one_unit] = _cost(found, one_unit, against_prompt) + usual.get(one_order, 0.0)
    best = min(costs, key=lambda key: costs[key])
    others = [key for key in costs if key[0] != best[0] and costs[key] - costs[best] < SURE]
    doubt = min(others, key=lambda key: costs[key])[0] if others and boxes else None
    return Meaning(best[0], best[1], doubt)


def _named(boxes: Sequence[Claim]) -> list[str] | None:
    """The one order that all names agree on; where only some are named, those stay as they are."""
    named = {claim.order for claim in boxes}
    if None in named or not named:
        return None
    return [next(claim.order for claim in boxes if claim.order)]


def _units(boxes: Sequence[Claim], claims: Claims, width: float, height: float) -> list[str]:
    said = {claim.unit for claim in boxes if claim.unit}
    if len(said) == 1:
        return [said.pop()]
    numbers = [abs(number) for claim in boxes for number in claim.numbers]
    most = max(numbers, default=0.0)
    if most <= 1.5:
        return ["fraction"]
    units = ["pixel"]
    if most <= 1010 and (claims.canvas is None and not 0.8 < 1000 / max(width, height) < 1.25):
        units.append("thousand")
    return units


def _cost(boxes: Sequence[Box], unit: str, against_prompt: Callable[[Sequence[Box]], int]) -> float:
    impossible = sum(box.width <= 0 or box.height <= 0 for box in boxes)
    off = sum(min(1.0, _overshoot(box)) for box in boxes)
    near = boxes[:LOOKED_AT]
    covered = sum(a.iou(b) for a, b in combinations(near, 2)) if not impossible else 0.0
    huddled = bool(boxes) and unit == "pixel" and max(max(box.right, box.bottom) for box in boxes) < 0.45
    return (
        IMPOSSIBLE * impossible + OFF * off + covered + HUDDLED * huddled + AGAINST_PROMPT * against_prompt(boxes)
        + 0.4 * (unit == "thousand")
    )  # fmt: skip


def _overshoot(box: Box) -> float:
    return max(0.0, -box.left - 0.02, -box.top - 0.02, box.right - 1.02, box.bottom - 1.02)
