"""Loss over the steps, one panel a technique: a broad line for its loss, thin ones for the subjects, rings where the
step was refined."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from .canvas import FAINT, GREY, INK, PAPER, RGB, below, blank, framed, shorten, write
from .colours import subject_colour

WIDTH, HEIGHT = 720, 250
FINE = 2
"""Drawn this much larger and scaled down: PIL has no smooth lines of its own."""
LEFT, RIGHT, TOP, BOTTOM = 56, 176, 34, 36
LETTERS = 14
LOSS: RGB = (158, 163, 172)


@dataclass(frozen=True)
class LossCurve:
    """One technique on one image. The sequences have one entry a guided step."""

    technique: str
    steps: Sequence[int]
    """The sampler's steps, 0-based, rising."""
    loss: Sequence[float]
    subjects: Mapping[str, Sequence[float]] = field(default_factory=dict)
    refinements: Sequence[int] = ()


def loss_curves(curves: Sequence[LossCurve], total_steps: int, title: str = "") -> Image.Image:
    """One panel a technique, their step axes aligned. Values that are not numbers leave a gap."""
    panels = [_Panel(curve, total_steps).draw() for curve in curves]
    if title:
        head, draw = blank(WIDTH, 26)
        write(draw, (0, 13), shorten(title, LETTERS + 3, WIDTH), LETTERS + 3, INK, "lm")
        panels.insert(0, head)
    return framed(below(panels, 10), 16)


def nice_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) that lie in low…high."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


class _Panel:
    def __init__(self, curve: LossCurve, total_steps: int) -> None:
        self.curve = curve
        self.last_step = max(total_steps - 1, *curve.steps, 1)
        values = [v for line in (curve.loss, *curve.subjects.values()) for v in line if math.isfinite(v)]
        self.low, self.high = _span(values)
        self.image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), PAPER)
        self.pen = ImageDraw.Draw(self.image)

    def draw(self) -> Image.Image:
        self._axes()
        # The loss is the weakest subject's value in some techniques: broad and pale below, it shows beside that line.
        self._line(self.curve.loss, LOSS, 6)
        for index, values in enumerate(self.curve.subjects.values()):
            self._line(values, subject_colour(index), 2)
        self._refinements()
        # Letters go on after the scaling: drawn large and shrunk they turn woolly.
        self.image = self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        self.pen = ImageDraw.Draw(self.image)
        self._labels()
        self._legend()
        return self.image

    def _x(self, step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / self.last_step

    def _y(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - value) / (self.high - self.low)

    def _axes(self) -> None:
        for tick in nice_ticks(self.low, self.high):
            y = self._y(tick) * FINE
            self.pen.line((LEFT * FINE, y, (WIDTH - RIGHT) * FINE, y), fill=FAINT, width=FINE)
        # Steps without guidance are part of the run: a shade says where guidance acted.
        first, last = (self._x(step) * FINE for step in (self.curve.steps[0], self.curve.steps[-1]))
        base = (HEIGHT - BOTTOM) * FINE
        self.pen.line((LEFT * FINE, base, (WIDTH - RIGHT) * FINE, base), fill=GREY, width=FINE)
        below_axis = base + 4 * FINE
        self.pen.line((first, below_axis, last, below_axis), fill=INK, width=4 * FINE)

    def _line(self, values: Sequence[float], colour: RGB, width: float) -> None:
        run: list[tuple[float, float]] = []
        for step, value in zip(self.curve.steps, values, strict=True):
            if math.isfinite(value):
                run.append((self._x(step) * FINE, self._y(value) * FINE))
            else:
                self._polyline(run, colour, width)
                run = []
        self._polyline(run, colour, width)

    def _polyline(self, points: list[tuple[float, float]], colour: RGB, width: float) -> None:
        if len(points) > 1:
            self.pen.line(points, fill=colour, width=round(width * FINE), joint="curve")
        for x, y in points:
            self._disc(x, y, width * FINE * (0.75 if len(points) > 1 else 1.2), colour)

    def _disc(self, x: float, y: float, radius: float, colour: RGB) -> None:
        self.pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def _refined(self) -> list[tuple[int, float, int]]:
        rows = zip(self.curve.steps, self.curve.loss, self.curve.refinements, strict=False)
        return [(step, value, count) for step, value, count in rows if count and math.isfinite(value)]

    def _refinements(self) -> None:
        for step, value, _ in self._refined():
            x, y = self._x(step) * FINE, self._y(value) * FINE
            self._disc(x, y, 7 * FINE, INK)
            self._disc(x, y, 4.6 * FINE, PAPER)

    def _labels(self) -> None:
        for tick in nice_ticks(self.low, self.high):
            write(self.pen, (LEFT - 8, self._y(tick)), f"{tick:g}", LETTERS - 2, GREY, "rm")
        for tick in (int(t) for t in nice_ticks(0, self.last_step, 8) if t == int(t)):
            write(self.pen, (self._x(tick), HEIGHT - BOTTOM + 8), str(tick + 1), LETTERS - 2, GREY, "ma")
        write(self.pen, (WIDTH - RIGHT + 8, HEIGHT - BOTTOM + 8), "step", LETTERS - 2, GREY, "la")
        write(self.pen, (LEFT, 8), shorten(self.curve.technique, LETTERS + 1, WIDTH - LEFT), LETTERS + 1, INK, "la")
        for step, value, count in self._refined():
            write(self.pen, (self._x(step) + 10, self._y(value) - 16), f"+{count}", LETTERS - 2, INK, "la")

    def _legend(self) -> None:
        left, top = WIDTH - RIGHT + 20, TOP + 4
        rows = [("loss", LOSS, 6), *((name, subject_colour(i), 2) for i, name in enumerate(self.curve.subjects))]
        for name, colour, width in rows:
            self.pen.line((left, top + 8, left + 20, top + 8), fill=colour, width=width)
            write(self.pen, (left + 28, top + 8), shorten(name, LETTERS - 1, RIGHT - 52), LETTERS - 1, INK, "lm")
            top += 21
        if self._refined():
            self.pen.ellipse((left + 5, top + 3, left + 15, top + 13), outline=INK, width=2)
            write(self.pen, (left + 28, top + 8), "+ refinements", LETTERS - 1, INK, "lm")


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Low and high ends of the axis, on ticks: 0 is always on it, for 0 means satisfied."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    low, high = min(low, 0.0), max(high, 0.0)
    if -low < 1e-3 * high:
        # Losses that end at 0 may end a rounding error below it; half a panel for that would say something else.
        low = 0.0
    if high == low:
        return low, low + 1.0
    ticks = nice_ticks(low, high)
    step = ticks[1] - ticks[0]
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
