"""Maps of unlike sizes brought to one: layers have their own, and other packs change a layer's in mid-run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch.nn.functional as F
from torch import Tensor

HW = tuple[int, int]


def hw_of(maps: Tensor) -> HW:
    return maps.shape[-2], maps.shape[-1]


def largest(sizes: Iterable[HW]) -> HW:
    return max(sizes, key=lambda hw: hw[0] * hw[1])


def resized(maps: Tensor, hw: HW) -> Tensor:
    """[... height width] -> [... *hw]; the same object where it has that size."""
    if maps.shape[-2:] == hw:
        return maps
    flat = maps.reshape(-1, 1, *maps.shape[-2:])
    return F.interpolate(flat, size=hw, mode="bilinear", align_corners=False).reshape(*maps.shape[:-2], *hw)


def of_one_size(maps: Sequence[Tensor]) -> list[Tensor]:
    """All brought to the largest among them."""
    hw = largest(map(hw_of, maps))
    return [resized(one, hw) for one in maps]
