"""Lines over numbers: one panel a measure, one line a method, a band of its interval behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from .canvas import FAINT, GREY, INK, PAPER, RGB, beside, blank, framed, shorten, write
from .colours import subject_colour
from .curves import nice_ticks

WIDTH, HEIGHT = 420, 300
FINE = 2
"""Drawn this much larger and scaled down: PIL has no smooth lines of its own."""
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 34, 40
LETTERS = 14


@dataclass(frozen=True)
class Line:
    """One value for each x, with the ends of its interval."""

    values: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


def line_panels(panels: Mapping[str, Mapping[str, Line]], xs: Sequence[float], x_label: str) -> Image.Image:
    """Title -> name -> line; the names are the same in all panels. Axes begin at 0."""
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    drawn = [_Panel(title, lines, names, xs, x_label).draw() for title, lines in panels.items()]
    return framed(beside([*drawn, _legend(names)], 16), 16)


def _legend(names: Sequence[str]) -> Image.Image:
    image, draw = blank(220, HEIGHT)
    for row, name in enumerate(names):
        top = TOP + 10 + 24 * row
        draw.line((0, top, 24, top), fill=subject_colour(row), width=3)
        write(draw, (32, top), shorten(name, LETTERS, 186), LETTERS, INK, "lm")
    return image


class _Panel:
    def __init__(
        self, title: str, lines: Mapping[str, Line], names: Sequence[str], xs: Sequence[float], x_label: str
    ) -> None:
        self.title, self.lines, self.names, self.xs, self.x_label = title, lines, names, xs, x_label
        self.top = max(max((*line.values, *line.high)) for line in lines.values()) * 1.05 or 1.0
        self.image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), PAPER)
        self.pen = ImageDraw.Draw(self.image)

    def draw(self) -> Image.Image:
        for tick in nice_ticks(0, self.top):
            self.pen.line((*self._at(0, tick), *self._at(self.xs[-1], tick)), fill=FAINT, width=FINE)
        for name, line in self.lines.items():
            self._band(line, subject_colour(self.names.index(name)))
        for name, line in self.lines.items():
            self._line(line, subject_colour(self.names.index(name)))
        self.image = self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        self.pen = ImageDraw.Draw(self.image)
        self._labels()
        return self.image

    def _at(self, x: float, y: float) -> tuple[float, float]:
        across, up = x / self.xs[-1], y / self.top
        left = LEFT + across * (WIDTH - LEFT - RIGHT)
        return left * FINE, (HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)) * FINE

    def _line(self, line: Line, colour: RGB) -> None:
        points = [self._at(x, y) for x, y in zip(self.xs, line.values, strict=True)]
        self.pen.line(points, fill=colour, width=3 * FINE, joint="curve")
        for x, y in points:
            self.pen.ellipse((x - 4 * FINE, y - 4 * FINE, x + 4 * FINE, y + 4 * FINE), fill=colour)

    def _band(self, line: Line, colour: RGB) -> None:
        if not line.low:
            return
        upper = [self._at(x, y) for x, y in zip(self.xs, line.high, strict=True)]
        lower = [self._at(x, y) for x, y in zip(self.xs, line.low, strict=True)]
        pale = tuple(round(0.82 * paper + 0.18 * own) for paper, own in zip(PAPER, colour, strict=True))
        self.pen.polygon([*upper, *reversed(lower)], fill=pale)

    def _labels(self) -> None:
        write(self.pen, (LEFT, 8), shorten(self.title, LETTERS + 1, WIDTH - LEFT), LETTERS + 1, INK, "la")
        for tick in nice_ticks(0, self.top):
            write(self.pen, (LEFT - 8, self._at(0, tick)[1] / FINE), f"{tick:g}", LETTERS - 2, GREY, "rm")
        for x in self.xs:
            write(self.pen, (self._at(x, 0)[0] / FINE, HEIGHT - BOTTOM + 6), f"{x:g}", LETTERS - 2, GREY, "ma")
        write(self.pen, ((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16), self.x_label, LETTERS - 2, GREY, "ma")
