"""Prompts side by side: under each text one row of pictures a method, framed by whether what was asked for is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PIL import Image
from torch import Tensor

from .before_after import BAD, GOOD
from .canvas import GREY, INK, below, beside, blank, enlarge, enlargement, framed, shorten, to_pil, write

TILE_LEAST, FRAME, HEAD, SIDE = 128, 4, 30, 56
COLUMNS = 2


class Shown(NamedTuple):
    """`picture` [height width 3] in 0…1; `good` None draws no frame."""

    picture: Tensor
    good: bool | None = None


Cell = tuple[str, Mapping[str, Sequence[Shown]]]
"""A text, and its rows: method -> pictures, the same seeds in the same order."""


def gallery(cells: Sequence[Cell]) -> Image.Image:
    """COLUMNS cells beside each other. A frame is green and has a tick where a picture is good, red and a cross where
    it is not."""
    drawn = [_cell(*cell) for cell in cells]
    rows = [beside(drawn[i : i + COLUMNS], 28) for i in range(0, len(drawn), COLUMNS)]
    return framed(below(rows, 22), 20)


def _cell(text: str, rows: Mapping[str, Sequence[Shown]]) -> Image.Image:
    strips = [_strip(name, shown) for name, shown in rows.items()]
    pictures = below(strips, 6)
    head, draw = blank(pictures.width, HEAD)
    write(draw, (SIDE, HEAD / 2), shorten(f'"{text}"', 20, pictures.width - SIDE), 20, INK, "lm")
    return below([head, pictures], 0)


def _strip(name: str, shown: Sequence[Shown]) -> Image.Image:
    tiles = beside([_tile(one) for one in shown], 6)
    label, draw = blank(SIDE, tiles.height)
    write(draw, (0, tiles.height / 2), name, 18, GREY, "lm")
    return beside([label, tiles], 0)


def _tile(shown: Shown) -> Image.Image:
    picture = to_pil(shown.picture)
    picture = enlarge(picture, enlargement((picture.height, picture.width), TILE_LEAST))
    if shown.good is None:
        return framed(picture, FRAME)
    colour = GOOD if shown.good else BAD
    tile = framed(picture, FRAME, colour)
    badge, draw = blank(20, 20, colour)
    # Not by colour alone: a tick, or a cross.
    strokes = [(4, 10, 8, 15), (8, 15, 16, 5)] if shown.good else [(5, 5, 15, 15), (5, 15, 15, 5)]
    for stroke in strokes:
        draw.line(stroke, fill=(255, 255, 255), width=3)
    tile.paste(badge, (0, 0))
    return tile
