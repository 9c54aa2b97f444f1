"""Scenes of coloured shapes and their renderer, in numpy alone.

Pixels are [height width 3] in 0..1; x runs right, y down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

SIZE = 64
SUPERSAMPLING = 4

PALETTE: dict[str, tuple[int, int, int]] = {
    "red": (222, 36, 36),
    "green": (44, 178, 62),
    "blue": (48, 84, 240),
    "yellow": (250, 226, 48),
    "purple": (146, 56, 206),
    "orange": (250, 138, 22),
    "pink": (255, 142, 196),
    "white": (244, 244, 244),
    "cyan": (52, 214, 226),
}
COLOURS = tuple(PALETTE)
BACKGROUND = (30, 32, 40)


def _star(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Five points: every sector is folded onto one edge, from a tip at radius 1 to a notch at radius 0.42."""
    sector, notch = np.pi / 5, 0.42
    angle = np.abs((np.arctan2(u, -v) + sector) % (2 * sector) - sector)
    radius = np.hypot(u, v)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    edge_x, edge_y = notch * np.cos(sector) - 1, notch * np.sin(sector)
    return (x - 1) * edge_y - y * edge_x < 0


SHAPE_FUNCTIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "circle": lambda u, v: u**2 + v**2 < 0.92**2,
    "square": lambda u, v: np.maximum(abs(u), abs(v)) < 0.82,
    "triangle": lambda u, v: (v < 0.72) & (abs(u) < 0.58 * (v + 0.95)),
    "star": _star,
    "cross": lambda u, v: (np.minimum(abs(u), abs(v)) < 0.29) & (np.maximum(abs(u), abs(v)) < 0.92),
    "ring": lambda u, v: (u**2 + v**2 < 0.95**2) & (u**2 + v**2 > 0.5**2),
    "moon": lambda u, v: (u**2 + v**2 < 0.95**2) & ((u - 0.45) ** 2 + (v + 0.1) ** 2 > 0.72**2),
    "hourglass": lambda u, v: (abs(v) < 0.9) & (abs(u) < 0.07 + 0.78 * abs(v)),
}
"""Shape -> is (u, v) inside it? u right, v down, the shape's own circle has radius 1."""
SHAPES = tuple(SHAPE_FUNCTIONS)


@dataclass(frozen=True)
class Thing:
    """One object of a scene: centre and radius in pixels, angle in radians."""

    shape: str
    colour: str
    x: float
    y: float
    radius: float
    angle: float = 0.0


@dataclass(frozen=True)
class Scene:
    things: tuple[Thing, ...]
    hw: tuple[int, int] = (SIZE, SIZE)


def enlarged(scene: Scene, by: int) -> Scene:
    """The same scene on a canvas `by` times as wide and high."""
    things = tuple(replace(t, x=t.x * by, y=t.y * by, radius=t.radius * by) for t in scene.things)
    return Scene(things, (scene.hw[0] * by, scene.hw[1] * by))


def coverage(thing: Thing, hw: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    """[height width] 0..1: how much of each pixel the object fills."""
    mask = np.zeros(hw, np.float32)
    top, left = max(0, int(thing.y - thing.radius) - 1), max(0, int(thing.x - thing.radius) - 1)
    bottom, right = min(hw[0], int(thing.y + thing.radius) + 2), min(hw[1], int(thing.x + thing.radius) + 2)
    fine = (np.arange(SUPERSAMPLING, dtype=np.float32) + 0.5) / SUPERSAMPLING
    ys = (np.arange(top, bottom, dtype=np.float32)[:, None] + fine).reshape(-1, 1) - thing.y
    xs = (np.arange(left, right, dtype=np.float32)[:, None] + fine).reshape(1, -1) - thing.x
    cos, sin = np.cos(thing.angle) / thing.radius, np.sin(thing.angle) / thing.radius
    inside = SHAPE_FUNCTIONS[thing.shape](cos * xs + sin * ys, cos * ys - sin * xs)
    cells = inside.reshape(bottom - top, SUPERSAMPLING, right - left, SUPERSAMPLING)
    mask[top:bottom, left:right] = cells.mean((1, 3), dtype=np.float32)
    return mask


def render(scene: Scene, rng: np.random.Generator | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Image [height width 3] and masks [objects height width]. With `rng`, colours and background vary a little."""
    height, width = scene.hw
    base = np.array(BACKGROUND, np.float32)
    image = np.broadcast_to(base, (height, width, 3)).copy()
    if rng is not None:
        tilt = rng.uniform(-8, 8, 2).astype(np.float32)
        slope = np.linspace(-1, 1, height)[:, None] * tilt[0] + np.linspace(-1, 1, width)[None] * tilt[1]
        image += rng.uniform(-8, 8) + slope.astype(np.float32)[..., None]
    masks = np.zeros((len(scene.things), height, width), np.float32)
    for index, thing in enumerate(scene.things):
        masks[index] = coverage(thing, scene.hw)
        paint = np.array(PALETTE[thing.colour], np.float32)
        if rng is not None:
            paint = np.clip(paint + rng.uniform(-9, 9, 3).astype(np.float32), 0, 255)
        image += masks[index][..., None] * (paint - image)
    return image / 255, masks
