"""A layout: what stands where. Frozen values; knows nothing of networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Box(NamedTuple):
    """Fractions of the canvas, 0…1, origin at the top left. Always in this order, whatever a text wrote."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return max(self.width, 0.0) * max(self.height, 0.0)

    @property
    def center(self) -> tuple[float, float]:
        """(x, y)"""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def shifted(self, dx: float, dy: float) -> Box:
        return Box(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)

    def intersection(self, other: Box) -> float:
        """Area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0…1; 0 for two empty boxes."""
        shared = self.intersection(other)
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0


@dataclass(frozen=True)
class LayoutObject:
    """One thing in one box. Two cats are two objects with the same caption and the same subject."""

    caption: str
    """What is in the box, singular, without "one of": "a red cat"."""
    box: Box
    subject: int | None = None
    """Which of the parse's subjects it is; None when it is none of them."""
    source: str = ""
    """Where it came from, as the report says it: "planner", "reply, line 3", "by hand"."""


@dataclass(frozen=True)
class Layout:
    """What stands where on a canvas of `width` x `height` pixels."""

    width: int
    height: int
    objects: tuple[LayoutObject, ...] = ()
    background: str = ""
    """The prompt of what is around the objects: "a realistic photo of a meadow"."""
    negative: str = ""
    """What the picture shall not show, without "no" or "without": "cups"."""
    notes: tuple[str, ...] = ()
    """Sentences for the user: what was repaired, assumed, or could not be placed."""
