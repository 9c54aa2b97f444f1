"""The guidance weight over the course of sampling.

Strong guidance is of use while the picture is laid out, and oversaturates after. Interval: Kynkäänniemi et al., 2024,
arXiv 2404.07724. Ramps: Chang et al. (Muse), 2023, arXiv 2301.00704, and common practice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ...errors import PromptUnderstandingError

SHAPES: dict[str, Callable[[float], float]] = {
    "constant": lambda t: 1.0,
    "linear down": lambda t: 1 - t,
    "linear up": lambda t: t,
    "cosine down": lambda t: (1 + math.cos(math.pi * t)) / 2,
    "cosine up": lambda t: (1 - math.cos(math.pi * t)) / 2,
    "interval": lambda t: 1.0,
}
"""Name -> share of the full weight at t, where t runs 0…1 from `start` to `until`. The interval ends at both."""

SLACK = 5e-4
"""A step that lies on an end of the interval belongs to it. Progress is read back from a table of 1,000 noise levels:
half a level."""


@dataclass(frozen=True)
class GuidanceWeight:
    """`shape` is a key of SHAPES; `low` the weight at the weaker end of a ramp and outside an interval; `start` and
    `until` are progress, 0…1: ramps run between them and stay level outside."""

    shape: str = "linear down"
    low: float = 1.0
    start: float = 0.0
    until: float = 1.0

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise PromptUnderstandingError(f"There is no schedule {self.shape!r}. There are: {', '.join(SHAPES)}.")
        if not 0 <= self.start < self.until <= 1:
            raise PromptUnderstandingError(
                f"The schedule was asked to run from {self.start:g} until {self.until:g}. Both lie between 0 and 1, "
                "and it starts before it ends."
            )

    def at(self, progress: float, full: float) -> float:
        """The weight at `progress` (0…1) of a sampler whose own weight is `full`; exactly `full` where nothing is
        taken off."""
        if self.shape == "interval" and not self.start - SLACK <= progress <= self.until + SLACK:
            return self.low
        t = min(max((progress - self.start) / (self.until - self.start), 0.0), 1.0)
        share = SHAPES[self.shape](t)
        return share * full + (1 - share) * self.low
