"""Re-weight: more or less of a word, by scaling its attention. Negative values push it out of the picture.

Hertz et al. 2022 (arXiv 2208.01626), section 4, "Attention Re-weighting". As in the paper the current map is scaled,
after injection; the authors' code always scales the source's. Not renormalised, as in both.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .windows import Window


@dataclass(frozen=True, eq=False)
class Reweight:
    scales: Tensor
    """[prompts tokens]; ones for the source, unless it is alone."""
    window: Window

    def acts_at(self, progress: float) -> bool:
        return self.window.holds(progress) and not torch.all(self.scales == 1)

    def __call__(self, probs: Tensor, progress: float) -> Tensor:
        """probs [groups prompts heads hw tokens]; the same object outside the window or when every scale is 1."""
        if not self.acts_at(progress):
            return probs
        return probs * self.scales.to(probs)[None, :, None, None]
