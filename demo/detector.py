"""What is in a picture of shapes: every object's shape, colour and place. Made for the renderer's pictures, so it is
exact without any model; blur and noise as the Shapes model leaves them are borne.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage

from .detection import Detection
from .scenes import COLOURS, PALETTE, SHAPES, Thing, coverage

PATCH = 24
FILL = 7.0
"""Objects are compared at one area, as if a disc of this radius, in PATCH x PATCH pixels."""
FOREGROUND = 0.2
SMALLEST = 0.006
"""Share of the picture's area below which a blob is no object (25 pixels of 64x64)."""
RECOGNISED = 0.74
AROUND = np.ones((3, 3), bool)
ANGLES = (-0.16, -0.08, 0.0, 0.08, 0.16)


def detect(image: np.ndarray) -> list[Detection]:
    """Objects of one picture [height width 3] in 0..1, from left to right. Tensors on the CPU may be given too."""
    image = np.asarray(image, np.float32)[..., :3].clip(0, 1)
    difference = np.abs(image - np.median(image, (0, 1))).max(-1)
    foreground = difference > FOREGROUND
    # A painted hourglass may be parted at its waist: closing joins what lies a pixel or two apart.
    found = []
    for region in _blobs(ndimage.binary_closing(foreground, AROUND)):
        parts = _blobs(foreground & region)
        whole = _describe(image, difference, region)
        # Two objects side by side are joined too, and then look like no shape at all.
        joined = whole.noun is not None or len(parts) < 2
        found += [whole] if joined else [_describe(image, difference, part) for part in parts]
    return sorted(found, key=lambda one: one.centre)


def _blobs(mask: np.ndarray) -> list[np.ndarray]:
    """[height width] bool of every connected piece that is large enough to be an object."""
    labels, count = ndimage.label(mask)
    blobs = [labels == index for index in range(1, count + 1)]
    return [blob for blob in blobs if blob.sum() >= SMALLEST * blob.size]


def _describe(image: np.ndarray, difference: np.ndarray, blob: np.ndarray) -> Detection:
    near = ndimage.binary_dilation(blob)
    strength = np.median(difference[blob][difference[blob] >= np.median(difference[blob])])
    alpha = np.where(near, (difference / strength).clip(0, 1), 0)
    shape, likeness = _nearest_shape(alpha)
    rows, columns = np.nonzero(blob)
    height, width = blob.shape
    box = (columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height)
    named = shape if likeness >= RECOGNISED else None
    paint = _paint(image, alpha)
    return Detection(named, _nearest_colour(paint), tuple(map(float, box)), float(likeness), tuple(map(float, paint)))


def _paint(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """[3] of the inside, where the edge's mixture with the ground is not."""
    inside = ndimage.binary_erosion(alpha > 0.8)
    return np.median(image[inside if inside.sum() >= 6 else alpha > 0.8], 0) * 255


def _nearest_colour(paint: np.ndarray) -> str:
    return min(COLOURS, key=lambda name: float(np.square(paint - np.array(PALETTE[name])).sum()))


def _canonical(alpha: np.ndarray) -> np.ndarray:
    """[PATCH PATCH]: the mask moved to the middle and brought to the common area."""
    total = alpha.sum()
    centre = np.array(ndimage.center_of_mass(alpha))
    step = np.sqrt(total / np.pi) / FILL
    grid = (np.arange(PATCH) - (PATCH - 1) / 2) * step
    places = np.meshgrid(grid + centre[0], grid + centre[1], indexing="ij")
    return ndimage.map_coordinates(alpha, places, order=1)


@cache
def _templates() -> tuple[tuple[str, ...], np.ndarray]:
    """Names, and [templates PATCH PATCH], each at a large and a small size: small ones lose their corners."""
    names, masks = [], []
    for shape in SHAPES:
        for radius in (10.0, 14.0):
            for angle in ANGLES:
                names.append(shape)
                masks.append(_canonical(coverage(Thing(shape, "white", 20.0, 20.0, radius, angle), (40, 40))))
    return tuple(names), np.stack(masks)


def _nearest_shape(alpha: np.ndarray) -> tuple[str, float]:
    names, templates = _templates()
    mask = _canonical(alpha)
    overlap = np.minimum(templates, mask).sum((1, 2)) / np.maximum(templates, mask).sum((1, 2))
    best = int(overlap.argmax())
    return names[best], float(overlap[best])
