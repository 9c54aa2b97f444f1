"""What is repaired in boxes that were read, and said; what is refused, with its line; what is only told.

Repaired: corners the wrong way round, boxes a little over the edge (cut), all boxes together too large (moved and
scaled together, as the paper's code does), empty ones and such as cover the whole canvas (left out), the same box
twice, what the prompt denies. Refused: boxes far off any canvas, more boxes than maps have room for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from ...errors import PromptUnderstandingError
from ..asked import Asked
from ..nouns import singular
from ..types import Box, LayoutObject

MOST_BOXES = 60
LONGEST_CAPTION = 60
"""Words. CLIP reads 75 tokens, and the background comes before the caption."""
LETTERS = 400
CUT = 0.06
"""Of the canvas: boxes that reach so far over the edge are cut; beyond it, all are scaled."""
FAR = 8.0
EMPTY = 0.004
WHOLE = 0.985
TINY = 0.05
SAME = 0.97
COVERS = 0.35


@dataclass(frozen=True)
class Placed:
    caption: str
    box: Box
    line: int


def checked(placed: Sequence[Placed], asked: Asked | None) -> tuple[tuple[LayoutObject, ...], list[str]]:
    """Objects and sentences. Raises PromptUnderstandingError for what no repair is safe for."""
    if len(placed) > MOST_BOXES:
        raise PromptUnderstandingError(
            f"{len(placed)} boxes were found, in lines {placed[0].line} to {placed[-1].line}; at most {MOST_BOXES} "
            "can be drawn. Keep those of the things that matter, and leave the rest to the background."
        )
    notes: list[str] = []
    kept = _twice(_sized(_turned([_captioned(one, notes) for one in placed], notes), notes), notes)
    fitted = _on_canvas(kept, notes)
    if asked is not None:
        fitted = _without_denied(fitted, asked, notes)
        notes += _counts(fitted, asked)
    notes += _told(fitted)
    return tuple(_object(one, asked) for one in fitted), notes


def _object(one: Placed, asked: Asked | None) -> LayoutObject:
    thing = None if asked is None else thing_of(one.caption, asked)
    subject = None if asked is None or thing is None else asked.things[thing].subject
    return LayoutObject(one.caption, one.box, subject, f"line {one.line}")


def _captioned(one: Placed, notes: list[str]) -> Placed:
    words = one.caption.split()
    if len(words) > LONGEST_CAPTION:
        notes.append(
            f"Line {one.line}: the caption has {len(words)} words. Most text encoders read about {LONGEST_CAPTION}; "
            "what comes later may not be drawn."
        )
    if len(one.caption) > LETTERS:
        notes.append(f"Line {one.line}: the caption was cut after {LETTERS} letters.")
        return replace(one, caption=one.caption[:LETTERS].rstrip())
    return one


def _turned(placed: Sequence[Placed], notes: list[str]) -> Iterator[Placed]:
    for one in placed:
        left, top, right, bottom = one.box
        if left > right or top > bottom:
            notes.append(f"Line {one.line}: the corners of {one.caption!r} were the wrong way round and were swapped.")
            one = replace(one, box=Box(min(left, right), min(top, bottom), max(left, right), max(top, bottom)))
        if max(map(abs, one.box)) > FAR:
            raise PromptUnderstandingError(
                f"Line {one.line}: the box of {one.caption!r} lies {max(map(abs, one.box)):.0f} times the canvas away. "
                "Write boxes for this canvas, or set 'order' and 'unit' if the numbers were read wrong."
            )
        yield one


def _sized(placed: Iterator[Placed], notes: list[str]) -> Iterator[Placed]:
    for one in placed:
        if one.box.width < EMPTY or one.box.height < EMPTY:
            notes.append(f"Line {one.line}: the box of {one.caption!r} is empty and was left out.")
        elif one.box.width >= WHOLE and one.box.height >= WHOLE:
            notes.append(
                f"Line {one.line}: the box of {one.caption!r} covers the whole canvas and was left out; what fills the "
                "picture belongs into the background."
            )
        elif _outside(one.box):
            notes.append(f"Line {one.line}: the box of {one.caption!r} lies outside the canvas and was left out.")
        else:
            yield one


def _outside(box: Box) -> bool:
    return box.left >= 1 or box.top >= 1 or box.right <= 0 or box.bottom <= 0


def _twice(placed: Iterator[Placed], notes: list[str]) -> list[Placed]:
    kept: list[Placed] = []
    for one in placed:
        same = [other for other in kept if other.box.iou(one.box) > SAME]
        if any(other.caption.lower() == one.caption.lower() for other in same):
            notes.append(f"Line {one.line}: {one.caption!r} was there twice in the same place; once was left out.")
            continue
        kept.append(one)
    return kept


def _on_canvas(placed: list[Placed], notes: list[str]) -> list[Placed]:
    """Cut where little is over, else all moved and scaled together, so that they keep their places beside each "
    "other."""
    over = max((max(-min(one.box), max(one.box) - 1) for one in placed), default=0.0)
    if over > CUT:
        left, top = min(0.0, *(one.box.left for one in placed)), min(0.0, *(one.box.top for one in placed))
        right, bottom = max(1.0, *(one.box.right for one in placed)), max(1.0, *(one.box.bottom for one in placed))
        scale = min(1 / (right - left), 1 / (bottom - top))
        notes.append(f"Boxes reached over the canvas: all were moved and scaled together to {100 * scale:.0f} %.")
        placed = [replace(one, box=_scaled(one.box, left, top, scale)) for one in placed]
    elif over > 1e-9:
        notes.append("Boxes that reached a little over the edge were cut there.")
    return [replace(one, box=Box(*(min(1.0, max(0.0, side)) for side in one.box))) for one in placed]


