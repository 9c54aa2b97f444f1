"""What "left of", "on", "in the middle" ask of boxes, as distances: 0 where it is so, else how far off, in fractions.

Boxes are arrays [... 4] of left, top, right, bottom that broadcast against each other, so that a solver can ask for
many candidates at once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
Rule = Callable[[Boxes, Boxes], Boxes]
GAP = 0.02
"""Between boxes that stand side by side."""
BESIDE = 0.1
"""Widest gap of "next to"."""
NEAR = 0.2
THIRD = 1 / 3


def centers(boxes: Boxes) -> tuple[Boxes, Boxes]:
    """(x, y)"""
    return (boxes[..., 0] + boxes[..., 2]) / 2, (boxes[..., 1] + boxes[..., 3]) / 2


def over(distance: Boxes) -> Boxes:
    """How far a number that should not be positive is."""
    return np.maximum(distance, 0.0)


def overlap(a: Boxes, b: Boxes) -> Boxes:
    """How deep the boxes, a gap apart, lie in each other: the shortest way out."""
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0]) + GAP
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1]) + GAP
    return np.minimum(over(width), over(height))


def gap(a: Boxes, b: Boxes) -> Boxes:
    """Distance between the edges, along the wider of both axes."""
    across = np.maximum(a[..., 0], b[..., 0]) - np.minimum(a[..., 2], b[..., 2])
    down = np.maximum(a[..., 1], b[..., 1]) - np.minimum(a[..., 3], b[..., 3])
    return over(np.maximum(across, down))


def left_of(a: Boxes, b: Boxes) -> Boxes:
    return over(a[..., 2] + GAP - b[..., 0])


def right_of(a: Boxes, b: Boxes) -> Boxes:
    return left_of(b, a)


def above(a: Boxes, b: Boxes) -> Boxes:
    return over(a[..., 3] + GAP - b[..., 1])


def below(a: Boxes, b: Boxes) -> Boxes:
    return above(b, a)


def within_width(a: Boxes, b: Boxes) -> Boxes:
    """The centre of `a` lies over the width of `b`."""
    x = centers(a)[0]
    return over(b[..., 0] - x) + over(x - b[..., 2])


def under(a: Boxes, b: Boxes) -> Boxes:
    return below(a, b) + within_width(a, b)


def on(a: Boxes, b: Boxes) -> Boxes:
    """`a` stands on the upper edge of `b`."""
    return np.abs(a[..., 3] + GAP - b[..., 1]) + within_width(a, b)


def beside(a: Boxes, b: Boxes) -> Boxes:
    """Side by side, at the same height."""
    across = np.maximum(a[..., 0], b[..., 0]) - np.minimum(a[..., 2], b[..., 2])
    shorter = np.minimum(a[..., 3] - a[..., 1], b[..., 3] - b[..., 1])
    shared = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    return over(GAP - across) + over(across - BESIDE) + over(0.6 * shorter - shared)


def near(a: Boxes, b: Boxes) -> Boxes:
    return over(gap(a, b) - NEAR)


def inside(a: Boxes, b: Boxes) -> Boxes:
    return over(b[..., 0] - a[..., 0]) + over(b[..., 1] - a[..., 1]) + over(a[..., 2] - b[..., 2]) + over(
        a[..., 3] - b[..., 3]
    )  # fmt: skip


def in_front_of(a: Boxes, b: Boxes) -> Boxes:
    """Nearer to the viewer: its foot is lower, and it may cover a little of what is behind."""
    return over(b[..., 3] + GAP - a[..., 3]) + within_width(a, b) + over(b[..., 3] - a[..., 1] - 0.04)


def behind(a: Boxes, b: Boxes) -> Boxes:
    return in_front_of(b, a)


def between(a: Boxes, b: Boxes, c: Boxes) -> Boxes:
    """`a` stands in the gap of `b` and `c`, which are side by side in either order."""
    forth = left_of(b, a) + left_of(a, c)
    back = left_of(c, a) + left_of(a, b)
    y = centers(a)[1]
    middle = (centers(b)[1] + centers(c)[1]) / 2
    return np.minimum(forth, back) + over(np.abs(y - middle) - 0.15)


RULES: dict[str, Rule] = {
    "left of": left_of, "right of": right_of, "above": above, "below": below, "under": under, "on": on, "on top of": on,
    "next to": beside, "near": near, "around": near, "inside": inside, "in": inside, "in front of": in_front_of,
    "behind": behind,
}  # fmt: skip
MAY_COVER = frozenset({"inside", "in", "in front of", "behind"})
"""Boxes of these pairs may lie over each other."""


def placed(boxes: Boxes, horizontal: str | None, vertical: str | None) -> Boxes:
    """A place in the picture: the centre in the outer third, or about the middle."""
    x, y = centers(boxes)
    across = {"left": over(x - THIRD), "right": over(2 * THIRD - x), "center": over(np.abs(x - 0.5) - 0.05)}
    down = {
        "top": over(y - THIRD), "bottom": over(2 * THIRD - y), "middle": over(np.abs(y - 0.5) - 0.08),
        "far": over(boxes[..., 3] - 0.6), "near": over(0.8 - boxes[..., 3]),
    }  # fmt: skip
    nothing = np.zeros(())
    return across.get(horizontal or "", nothing) + down.get(vertical or "", nothing)
