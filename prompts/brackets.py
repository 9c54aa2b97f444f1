"""Weights and brackets: the text a user writes -> the plain text that its words are read from.

ComfyUI's rules: `(x)` is 1.1, `(x:1.3)` sets 1.3, nesting multiplies the plain brackets, `\\(` and `\\)` are brackets
to be drawn. A bracket that is never closed is text, as it is for ComfyUI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

EMPHASIS = 1.1
# Two characters for two, so that offsets stay true.
ESCAPES = {"\\)": "\0\1", "\\(": "\0\2"}
UNESCAPED = {"\1": ")", "\2": "("}


class Segment(NamedTuple):
    """Characters [start, stop) of one weight."""

    start: int
    stop: int
    weight: float


@dataclass(frozen=True)
class PlainText:
    """`plain[i]` was written at `source[origins[i]]`. `segments` are in offsets of `plain`."""

    source: str
    plain: str
    origins: tuple[int, ...]
    segments: tuple[Segment, ...]


def read_brackets(text: str, weights: bool = True) -> PlainText:
    """The plain text of a prompt. With `weights` off (LLM encoders) brackets are ordinary text.

    Two words that only a bracket keeps apart, as in `(red)car`, get a space between: the encoder reads them apart too.
    """
    escaped = _escape(text)
    whole = Segment(0, len(escaped), 1.0)
    plain: list[str] = []
    origins: list[int] = []
    segments: list[Segment] = []
    for source in _weighted(escaped) if weights else [whole]:
        letters = _unescape(escaped, source)
        if plain and letters and plain[-1].isalnum() and letters[0][0].isalnum():
            plain.append(" ")
            origins.append(letters[0][1])
        start = len(plain)
        plain += [letter for letter, _ in letters]
        origins += [origin for _, origin in letters]
        segments.append(Segment(start, len(plain), source.weight))
    return PlainText(text, "".join(plain), tuple(origins), tuple(segments))


def _escape(text: str) -> str:
    for written, kept in ESCAPES.items():
        text = text.replace(written, kept)
    return text


def _unescape(escaped: str, segment: Segment) -> list[tuple[str, int]]:
    """(character, offset) pairs without the escape marks."""
    pairs = [(escaped[i], i) for i in range(segment.start, segment.stop)]
    return [(UNESCAPED.get(character, character), i) for character, i in pairs if character != "\0"]


def _weighted(escaped: str) -> list[Segment]:
    """Innermost segments in order. A work list in place of recursion: depth is the user's to choose."""
    done: list[Segment] = []
    todo = [(Segment(0, len(escaped), 1.0), False)]
    while todo:
        segment, innermost = todo.pop()
        if innermost:
            done.append(segment)
            continue
        todo += reversed([_open(escaped, part) for part in _split(escaped, segment)])
    return done


def _split(escaped: str, segment: Segment) -> list[Segment]:
    """Cut at the outermost brackets. A `)` too many takes the level below zero, and what follows stays text: so does
    ComfyUI, and the positions must be those of its tokens."""
    parts: list[Segment] = []
    start, level = segment.start, 0

    def cut(stop: int) -> int:
        if stop > start:
            parts.append(Segment(start, stop, segment.weight))
        return stop

    for i in range(segment.start, segment.stop):
        if escaped[i] == "(":
            if level == 0:
                start = cut(i)
            level += 1
        elif escaped[i] == ")":
            level -= 1
            if level == 0:
                start = cut(i + 1)
    cut(segment.stop)
    return parts


def _open(escaped: str, part: Segment) -> tuple[Segment, bool]:
    """Take the brackets off, and say whether the part is innermost."""
    start, stop, weight = part
    if stop - start < 2 or escaped[start] != "(" or escaped[stop - 1] != ")":
        return part, True
    start, stop, weight = start + 1, stop - 1, weight * EMPHASIS
    colon = escaped.rfind(":", start, stop)
    if colon > start:
        try:
            weight = float(escaped[colon + 1 : stop])
            stop = colon
        except ValueError:
            pass
    return Segment(start, stop, weight), False
