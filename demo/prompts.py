"""Prompts for measuring on Shapes, in the three kinds of Attend-and-Excite's own set. The lists never change."""

from __future__ import annotations

from typing import NamedTuple

from .scenes import COLOURS, SHAPES
from .scoring import Subject


class Prompt(NamedTuple):
    """A text and the subjects it asks for."""

    text: str
    subjects: tuple[Subject, ...]


def _noun_phrase(shape: str, colour: str | None) -> str:
    words = f"{colour} {shape}" if colour else shape
    return f"{'an' if words.startswith(('orange', 'hourglass')) else 'a'} {words}"


def prompt(*subjects: Subject) -> Prompt:
    """ "a red circle and a blue star" from (circle, red), (star, blue)."""
    return Prompt(" and ".join(_noun_phrase(*subject) for subject in subjects), subjects)


def _pairs() -> list[tuple[str, str, str, str]]:
    """(shape, shape, colour, colour): every ordered pair of shapes 1..4 apart in their ring, with colours that turn
    at other speeds, so that no colour belongs to a shape."""
    count, colours = len(SHAPES), len(COLOURS)
    return [
        (
            SHAPES[i],
            SHAPES[(i + gap) % count],
            COLOURS[(2 * i + gap) % colours],
            COLOURS[(2 * i + 4 * gap + 1) % colours],
        )
        for gap in (1, 3, 2, 4)
        for i in range(count)
    ]


SHAPE_SHAPE = tuple(prompt((a, None), (b, None)) for a, b, _, _ in _pairs())
SHAPE_COLOURED = tuple(prompt((a, None), (b, d)) for a, b, _, d in _pairs())
COLOURED_COLOURED = tuple(prompt((a, c), (b, d)) for a, b, c, d in _pairs())
SETS = {"shape-shape": SHAPE_SHAPE, "shape-coloured": SHAPE_COLOURED, "coloured-coloured": COLOURED_COLOURED}
"""32 prompts each."""
