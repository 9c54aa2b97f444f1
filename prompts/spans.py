"""Words -> positions, by walking the encoder's own tokens beside the text.

Every piece must be met in order at the place the walk has reached; nothing is looked up by substring, so "cat" is never
found in "category" and a noun that comes twice keeps its two places.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from .types import Token, TokenSpan, Word

EMBEDDING = re.compile(r"(?<!\S)embedding:[^\s<\[]+")
UNKNOWN = ("<unk>", "[UNK]")
LOOK_AHEAD = 64
"""Units searched for the next piece when the text and the tokens disagree."""


class Unit(NamedTuple):
    """One byte of the normalised text, spelled as byte-level tokenizers do, and the character it comes from."""

    letter: str
    offset: int


@dataclass
class Walk:
    """Which character each position belongs to, and what did not fit."""

    characters: dict[int, set[int]] = field(default_factory=dict)
    """Position in the encoder's output -> offsets in the plain text."""
    lost_units: int = 0
    lost_pieces: int = 0

    @property
    def lost(self) -> int:
        return self.lost_units + self.lost_pieces


@lru_cache(maxsize=1)
def byte_letters() -> tuple[str, ...]:
    """GPT-2's printable letter for each byte: printable Latin-1 stands for itself, the rest follows from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(rest)}
    return tuple(letters[byte] for byte in range(256))


def spell(text: str) -> str:
    """UTF-8 bytes of `text` in byte letters."""
    letters = byte_letters()
    return "".join(letters[byte] for byte in text.encode("utf-8", "surrogatepass"))


def readable(piece: str) -> str:
    """A piece in byte letters as text; as it is when its bytes are no whole characters (a part of an emoji)."""
    values = {letter: byte for byte, letter in enumerate(byte_letters())}
    try:
        return bytes(values[letter] for letter in piece).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return piece


def embeddings(plain: str) -> list[tuple[int, int]]:
    """[start, stop) of every `embedding:name`; a comma after the name is not part of it."""
    return [(m.start(), m.start() + len(m.group().rstrip(",.;:"))) for m in EMBEDDING.finditer(plain)]


FORMS: tuple[Callable[[str], str], ...] = (
    lambda text: unicodedata.normalize("NFC", text).lower(),  # CLIP
    lambda text: unicodedata.normalize("NFC", text),  # Qwen, Llama
    lambda text: unicodedata.normalize("NFKC", text),  # T5
    lambda text: unicodedata.normalize("NFKC", text).lower(),
)


def walk(plain: str, tokens: Sequence[Token]) -> Walk:
    """Each encoder's tokens beside the text; encoders laid one behind the other (SD3) are walked one by one."""
    whole = Walk()
    for stream in _streams(tokens):
        best = _best_walk(plain, stream)
        whole.characters |= best.characters
        whole.lost_units += best.lost_units
        whole.lost_pieces += best.lost_pieces
    return whole


def _streams(tokens: Sequence[Token]) -> list[list[Token]]:
    """Text right behind an end mark or padding, with no start mark, is another encoder's: T5 has none, CLIP's chunks
    do."""
    streams: list[list[Token]] = [[]]
    previous = "start"
    for token in tokens:
        if token.kind in ("word", "embedding"):
            if previous in ("end", "pad") and any(kept.kind == "start" for kept in streams[-1]):
                streams.append([])
            streams[-1].append(token)
        elif token.kind == "start":
            streams[-1].append(token)
        previous = token.kind
    return streams


def _best_walk(plain: str, tokens: Sequence[Token]) -> Walk:
    """Over the ways in which tokenizers normalise text; the first that fits everywhere ends the search."""
    best: Walk | None = None
    for form in FORMS:
        found = _Walker(plain, form).run(tokens)
        if best is None or found.lost < best.lost:
            best = found
        if best.lost == 0:
            break
    assert best is not None
    return best


def spans_of(start: int, stop: int, walked: Walk, tokens: Sequence[Token]) -> tuple[TokenSpan, ...]:
    """Runs of positions whose tokens spell characters [start, stop)."""
    return _spans(start, stop, _positions(walked), {token.position: token.text for token in tokens})


def with_spans(words: Sequence[Word], walked: Walk, tokens: Sequence[Token]) -> tuple[Word, ...]:
    positions, texts = _positions(walked), {token.position: token.text for token in tokens}
    return tuple(
        Word(word.text, word.start, word.stop, _spans(word.start, word.stop, positions, texts)) for word in words
    )


def _positions(walked: Walk) -> dict[int, list[int]]:
    """Offset in the text -> positions that spell it."""
    found: dict[int, list[int]] = {}
    for position, offsets in walked.characters.items():
        for offset in offsets:
            found.setdefault(offset, []).append(position)
    return found


