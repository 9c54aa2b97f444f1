"""Objects drawn alone go to their boxes: where each is drawn, how far it moves, and how all of them are laid together.

Lian et al. 2024, arXiv:2305.13655, section 3.2; the numbers are the authors' code's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .types import Box

FLOOR = 0.2
"""Of the canvas, left free below an object that is drawn alone: things stand on something."""


def alone(box: Box) -> Box:
    """Where an object with this box is drawn when it is alone: in the middle, standing on the floor."""
    top = max(1 - FLOOR - box.height, 0.0)
    left = (1 - box.width) / 2
    return Box(left, top, left + box.width, top + box.height)


def steps_to(box: Box, mask: Tensor, unit: int) -> tuple[int, int]:
    """(down, right) in whole units of `unit` cells that bring the middle of `mask` [height width] nearest to the box's
    middle. Whole units, so that the attention maps move by whole places too."""
    height, width = mask.shape
    rows, columns = mask.nonzero(as_tuple=True)
    if not len(rows):
        return 0, 0
    x, y = box.center
    middle = float(rows.float().mean()) + 0.5, float(columns.float().mean()) + 0.5
    return round((y * height - middle[0]) / unit), round((x * width - middle[1]) / unit)


def moved(values: Tensor, down: int, right: int) -> Tensor:
    """[... height width] shifted by whole cells; zero where nothing comes in."""
    height, width = values.shape[-2:]
    down, right = (max(-n, min(n, by)) for n, by in ((height, down), (width, right)))
    padding = (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0))
    padded = F.pad(values, padding)
    top, left = max(-down, 0), max(-right, 0)
    return padded[..., top : top + height, left : left + width]


def laid_together(objects: Sequence[Tensor], masks: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Values [... height width] of each object in its mask [height width], the largest at the bottom -> all together,
    zero where none is, and the union of the masks."""
    together, covered = torch.zeros_like(objects[0]), torch.zeros_like(masks[0])
    for values, mask in sorted(zip(objects, masks, strict=True), key=lambda pair: -int(pair[1].sum())):
        together = torch.where(mask, values, together)
        covered = covered | mask
    return together, covered


def mask_of(maps: Tensor, threshold: float, hw: tuple[int, int]) -> Tensor:
    """Attention to an object's word at some steps [steps height width] -> [*hw] bool: where its mean, from its darkest
    place 0 to its brightest 1, is above `threshold`."""
    mean = maps.mean(0)
    darkest, brightest = mean.amin(), mean.amax()
    if brightest <= darkest:
        return torch.zeros(hw, dtype=torch.bool)
    heat = (mean - darkest) / (brightest - darkest)
    return F.interpolate(heat[None, None], size=hw, mode="bilinear", align_corners=False)[0, 0] > threshold
