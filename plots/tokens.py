"""Which piece of the prompt sits at which position of the encoder's output: the token strip."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from ..prompts.types import ParsedPrompt, Token
from .canvas import FAINT, GREY, INK, PAPER, RGB, blank, framed, shorten, text_width, write
from .colours import lighter, position_colours

WIDTH = 960
LETTERS, NUMBERS = 18, 12
BOX_HEIGHT, LINE_HEIGHT, GAP = 34, 62, 6
WIDEST = 260


def token_strip(prompt: ParsedPrompt, width: int = WIDTH) -> Image.Image:
    """A box a token, its position below it, subjects in their colours; a run of padding is one box. Lines wrap."""
    boxes = _boxes(prompt)
    lines = _wrap(boxes, width)
    page, draw = blank(width, LINE_HEIGHT * len(lines))
    for number, line in enumerate(lines):
        left = 0
        for box in line:
            _draw_box(draw, left, number * LINE_HEIGHT, box)
            left += box.width + GAP
    return framed(page, 16)


class _Box:
    def __init__(self, text: str, number: str, colour: RGB | None, word: bool) -> None:
        self.text = shorten(text, LETTERS, WIDEST)
        self.number, self.colour, self.word = number, colour, word
        self.width = max(text_width(self.text, LETTERS) + 18, text_width(number, NUMBERS) + 8, 30)


def _boxes(prompt: ParsedPrompt) -> list[_Box]:
    colours = position_colours(prompt)
    boxes = []
    for run in _runs(prompt.tokens):
        first, last = run[0], run[-1]
        number = str(first.position) if len(run) == 1 else f"{first.position}-{last.position}"
        boxes.append(_Box(_label(first), number, colours.get(first.position), first.kind in ("word", "embedding")))
    return boxes


def _runs(tokens: Sequence[Token]) -> list[list[Token]]:
    runs: list[list[Token]] = []
    for token in tokens:
        if runs and token.kind == "pad" == runs[-1][-1].kind:
            runs[-1].append(token)
        else:
            runs.append([token])
    return runs


def _label(token: Token) -> str:
    if token.kind in ("start", "end"):
        return token.kind
    if token.kind == "pad":
        return "padding"
    weight = "" if token.weight == 1.0 else f" x{token.weight:g}"
    return (token.text or "(empty)") + weight


def _wrap(boxes: Sequence[_Box], width: int) -> list[list[_Box]]:
    lines: list[list[_Box]] = [[]]
    for box in boxes:
        taken = sum(other.width + GAP for other in lines[-1])
        if lines[-1] and taken + box.width > width:
            lines.append([])
        lines[-1].append(box)
    return lines


def _draw_box(draw: ImageDraw.ImageDraw, left: int, top: int, box: _Box) -> None:
    frame = (left, top, left + box.width - 1, top + BOX_HEIGHT)
    fill = lighter(box.colour, 0.72) if box.colour else PAPER
    edge = box.colour or FAINT
    draw.rounded_rectangle(frame, radius=7, fill=fill, outline=edge, width=2 if box.colour else 1)
    write(draw, (left + box.width / 2, top + BOX_HEIGHT / 2), box.text, LETTERS, INK if box.word else GREY, "mm")
    write(draw, (left + box.width / 2, top + BOX_HEIGHT + 13), box.number, NUMBERS, GREY, "mm")