def _spans(start: int, stop: int, at: dict[int, list[int]], texts: dict[int, str]) -> tuple[TokenSpan, ...]:
    runs: list[list[int]] = []
    for position in sorted({position for offset in range(start, stop) for position in at.get(offset, ())}):
        if runs and runs[-1][-1] == position - 1:
            runs[-1].append(position)
        else:
            runs.append([position])
    return tuple(TokenSpan("".join(texts[p] for p in run), run[0], run[-1] + 1) for run in runs)


def _clusters(text: str) -> list[tuple[int, str]]:
    """(offset, base letter with the combining marks that follow it): normalising must not cross these."""
    found: list[tuple[int, str]] = []
    for offset, character in enumerate(text):
        if found and unicodedata.combining(character):
            found[-1] = (found[-1][0], found[-1][1] + character)
        else:
            found.append((offset, character))
    return found


class _Walker:
    """One walk. `cursor` is the unit reached."""

    def __init__(self, plain: str, form: Callable[[str], str]) -> None:
        self.form = form
        self.named = {start: (stop, plain[start:stop]) for start, stop in embeddings(plain)}
        self.units = [
            Unit(letter, offset)
            for offset, cluster in _clusters(plain)
            for letter in spell("".join(form(cluster).split()))
        ]
        self.text = "".join(unit.letter for unit in self.units)
        self.walk = Walk()
        self.cursor = 0
        self.spelled_out = False
        self.unknown: list[int] = []
        self.vectors: tuple[int, int] | None = None
        """Characters of the embedding whose vectors are being read."""

    def run(self, tokens: Sequence[Token]) -> Walk:
        self.spelled_out = "embedding:" in "".join(token.text for token in tokens if token.kind == "word").lower()
        for token in tokens:
            if token.kind == "embedding":
                self._vector(token)
            elif token.kind == "word":
                self._word(token)
        self._finish()
        return self.walk

    def _word(self, token: Token) -> None:
        self.vectors = None
        if token.text in UNKNOWN:
            self.unknown.append(token.position)
            return
        pieces = [piece for piece in (spell("".join(self.form(token.text).split())), token.text) if piece]
        if not pieces:
            return
        self._skip_missing_embeddings()
        found = next((piece for piece in pieces if self.text.startswith(piece, self.cursor)), None)
        if found is None:
            found = next((piece for piece in pieces if self._ahead(piece) >= 0), None)
        if found is None:
            self.walk.lost_pieces += not self.unknown
            return
        self._skip_to(self._ahead(found))
        self._take(token.position, len(found))

    def _vector(self, token: Token) -> None:
        if token.text or self.vectors is None:
            starts = [start for start in self.named if start >= self._offset()]
            name = next((start for start in starts if self.named[start][1] == token.text), None)
            if name is None:
                self.walk.lost_pieces += 1
                return
            self.vectors = (name, self.named[name][0])
            self._skip_to(self._unit_at(name))
            self._pass(self.vectors[1])
        self.walk.characters[token.position] = set(range(*self.vectors))

    def _skip_missing_embeddings(self) -> None:
        # A file that is not there is left out by ComfyUI with a log line: its name has no tokens. Without an embedding
        # folder the name is spelled out like any word.
        while not self.spelled_out and (named := self.named.get(self._offset())):
            self._pass(named[0])

    def _pass(self, stop: int) -> None:
        while self.cursor < len(self.units) and self.units[self.cursor].offset < stop:
            self.cursor += 1

    def _offset(self) -> int:
        return self.units[self.cursor].offset if self.cursor < len(self.units) else -1

    def _unit_at(self, offset: int) -> int:
        return next(i for i, unit in enumerate(self.units) if unit.offset >= offset)

    def _ahead(self, piece: str) -> int:
        return self.text.find(piece, self.cursor, self.cursor + LOOK_AHEAD + len(piece))

    def _skip_to(self, unit: int) -> None:
        """Units between belong to unknown tokens if there were any, else they are lost."""
        skipped = {self.units[i].offset for i in range(self.cursor, unit)}
        for position in self.unknown:
            self.walk.characters[position] = skipped
        if not self.unknown:
            self.walk.lost_units += unit - self.cursor
        self.unknown = []
        self.cursor = unit

    def _take(self, position: int, count: int) -> None:
        self.walk.characters[position] = {unit.offset for unit in self.units[self.cursor : self.cursor + count]}
        self.cursor += count

    def _finish(self) -> None:
        if not self.unknown:
            self._skip_missing_embeddings()
        self._skip_to(len(self.units))