def _scaled(box: Box, left: float, top: float, scale: float) -> Box:
    return Box(*((side - shift) * scale for side, shift in zip(box, (left, top, left, top), strict=True)))


# --- beside the prompt ---


def thing_of(caption: str, asked: Asked) -> int | None:
    """Which asked thing a caption names: by its noun, and by its other words where several have that noun."""
    words = {singular(word.lower()) for word in _words(caption)}
    scores = {
        number: len(words & {word.lower() for word in thing.modifiers})
        for number, thing in enumerate(asked.things)
        if singular(thing.noun.lower()).rpartition(" ")[2] in words
    }
    return max(scores, key=lambda number: scores[number]) if scores else None


def _words(text: str) -> list[str]:
    return [word.strip(".,;:!?()'\"") for word in text.replace("-", " ").split()]


def _without_denied(placed: list[Placed], asked: Asked, notes: list[str]) -> list[Placed]:
    denied = {singular(_words(phrase)[-1].lower()) for phrase in asked.negative.split(", ") if _words(phrase)}
    kept = []
    for one in placed:
        heads = {singular(word.lower()) for word in _words(one.caption)}
        if denied & heads and thing_of(one.caption, asked) is None:
            notes.append(f"Line {one.line}: {one.caption!r} was left out, for the prompt says it is not there.")
        else:
            kept.append(one)
    return kept


def _counts(placed: Sequence[Placed], asked: Asked) -> Iterator[str]:
    found = [thing_of(one.caption, asked) for one in placed]
    for number, thing in enumerate(asked.things):
        if found.count(number) != thing.count:
            yield f"The prompt asks for {thing.count} of {thing.caption!r}, the layout has {found.count(number)}."
    strangers = [one.caption for one, thing in zip(placed, found, strict=True) if thing is None]
    if strangers:
        yield f"Not in the prompt: {', '.join(dict.fromkeys(strangers))}."


def _told(placed: Sequence[Placed]) -> Iterator[str]:
    tiny = [one.caption for one in placed if min(one.box.width, one.box.height) < TINY]
    if tiny:
        yield f"Very small boxes, which guidance can hardly hit: {', '.join(dict.fromkeys(tiny))}."
    covering = [
        f"{a.caption} and {b.caption}" for a, b in combinations(placed, 2)
        if a.box.iou(b.box) > COVERS
    ]  # fmt: skip
    if covering:
        more = f" and {len(covering) - 4} more pairs" if len(covering) > 4 else ""
        yield f"Boxes that largely cover each other: {'; '.join(covering[:4])}{more}. One thing may swallow the other."
