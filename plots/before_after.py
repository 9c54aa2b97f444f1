"""The picture that shows the point: rows are seeds, columns are plain, guided, and each word's heat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw
from torch import Tensor

from ..errors import PromptUnderstandingError
from .canvas import GREY, INK, RGB, blank, enlarge, enlargement, framed, shorten, stack, text_width, to_pil, write
from .colours import subject_colour
from .heat import heat_tile, normalise, resize

TILE_LEAST = 224
GOOD: RGB = (0, 128, 92)
BAD: RGB = (200, 50, 20)
GAP, HEAD, NOTE_LINE = 14, 40, 22


class Note(NamedTuple):
    """A line under a picture, e.g. Note("no blue star", good=False)."""

    text: str
    good: bool | None = None


def before_after(
    plain: Tensor,
    guided: Tensor,
    heats: Mapping[str, Tensor],
    captions: Sequence[str] = (),
    *,
    title: str = "",
    plain_notes: Sequence[Sequence[Note]] = (),
    guided_notes: Sequence[Sequence[Note]] = (),
    headings: tuple[str, str] = ("plain", "guided"),
) -> Tensor:
    """IMAGE [1 height width 3].

    `plain`, `guided` [n height width 3] in 0…1, same seeds in the same order. `heats`: word -> [n h w] probabilities of
    the guided run at any size, drawn over the guided picture, each word of each row on its own scale. `captions`: one a
    row ("seed 7"). The notes: one list of lines a row.
    """
    _check(plain, guided, heats)
    factor = enlargement((plain.shape[1], plain.shape[2]), TILE_LEAST)
    notes = max([0, *(len(lines) for lines in (*plain_notes, *guided_notes))])
    grid = _Grid(plain.shape[2] * factor, plain.shape[1] * factor, 2 + len(heats), len(plain), notes, captions, title)
    grid.head([(headings[0], None), (headings[1], None), *((word, subject_colour(i)) for i, word in enumerate(heats))])
    for row in range(len(plain)):
        grid.put(row, 0, enlarge(to_pil(plain[row]), factor), plain_notes[row] if plain_notes else ())
        grid.put(row, 1, enlarge(to_pil(guided[row]), factor), guided_notes[row] if guided_notes else ())
        for column, heat in enumerate(heats.values()):
            scaled = normalise(heat[row].float().cpu()[None, None, None], "per word")[0, 0, 0]
            shown = resize(scaled, (plain.shape[1], plain.shape[2])).clamp(0, 1)
            grid.put(row, 2 + column, heat_tile(shown, subject_colour(column), guided[row], factor))
    return stack([framed(grid.page, 20)])


def _check(plain: Tensor, guided: Tensor, heats: Mapping[str, Tensor]) -> None:
    counts = {"plain": len(plain), "guided": len(guided), **{f"the heat of {w!r}": len(h) for w, h in heats.items()}}
    if len(set(counts.values())) > 1 or plain.shape[1:3] != guided.shape[1:3]:
        found = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise PromptUnderstandingError(
            "The before/after picture needs as many plain as guided images, of the same size, and a heat map for each: "
            f"{found}; sizes are {tuple(plain.shape[1:3])} and {tuple(guided.shape[1:3])}."
        )


class _Grid:
    def __init__(
        self, width: int, height: int, columns: int, rows: int, notes: int, captions: Sequence[str], title: str
    ) -> None:
        self.width, self.height = width, height
        self.letters = max(15, min(30, width // 13))
        self.row_height = height + notes * NOTE_LINE + GAP
        self.left = max((text_width(caption, self.letters) for caption in captions), default=-GAP) + GAP
        self.top = (HEAD + 8 if title else 0) + HEAD
        self.page, self.draw = blank(self.left + columns * (width + GAP) - GAP, self.top + rows * self.row_height - GAP)
        if title:
            write(self.draw, (0, 4), shorten(title, self.letters + 6, self.page.width), self.letters + 6, INK)
        for row, caption in enumerate(captions):
            write(self.draw, (0, self.top + row * self.row_height + height / 2), caption, self.letters, GREY, "lm")

    def head(self, names: Sequence[tuple[str, RGB | None]]) -> None:
        for column, (name, colour) in enumerate(names):
            left, middle = self._x(column), self.top - HEAD / 2
            if colour:
                size = round(self.letters * 0.75)
                frame = (left, middle - size / 2, left + size, middle + size / 2)
                self.draw.rounded_rectangle(frame, radius=size // 4, fill=colour)
                left += size + 8
            room = self._x(column) + self.width - left
            write(self.draw, (left, middle), shorten(name, self.letters, room), self.letters, INK, "lm")

    def put(self, row: int, column: int, tile: Image.Image, notes: Sequence[Note] = ()) -> None:
        left, top = self._x(column), self.top + row * self.row_height
        self.page.paste(tile, (left, top))
        for number, note in enumerate(notes):
            colour = GREY if note.good is None else GOOD if note.good else BAD
            middle = top + self.height + (number + 0.55) * NOTE_LINE
            indent = _mark(self.draw, left, middle, note.good, colour)
            write(self.draw, (left + indent, middle), shorten(note.text, 15, self.width - indent), 15, colour, "lm")

    def _x(self, column: int) -> int:
        return self.left + column * (self.width + GAP)


def _mark(draw: ImageDraw.ImageDraw, left: float, middle: float, good: bool | None, colour: RGB) -> int:
    """A tick or a cross, drawn: the built-in font has neither, and colour alone does not tell everyone."""
    if good is None:
        return 0
    if good:
        draw.line((left + 1, middle, left + 5, middle + 4, left + 12, middle - 5), fill=colour, width=2)
    else:
        draw.line((left + 2, middle - 4, left + 10, middle + 4), fill=colour, width=2)
        draw.line((left + 2, middle + 4, left + 10, middle - 4), fill=colour, width=2)
    return 18
