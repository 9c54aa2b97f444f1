"""What is in a picture of Small World: every thing's noun, colour and place, and the kind of ground.

By nearest exemplar: a place of the picture is compared with every drawing in every colour and size, laid on the
picture's own ground. A thing is seen where such a cut-out explains a good part of what differs from the ground. Nothing
is trained, and nothing is fitted to what a model paints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy import ndimage

from ..detection import Detection
from .drawings import SIDE, cutouts, resized
from .grounds import GROUNDS, PICTURE, draw_grounds
from .words import COLOURS, NOUNS, PALETTE, USUAL_STYLE

SIZES = (88, 72, 56, 48)
HALF = 2
"""Compared at half the picture's resolution."""
STEP = 2
"""Places tried, in halved pixels: every fourth pixel of the picture."""
SEEN, SEEN_IN_CITY = 0.45, 0.6
"""Share of its window that a thing must explain. 0 is an empty window, 1 the drawing itself. No two skylines are alike,
so that the ground of a city is known less well."""
WORTH_A_LOOK, LOOKED_AT, NOUNS_TRIED = 0.25, 30, 3
"""A place is looked at more closely, between the places tried and for its best nouns, from this share on; so many
of the best before one is taken for a thing."""
FAINT = 0.004
"""Energy per pixel below which a cut-out that is hardly seen on its ground is not compared (white on snow)."""


@dataclass(frozen=True)
class _Exemplars:
    """Cut-outs of one size as vectors, colours 0…1 multiplied by alpha; `paints` numbers a noun's cut-outs."""

    size: int
    colours: np.ndarray
    """[cutouts size*size*3]"""
    energy: np.ndarray
    """[cutouts]"""
    alpha: np.ndarray
    """[shapes size*size]; the cut-outs of a noun and style share one."""
    colour_alpha: np.ndarray
    """[cutouts size*size*3]: colours times alpha."""


PAINTS = (None, *COLOURS)


