"""When an edit acts. Progress runs 0…1 over the noise levels, so windows survive another number of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import PromptUnderstandingError

# Progress is read back from sigma through a table of 1,000 noise levels; half a level of slack.
SLACK = 5e-4


@dataclass(frozen=True)
class Window:
    """From `start` on, and before `until`: the paper's tau is `until`. 1 holds the last step too."""

    start: float = 0.0
    until: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.until <= 1:
            raise PromptUnderstandingError(
                f"An edit was asked to act from {self.start:g} until {self.until:g}. Both lie between 0 (the first "
                "step) and 1 (the last), start first."
            )

    def holds(self, progress: float) -> bool:
        return self.start - SLACK <= progress and (progress < self.until - SLACK or self.until == 1.0)


@dataclass(frozen=True, eq=False)
class TokenWindows:
    """A window for every token of every edited prompt: most of them `whole`, some words with their own."""

    starts: Tensor
    """[edits tokens]"""
    untils: Tensor

    @staticmethod
    def of(edits: int, tokens: int, whole: Window, own: Mapping[tuple[int, int], Window] | None = None) -> TokenWindows:
        """`own` maps (edit, token) to a window of its own."""
        starts, untils = (torch.full((edits, tokens), value) for value in (whole.start, whole.until))
        for place, window in (own or {}).items():
            starts[place], untils[place] = window.start, window.until
        return TokenWindows(starts, untils)

    def hold(self, progress: float) -> Tensor:
        """[edits tokens] bool: w_t of the paper."""
        return (self.starts - SLACK <= progress) & ((progress < self.untils - SLACK) | (self.untils == 1.0))
