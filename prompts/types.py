"""What is known of a text: frozen values that the parser fills and everything else reads. Imports nothing of ours.

Words: a `span` is a place in the prompt.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple

TokenKind = Literal["word", "start", "end", "pad", "embedding", "template"]


class Token(NamedTuple):
    """One position of the encoder's output sequence, start mark, chunk borders and padding included."""

    position: int
    text: str
    """The piece as the tokenizer spells it, without its word-end mark; '' for padding."""
    kind: TokenKind
    weight: float = 1.0


@dataclass(frozen=True)
class TokenSpan:
    """Half-open run [start, stop) of positions in the encoder's output sequence (0 is the start mark of CLIP)."""

    text: str
    start: int
    stop: int

    @property
    def positions(self) -> range:
        return range(self.start, self.stop)


@dataclass(frozen=True)
class Word:
    """One word (or compound such as "dark blue" when the parser keeps it whole) and where the encoder put it.

    `spans` holds several spans when a word is cut by a chunk border (its pieces lie left and right of end and start
    marks), or when two encoders are laid one after the other (SD3). `start` and `stop` are character offsets in
    `ParsedPrompt.plain`.
    """

    text: str
    start: int
    stop: int
    spans: tuple[TokenSpan, ...] = ()

    @property
    def positions(self) -> tuple[int, ...]:
        return tuple(position for span in self.spans for position in span.positions)


@dataclass(frozen=True)
class Subject:
    """A noun with the words that describe it. `count` is what the prompt asks for: 1 for "a cat", 2 for "two cats",
    None when it does not say ("cats")."""

    noun: Word
    modifiers: tuple[Word, ...] = ()
    count: int | None = None

    @property
    def text(self) -> str:
        return " ".join([*(word.text for word in self.modifiers), self.noun.text])


class LeftOut(NamedTuple):
    """A word or tag that names no thing to strengthen, and why, as the report says it: "camera"."""

    text: str
    reason: str


class Relation(NamedTuple):
    """`subjects[subject]` is `kind` ("left of", "on top of", …) `subjects[object]`."""

    kind: str
    subject: int
    object: int


class Place(NamedTuple):
    """`subjects[subject]` is at `where` of the picture, whatever else stands there: "on the left there is a lamp".

    `where` is "left", "right", "top", "bottom", "center", a corner as in "top left", "foreground" or "background".
    """

    subject: int
    where: str


@dataclass(frozen=True)
class ParsedPrompt:
    """What the parser understood, in positions of one encoder's output.

    Made by the node that also makes the CONDITIONING; both carry `fingerprint`, so guidance can refuse a
    conditioning of another text.
    """

    text: str
    """As the user wrote it, weights and brackets included."""
    plain: str
    """Without weight marks and escapes: what the parser and the character offsets of words refer to."""
    encoder: str
    """Which tokenizers the positions belong to: "l" (SD1), "h" (SD2), "l+g" (SDXL), "shapes", "t5xxl", …"""
    length: int
    """Length of the conditioning sequence."""
    tokens: tuple[Token, ...]
    words: tuple[Word, ...]
    subjects: tuple[Subject, ...] = ()
    relations: tuple[Relation, ...] = ()
    parser: str = ""
    """Which pipeline did it, e.g. "en_core_web_sm 3.8.0" or "bundled 1.0"."""
    notes: tuple[str, ...] = ()
    """Sentences for the user: what was left out or assumed."""
    excluded: tuple[Subject, ...] = ()
    """What the prompt denies: "without a hat". No guidance strengthens it."""
    left_out: tuple[LeftOut, ...] = ()
    places: tuple[Place, ...] = ()
    """Where in the picture the prompt puts things. "left of a dog" is no place but a relation."""

    unsure: tuple[str, ...] = ()
    """Words whose part of speech the parser is not sure of: a wrong subject is likeliest there."""

    @property
    def fingerprint(self) -> str:
        """Same text through the same encoder at the same length: same fingerprint. Subjects do not count, so that
        picking subjects by hand still fits the conditioning."""
        return hashlib.sha256(f"{self.encoder}\0{self.length}\0{self.text}".encode()).hexdigest()[:16]

    @property
    def word_positions(self) -> tuple[int, ...]:
        """Positions of real text: neither start, end, padding nor template."""
        return tuple(token.position for token in self.tokens if token.kind in ("word", "embedding"))


class WordPair(NamedTuple):
    """What became of one word: kept, swapped for another, removed (no `edited`) or added (no `source`)."""

    source: Word | None
    edited: Word | None
    kind: Literal["kept", "swapped", "removed", "added"]


@dataclass(frozen=True)
class Alignment:
    """A source prompt and an edited one, word by word in reading order. Signs that are no words have a pair too."""

    source: ParsedPrompt
    edited: ParsedPrompt
    pairs: tuple[WordPair, ...]

    @property
    def changes(self) -> tuple[WordPair, ...]:
        return tuple(pair for pair in self.pairs if pair.kind != "kept")
