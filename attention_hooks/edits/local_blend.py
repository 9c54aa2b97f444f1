"""Local blend: only the places of some words may change, the rest is the source's picture.

Hertz et al. 2022 (arXiv 2208.01626), section 4, "Local Editing", with the authors' code: maps are added up over the
steps so far, widened by a 3x3 maximum, scaled to a maximum of 1 and cut at a threshold; outside, the source is put in.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .windows import Window

WIDTH = 3
"""Map pixels of the maximum filter."""


@dataclass(frozen=True, eq=False)
class LocalBlend:
    words: Tensor
    """[prompts tokens] 1 at the words whose place may change."""
    subtract: Tensor
    """[prompts tokens] 1 at the words whose place must not."""
    threshold: float = 0.3
    subtract_threshold: float = 0.3
    window: Window = Window(start=0.2)
    """When the picture is put together; maps are read from the first step on."""

    def heat(self, probs: Tensor) -> Tensor:
        """probs [groups prompts heads hw tokens] -> [groups prompts 2 hw]: of the words, and of those to subtract."""
        rows = torch.stack([self.words, self.subtract], 1).to(probs)  # [prompts 2 tokens]
        return rows @ probs.mean(2).transpose(-1, -2)

    def mask(self, heat: Tensor, hw: tuple[int, int]) -> Tensor:
        """heat [groups prompts 2 height width], summed over sites and steps -> [groups prompts *hw] bool: where each
        prompt's picture may differ from its source's."""
        words, subtract = heat.unbind(2)
        spread = F.max_pool2d(words, WIDTH, stride=1, padding=WIDTH // 2)
        own = _above(spread, self.threshold, hw)
        return _union(own) & ~_union(_above(subtract, self.subtract_threshold, hw))


def blended(x: Tensor, mask: Tensor) -> Tensor:
    """x [groups prompts C H W], or with frames before H, mask [groups prompts H W] -> the source's x, exactly, wherever
    the mask is not."""
    return torch.where(mask.unflatten(1, (-1, *[1] * (x.ndim - 4))), x, x[:, :1])


def _union(masks: Tensor) -> Tensor:
    return masks | masks[:, :1]


def _above(heat: Tensor, threshold: float, hw: tuple[int, int]) -> Tensor:
    """[groups prompts h w] -> [groups prompts *hw] bool; never where there is no heat at all."""
    large = F.interpolate(heat, size=hw, mode="nearest")
    peak = large.amax((-2, -1), keepdim=True)
    return (large > threshold * peak) & (peak > 0)
