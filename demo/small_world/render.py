"""Draws a scene of Small World as the trainer's composer does, one picture at a time, without a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from .drawings import painted, resized
from .grounds import PICTURE, draw_ground
from .words import USUAL_STYLE

SHADOW, SHADOW_FALLS = 0.28, (4, 1)
"""Its strength, and how far down and to the right it lies."""


class Placed(NamedTuple):
    """A thing of a scene; `colour` None is the drawing's own, `left`, `top` and `size` are pixels."""

    noun: str
    colour: str | None
    left: int
    top: int
    size: int


def render(
    things: Sequence[Placed], place: str | None, rng: np.random.Generator, style: str = USUAL_STYLE
) -> np.ndarray:
    """[128 128 3] float32 in 0…1. Boxes should not overlap: the order of the things does not matter then."""
    picture = draw_ground(rng, place).clip(0, 255) / 255 + rng.uniform(-0.03, 0.03, 3)
    layer = np.zeros((PICTURE, PICTURE, 4))
    for thing in things:
        cut = resized(painted(thing.noun, style, thing.colour)[None], thing.size)[0] / 255
        layer[thing.top : thing.top + thing.size, thing.left : thing.left + thing.size] += cut
    colours, alpha = layer[..., :3], layer[..., 3:]
    shadow = ndimage.shift(ndimage.uniform_filter(alpha[..., 0], 9), SHADOW_FALLS)[..., None]
    return (picture.clip(0, 1) * (1 - SHADOW * shadow) * (1 - alpha) + colours).clip(0, 1).astype(np.float32)
