"""A layout as a picture: its boxes with their captions, on paper or over a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PIL import Image, ImageDraw

from ..layouts.report import pixels
from ..layouts.types import Layout
from .canvas import GREY, INK, PAPER, RGB, blank, shorten, text_width, write
from .colours import lighter, subject_colour

LARGEST = 1536
"""Pixels of the longer side: a layout for a poster is drawn smaller."""


def layout_picture(layout: Layout, ground: Image.Image | None = None) -> Image.Image:
    """In the canvas's shape. `ground` is stretched to it."""
    width, height = drawn_size(layout)
    image = blank(width, height)[0] if ground is None else ground.convert("RGB").resize((width, height))
    shape = replace(layout, width=width, height=height)
    image = _tinted(image, shape)
    draw = ImageDraw.Draw(image)
    for number, colour in enumerate(_colours(shape)):
        _outline(draw, shape, number, colour)
    # Names last: a box must not lie over the name of another.
    for number, colour in enumerate(_colours(shape)):
        _name(draw, shape, number, colour)
    _around(draw, shape)
    return image


def drawn_size(layout: Layout) -> tuple[int, int]:
    scale = min(1.0, LARGEST / max(layout.width, layout.height))
    return max(1, round(layout.width * scale)), max(1, round(layout.height * scale))


def _colours(layout: Layout) -> list[RGB]:
    """One for each caption: two cats are alike."""
    captions = list(dict.fromkeys(thing.caption for thing in layout.objects))
    return [subject_colour(captions.index(thing.caption)) for thing in layout.objects]


def _tinted(image: Image.Image, layout: Layout) -> Image.Image:
    tint = image.copy()
    draw = ImageDraw.Draw(tint)
    for thing, colour in zip(layout.objects, _colours(layout), strict=True):
        draw.rectangle(_inner(pixels(layout, thing)), fill=lighter(colour, 0.4))
    return Image.blend(image, tint, 0.25)


def _inner(box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """PIL draws the last pixel too."""
    return box[0], box[1], box[2] - 1, box[3] - 1


def _line(layout: Layout) -> int:
    return max(1, min(layout.width, layout.height) // 170)


def _letters(layout: Layout) -> int:
    return max(9, min(layout.width, layout.height) // 32)


def _outline(draw: ImageDraw.ImageDraw, layout: Layout, number: int, colour: RGB) -> None:
    draw.rectangle(_inner(pixels(layout, layout.objects[number])), outline=colour, width=_line(layout))


def _name(draw: ImageDraw.ImageDraw, layout: Layout, number: int, colour: RGB) -> None:
    left, top, *_ = pixels(layout, layout.objects[number])
    size, pad = _letters(layout), max(2, _line(layout))
    room = max(layout.width - left - 2 * pad, 3 * size)
    text = shorten(f"{number + 1} {layout.objects[number].caption}", size, room)
    wide, high = text_width(text, size) + 2 * pad, round(size * 1.25) + pad
    left = max(0, min(left, layout.width - wide))
    draw.rectangle((left, top, left + wide - 1, top + high - 1), fill=colour)
    write(draw, (left + pad, top + pad / 2), text, size, _readable(colour))


def _readable(colour: RGB) -> RGB:
    red, green, blue = colour
    return INK if 0.3 * red + 0.59 * green + 0.11 * blue > 150 else PAPER


def _around(draw: ImageDraw.ImageDraw, layout: Layout) -> None:
    """Background and negative prompt at the foot."""
    lines = [layout.background, *([f"not: {layout.negative}"] if layout.negative else [])]
    _foot(draw, layout, [line for line in lines if line])


def _foot(draw: ImageDraw.ImageDraw, layout: Layout, lines: Sequence[str]) -> None:
    size = max(8, round(_letters(layout) * 0.8))
    for number, line in enumerate(reversed(lines)):
        at = (size / 2, layout.height - size * (number * 1.3 + 0.4))
        write(draw, at, shorten(line, size, layout.width - size), size, GREY, "lb")
