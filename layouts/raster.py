"""Boxes on a grid of cells: latent pixels, or the places of an attention map."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from .types import Box


class Cells(NamedTuple):
    """A box in whole cells, half-open."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def places(self) -> tuple[slice, slice]:
        """Index of the rows and columns of a [height width] tensor."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def cells(box: Box, hw: tuple[int, int]) -> Cells:
    """The box with its edges on the nearest cell borders of a grid of `hw`; never less than one cell."""
    (top, bottom), (left, right) = _run(box.top, box.bottom, hw[0]), _run(box.left, box.right, hw[1])
    return Cells(top, bottom, left, right)


def mask(boxes: Iterable[Box], hw: tuple[int, int]) -> Tensor:
    """[height width] bool: what any of the boxes covers."""
    covered = torch.zeros(hw, dtype=torch.bool)
    for box in boxes:
        covered[cells(box, hw).places] = True
    return covered


def _run(start: float, stop: float, length: int) -> tuple[int, int]:
    first = min(max(round(start * length), 0), length - 1)
    return first, min(max(round(stop * length), first + 1), length)