@cache
def _exemplars(size: int, styles: tuple[str, ...]) -> _Exemplars:
    art = resized(cutouts(styles).reshape(-1, SIDE, SIDE, 4), size // HALF).astype(np.float32) / 255
    rgb, alpha = art[..., :3], art[..., 3]
    shapes = alpha[:: len(PAINTS)].reshape(-1, alpha[0].size)
    return _Exemplars(
        size // HALF,
        rgb.reshape(len(rgb), -1),
        np.square(rgb).sum((1, 2, 3)),
        shapes,
        (rgb * alpha[..., None]).reshape(len(rgb), -1),
    )


def detect(image: np.ndarray, styles: Sequence[str] = (USUAL_STYLE,), most: int = 6) -> list[Detection]:
    """Things of one picture [height width 3] in 0…1, from left to right, at most `most`. `styles` are the manners of
    drawing it may be in. Tensors on the CPU may be given too."""
    image = _halved(np.asarray(image, np.float32)[..., :3].clip(0, 1))
    kind, ground = ground_of(image)
    least = SEEN_IN_CITY if kind == "city" else SEEN
    differs = image - ground
    candidates: list[_Candidate] = []
    for size in SIZES:
        if size // HALF <= min(image.shape[:2]):
            known = _exemplars(size, tuple(styles))
            candidates += _candidates(differs, _on_ground(kind, ground, size, tuple(styles)), known)
    found: list[Detection] = []
    while candidates and len(found) < most:
        looked_at = (one.nearest(differs, ground) for one in _first(LOOKED_AT, candidates))
        best = max(looked_at, key=lambda one: one.explained)
        if best.explained < least:
            break
        found.append(best.detection(image.shape))
        # What it has explained counts no more: two small things look a little like one large one.
        differs = best.taken_out(differs)
        again = (replace(one, explained=one.explains(differs, ground)) for one in candidates)
        candidates = [one for one in again if one.explained >= WORTH_A_LOOK]
    return sorted(found, key=lambda one: one.centre)


def _first(count: int, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    return sorted(candidates, key=lambda one: -one.explained)[:count]


def ground_of(image: np.ndarray) -> tuple[str | None, np.ndarray]:
    """The kind of ground (None for the plain one) and its colours [height width 3], of a picture at any resolution.

    The plain one is drawn in many tints, the others drift by 0.03 at most: that tells it from snow.
    """
    best = (np.inf, None, image)
    for kind, mean in zip(GROUNDS, _mean_grounds(image.shape[:2]), strict=True):
        drift = 0.03 if kind else 0.1
        offset = np.median((image - mean).reshape(-1, 3), 0).clip(-drift, drift)
        # Truncated, for things may cover half of a picture.
        away = float(np.abs(image - mean - offset).max(-1).clip(max=0.15).mean())
        if away < best[0]:
            best = (away, kind, mean + offset)
    return best[1], best[2].astype(np.float32)


@cache
def _mean_grounds(hw: tuple[int, int]) -> np.ndarray:
    """[kinds height width 3] in 0…1."""
    mean = draw_grounds(np.random.default_rng(0), 24).mean(1) / 255
    return np.stack([ndimage.zoom(one, (hw[0] / PICTURE, hw[1] / PICTURE, 1), order=1) for one in mean])


@dataclass(frozen=True)
class _Candidate:
    """One cut-out at one place: `top` and `left` in halved pixels; `paint` is the nearest of the painted ones, for a
    thing as drawn has a colour too."""

    known: _Exemplars
    cutout: int
    paint: int
    top: int
    left: int
    explained: float

    @property
    def _window(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.known.size), slice(self.left, self.left + self.known.size)

    @property
    def _alpha(self) -> np.ndarray:
        return self.known.alpha[self.cutout // len(PAINTS)].reshape(self.known.size, self.known.size, 1)

    def explains(self, differs: np.ndarray, ground: np.ndarray) -> float:
        """Share of the cut-out's own difference from the ground that is found in `differs` [height width 3]."""
        colours = self.known.colours[self.cutout].reshape(self.known.size, self.known.size, 3)
        own = colours - self._alpha * ground[self._window]
        left = np.square(differs[self._window] - own).sum()
        return float(1 - left / max(np.square(own).sum(), FAINT * self.known.size**2))

    def nearest(self, differs: np.ndarray, ground: np.ndarray) -> _Candidate:
        """The same drawing at the place, here or a halved pixel away, and in the colour where it explains most."""
        reach = range(-STEP + 1, STEP)
        tops, lefts = (
            {min(max(at + by, 0), most - self.known.size) for by in reach}
            for at, most in zip((self.top, self.left), differs.shape[:2], strict=True)
        )
        drawn = self.cutout // len(PAINTS) * len(PAINTS)
        place = _best(differs, ground, (replace(self, top=top, left=left) for top in tops for left in lefts))
        painted = _best(differs, ground, (replace(place, cutout=drawn + p) for p in range(1, len(PAINTS))))
        as_drawn = _best(differs, ground, [replace(place, cutout=drawn)])
        return replace(max(painted, as_drawn, key=lambda one: one.explained), paint=painted.cutout - drawn - 1)

    def taken_out(self, differs: np.ndarray) -> np.ndarray:
        """`differs` where nothing is left of this thing and its edge."""
        without = differs.copy()
        without[self._window] *= 1 - ndimage.grey_dilation(self._alpha, (3, 3, 1))
        return without

    def detection(self, hw: tuple[int, ...]) -> Detection:
        height, width = hw[:2]
        size, colour = self.known.size, COLOURS[self.paint]
        box = (self.left / width, self.top / height, (self.left + size) / width, (self.top + size) / height)
        noun = NOUNS[self.cutout // len(PAINTS) % len(NOUNS)]
        return Detection(noun, colour, box, self.explained, tuple(map(float, PALETTE[colour])))


@dataclass(frozen=True)
class _OnGround:
    """What a cut-out loses by covering its ground, at every place: two sums of [places cutouts] and [places shapes],
    and the ground's windows."""

    colours: np.ndarray
    energy: np.ndarray
    windows: np.ndarray


def _on_ground(kind: str | None, ground: np.ndarray, size: int, styles: tuple[str, ...]) -> _OnGround:
    """The ground is its kind's mean and one offset, so that the large product is kept from picture to picture."""
    known = _exemplars(size, styles)
    mean = _mean_grounds(ground.shape[:2])[GROUNDS.index(kind)]
    offset = (ground - mean)[0, 0]
    windows = _windows(ground, known.size)
    kept = _mean_on_ground(kind, ground.shape[:2], size, styles)
    colours = kept + known.colour_alpha.reshape(len(known.colour_alpha), -1, 3).sum(1) @ offset
    energy = np.square(windows).sum(-1).reshape(len(kept), -1) @ np.square(known.alpha).T
    return _OnGround(colours, energy, windows.reshape(len(kept), -1, 3))


@cache
def _mean_on_ground(kind: str | None, hw: tuple[int, int], size: int, styles: tuple[str, ...]) -> np.ndarray:
    """[places cutouts]: the mean ground's windows times the cut-outs' colours times alpha."""
    known = _exemplars(size, styles)
    windows = _windows(_mean_grounds(hw)[GROUNDS.index(kind)].astype(np.float32), known.size)
    return windows.reshape(-1, known.colour_alpha.shape[1]) @ known.colour_alpha.T


def _best(differs: np.ndarray, ground: np.ndarray, some: Iterable[_Candidate]) -> _Candidate:
    return max((replace(one, explained=one.explains(differs, ground)) for one in some), key=lambda one: one.explained)


def _candidates(differs: np.ndarray, on_ground: _OnGround, known: _Exemplars) -> list[_Candidate]:
    """The best cut-outs at each place where they explain something."""
    windows = _windows(differs, known.size)
    columns = windows.shape[1]
    explained = _explained(windows.reshape(-1, known.colours.shape[1]), on_ground, known)
    by_shape = explained.reshape(len(explained), -1, len(PAINTS))
    shapes = np.argsort(-by_shape.max(2), 1)[:, :NOUNS_TRIED]
    found = []
    for place, shape in ((p, s) for p in np.flatnonzero(explained.max(1) >= WORTH_A_LOOK) for s in shapes[p]):
        paint = int(by_shape[place, shape].argmax())
        top, left = (index * STEP for index in divmod(int(place), columns))
        share = float(by_shape[place, shape, paint])
        found.append(_Candidate(known, int(shape) * len(PAINTS) + paint, 0, top, left, share))
    return found


def _explained(windows: np.ndarray, on_ground: _OnGround, known: _Exemplars) -> np.ndarray:
    """[places cutouts]: 1 - |window - (colours - alpha ground)|² / |colours - alpha ground|², in matrix products.
    `windows` [places size*size*3] are without their ground."""
    shape_of = np.arange(len(known.colours)) // len(PAINTS)
    own = known.energy - 2 * on_ground.colours + on_ground.energy[:, shape_of]
    covered = (windows.reshape(on_ground.windows.shape) * on_ground.windows).sum(-1) @ known.alpha.T
    shared = windows @ known.colours.T - covered[:, shape_of]
    left = np.square(windows).sum(1)[:, None] - 2 * shared + own
    return 1 - left / np.maximum(own, FAINT * known.size**2)


def _windows(image: np.ndarray, side: int) -> np.ndarray:
    """[rows columns side side 3], every STEP pixels."""
    view = np.lib.stride_tricks.sliding_window_view(image, (side, side), (0, 1))[::STEP, ::STEP]
    return np.ascontiguousarray(view.transpose(0, 1, 3, 4, 2))


def _halved(image: np.ndarray) -> np.ndarray:
    height, width = (n // HALF * HALF for n in image.shape[:2])
    return image[:height, :width].reshape(height // HALF, HALF, width // HALF, HALF, 3).mean((1, 3))
