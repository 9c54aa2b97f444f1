"""The source's attention in place of the edited prompt's own, token by token: what swap and refine share."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .windows import TokenWindows


@dataclass(frozen=True, eq=False)
class Injection:
    """P_b' = w_t · (P_source @ M) + (1 - w_t) · P_b for the tokens that have a counterpart in the source.

    Not renormalised, as in the authors' code: added words take their attention on top.
    """

    maps: Tensor
    """[edits tokens tokens] from source to edited tokens; a column of zeros has no counterpart."""
    windows: TokenWindows

    def acts_at(self, progress: float) -> bool:
        return bool(self._taken(progress).any())

    def __call__(self, probs: Tensor, progress: float) -> Tensor:
        """probs [groups prompts heads hw tokens], prompt 0 the source; the same object outside the window."""
        taken = self._taken(progress)
        if not taken.any():
            return probs
        source, own = probs[:, :1], probs[:, 1:]
        moved = source @ self.maps.to(probs)[None, :, None]  # [groups edits heads hw tokens]
        edited = torch.where(taken.to(probs.device)[None, :, None, None], moved, own)
        return torch.cat([source, edited], 1)

    def _taken(self, progress: float) -> Tensor:
        """[edits tokens] bool: w_t, and there is something to take."""
        return self.windows.hold(progress) & self.maps.any(-2)
