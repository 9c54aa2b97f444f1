"""Lines over a common axis, values 0…1 as percentages: how much of something there is as a knob is turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from .canvas import FAINT, GREY, INK, PAPER, framed, shorten, write
from .colours import subject_colour

WIDTH, HEIGHT = 640, 320
FINE = 2
"""Drawn this much larger and scaled down: PIL has no smooth lines of its own."""
LEFT, RIGHT, TOP, BOTTOM = 56, 220, 44, 44
LETTERS = 14
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def share_lines(title: str, axis: str, places: Sequence[float], lines: Mapping[str, Sequence[float]]) -> Image.Image:
    """`places` in 0…1, rising; `lines` name -> a share 0…1 at each place."""
    image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), PAPER)
    pen = ImageDraw.Draw(image)
    for tick in TICKS:
        pen.line((LEFT * FINE, _y(tick) * FINE, (WIDTH - RIGHT) * FINE, _y(tick) * FINE), fill=FAINT, width=FINE)
    for index, values in enumerate(lines.values()):
        points = [(_x(place) * FINE, _y(value) * FINE) for place, value in zip(places, values, strict=True)]
        pen.line(points, fill=subject_colour(index), width=3 * FINE, joint="curve")
        for x, y in points:
            pen.ellipse((x - 4 * FINE, y - 4 * FINE, x + 4 * FINE, y + 4 * FINE), fill=subject_colour(index))
    image = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    _labels(ImageDraw.Draw(image), title, axis, places, list(lines))
    return framed(image, 16)


def _labels(pen: ImageDraw.ImageDraw, title: str, axis: str, places: Sequence[float], names: Sequence[str]) -> None:
    write(pen, (LEFT, 8), shorten(title, LETTERS + 2, WIDTH - LEFT), LETTERS + 2, INK, "la")
    for tick in TICKS:
        write(pen, (LEFT - 8, _y(tick)), f"{tick:.0%}", LETTERS - 2, GREY, "rm")
    for place in places:
        write(pen, (_x(place), HEIGHT - BOTTOM + 8), f"{place:g}", LETTERS - 2, GREY, "ma")
    write(pen, (WIDTH - RIGHT + 14, HEIGHT - BOTTOM + 8), axis, LETTERS - 2, GREY, "la")
    for index, name in enumerate(names):
        top = TOP + 10 + 22 * index
        left = WIDTH - RIGHT + 20
        pen.line((left, top, left + 20, top), fill=subject_colour(index), width=3)
        write(pen, (left + 28, top), shorten(name, LETTERS - 1, RIGHT - 52), LETTERS - 1, INK, "lm")


def _x(place: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * place


def _y(value: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value)
