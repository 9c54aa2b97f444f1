"""The scenes behind the things: eight kinds of ground, drawn with noise. "None" is the plain one."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .words import PLACES

PICTURE = 128
GROUNDS = (None, *PLACES.values())
_FADES = {
    "grass": ((150, 205, 110), (96, 160, 74), 22, 16),
    "snow": ((206, 222, 240), (240, 245, 252), 12, 7),
    "sand": ((240, 208, 146), (216, 168, 100), 16, 6),
    "sea": ((90, 180, 214), (30, 110, 168), 20, 9),
    "night": ((18, 22, 56), (40, 44, 92), 6, 4),
    "city": ((176, 190, 206), (202, 208, 214), 6, 4),
    "table": ((226, 214, 196), (216, 202, 182), 8, 3),
}
"""Colour above, colour below, strength of the grain, cells of the grain."""


def draw_ground(rng: np.random.Generator, kind: str | None) -> np.ndarray:
    """[128 128 3] float, about 0…255."""
    down = np.linspace(0, 1, PICTURE, dtype=np.float32)[:, None, None]
    if kind is None:
        base = np.array([222, 216, 206]) + rng.uniform(-14, 14, 3)
        return base + (down - 0.5) * rng.uniform(-16, 16) + _noise(rng, 3) * 8
    above, below, grain, cells = _FADES[kind]
    ground = np.array(above) + (np.array(below) - np.array(above)) * down + _noise(rng, cells) * grain
    if kind == "night":
        for x, y in rng.integers(2, PICTURE - 2, (14, 2)):
            ground[y : y + 2, x : x + 2] = (250, 244, 200)
    elif kind == "city":
        _skyline(rng, ground)
    elif kind == "table":
        wood = np.array([150, 100, 62]) + _noise(rng, 8) * np.array([20, 14, 10])
        ground[80:] = wood[80:] * (0.92 + 0.08 * np.sin(np.arange(80, PICTURE) / 2.3))[:, None, None]
        ground[80:82] = (112, 72, 44)
    return ground


def draw_grounds(rng: np.random.Generator, of_each: int) -> np.ndarray:
    """[kinds of_each 128 128 3] uint8, in the order of GROUNDS."""
    bank = [np.stack([draw_ground(rng, kind) for _ in range(of_each)]) for kind in GROUNDS]
    return np.clip(np.stack(bank), 0, 255).astype(np.uint8)


def _noise(rng: np.random.Generator, cells: int) -> np.ndarray:
    small = Image.fromarray(rng.uniform(0, 255, (cells, cells)).astype(np.uint8))
    return np.asarray(small.resize((PICTURE, PICTURE), Image.Resampling.BICUBIC), np.float32)[..., None] / 255 - 0.5


def _skyline(rng: np.random.Generator, ground: np.ndarray) -> None:
    left = -8
    while left < PICTURE:
        width, top = int(rng.integers(14, 26)), int(rng.integers(24, 72))
        grey = np.array([118, 128, 142]) + rng.uniform(-14, 14)
        ground[top:108, max(left, 0) : left + width] = grey
        for y in range(top + 4, 102, 9):
            for x in range(left + 3, left + width - 4, 7):
                if x >= 0 and rng.random() < 0.7:
                    ground[y : y + 4, x : x + 3] = (226, 214, 150)
        left += width + 1
    ground[108:] = np.array([92, 94, 100]) + _noise(rng, 9)[108:] * 8
    ground[117:119, ::1] = np.where((np.arange(PICTURE) % 24 < 14)[None, :, None], (220, 214, 190), ground[117:119])
