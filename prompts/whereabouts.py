"""Where things are: to each other ("a cat behind a dog") and in the picture ("on the left there is a lamp").

Found by their words, tied by the parse: which noun a phrase hangs on is the parser's say, what stands behind it is the
next noun phrase. A phrase that opens a sentence is about what follows: "on the table lies a book".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from . import lexicon

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.tokens import Token as DocToken

PICTURE = "image|picture|photo|photograph|frame|scene|painting|drawing|illustration|shot|composition|canvas|view"
CORNERS = r"(?:top|upper|bottom|lower)[ -](?:left|right)"
SIDES = "left|right|top|bottom|center|centre|middle|foreground|background|distance|front"
PLACE = re.compile(
    rf"\b(?:in|on|at|to|towards?) the (?:far |very |immediate )?(?P<where>{CORNERS}|{SIDES})(?:[ -]hand)?"
    rf"(?: (?:side|corner|part|half|third|edge))?(?: of the (?:{PICTURE}))?\b(?! of\b)(?!['’-])"
)
SAID = {
    "upper left": "top left", "upper right": "top right", "lower left": "bottom left", "lower right": "bottom right",
    "centre": "center", "middle": "center", "distance": "background", "front": "foreground",
}  # fmt: skip
OPENERS = ("and", "while", "but", ",", ";", ":")
ANTECEDENT = ("it", "him", "her", "them")


class Phrase(NamedTuple):
    """Tokens first…last say `kind`: "left of", or for places "left"."""

    kind: str
    first: int
    last: int


class Whereabouts:
    def __init__(self, doc: Doc, nouns: Sequence[DocToken]) -> None:
        self.doc = doc
        self.nouns = list(nouns)
        self.starts = doc.user_data.get("starts", [0])
        self.in_picture = list(self._place_phrases())

    # --- to each other ---

    def relations(self) -> Iterator[tuple[str, DocToken, DocToken]]:
        for phrase in self._relation_phrases():
            right = self._object(phrase)
            lefts = [] if right is None else self._subjects(phrase, right)
            yield from ((phrase.kind, left, right) for left in lefts if right is not None and left != right)

    def _relation_phrases(self) -> Iterator[Phrase]:
        """Longest at each place, left to right."""
        taken = {i for phrase in self.in_picture for i in range(phrase.first, phrase.last + 1)}
        at = 0
        while at < len(self.doc):
            fits = [(stop, kind) for kind, pattern in lexicon.RELATIONS if (stop := self._fit(pattern, at)) is not None]
            if fits and at not in taken:
                stop, kind = max(fits, key=lambda fit: fit[0])
                yield Phrase(kind, at, stop)
                at = stop
            at += 1

    def _fit(self, pattern: str, at: int) -> int | None:
        lowers = [token.lower_ for token in self.doc[at : at + 6]]
        for length in range(len(lowers), 0, -1):
            if re.fullmatch(pattern, " ".join(lowers[:length])):
                return at + length - 1
        return None

    def _object(self, phrase: Phrase) -> DocToken | None:
        """The noun whose phrase begins right behind the relation, or what a pronoun there stands for."""
        for token in self.doc[phrase.last + 1 :]:
            if token in self.nouns:
                return token
            if token.lower_ in ANTECEDENT and token.pos_ == "PRON" and token.i == phrase.last + 1:
                return self._antecedent(token) if token.dep_ != "poss" else None
            verb = token.pos_ in ("VERB", "AUX", "ADP", "SCONJ", "CCONJ") and token.tag_ not in ("VBN", "VBG")
            if verb or token.text in ".;":
                return None
        return None

    def _antecedent(self, pronoun: DocToken) -> DocToken | None:
        """What this sentence, or else the one before, is about."""
        for number in (self._sentence(pronoun.i), self._sentence(pronoun.i) - 1):
            before = [noun for noun in self.nouns if noun.i < pronoun.i and self._sentence(noun.i) == number]
            heads = [noun for noun in before if noun.dep_.startswith("nsubj") or noun.dep_ == "ROOT"]
            if before:
                return (heads or before)[0]
        return None

    def _subjects(self, phrase: Phrase, right: DocToken) -> list[DocToken]:
        if self._opens(phrase):
            return self._following(phrase, right)
        governor = self._governor(phrase)
        return [governor] if governor is not None else []

    def _opens(self, phrase: Phrase) -> bool:
        return phrase.first == 0 or phrase.first in self.starts

    def _following(self, phrase: Phrase, right: DocToken) -> list[DocToken]:
        """The first noun behind the phrase that does not belong to it, and those listed with it."""
        inner = {token.i for token in right.subtree} if right.i > phrase.last else set()
        return _listed([noun for noun in self._rest(phrase) if noun != right and noun.i not in inner])

    def _rest(self, phrase: Phrase) -> list[DocToken]:
        """Nouns of the sentence behind the phrase."""
        number = self._sentence(phrase.first)
        return [noun for noun in self.nouns if noun.i > phrase.last and self._sentence(noun.i) == number]

    def _governor(self, phrase: Phrase, since: int = -1) -> DocToken | None:
        """Up from the phrase to the first noun behind `since`; over a verb to the noun it is said of."""
        number = self._sentence(phrase.first)
        before = [noun for noun in self.nouns if since < noun.i < phrase.first and self._sentence(noun.i) == number]
        token, seen = self.doc[phrase.first], set()
        while token.head.i != token.i and token.i not in seen:
            seen.add(token.i)
            token = token.head
            if token in before:
                return token
            for child in token.children:
                if child.dep_.startswith("nsubj") and child in before:
                    return child
        return before[-1] if before else None

    def _sentence(self, at: int) -> int:
        return bisect_right(self.starts, at)

    # --- in the picture ---

    def places(self) -> Iterator[tuple[str, DocToken]]:
        """(where, noun), for each noun of a list: "on the left are a lamp and a chair"."""
        since = -1
        for phrase in self.in_picture:
            following = self._before_the_next(phrase)
            leads = self._opens(phrase) or self.doc[phrase.first - 1].lower_ in OPENERS
            if following and leads:
                yield from ((phrase.kind, noun) for noun in _listed(following))
            else:
                yield from ((phrase.kind, noun) for noun in self._led(phrase, since))
            since = phrase.last

    def _led(self, phrase: Phrase, since: int) -> list[DocToken]:
        """ "a dog on the left", "a cat and a dog on the left"."""
        governor = self._governor(phrase, since)
        if governor is None:
            governor = self._governor(phrase)
        last = self.doc[phrase.first - 1]
        joined = last in self.nouns and last.dep_ == "conj" and last.head == governor
        return [noun for noun in (governor, last if joined else None) if noun is not None]

    def _before_the_next(self, phrase: Phrase) -> list[DocToken]:
        end = min((other.first for other in self.in_picture if other.first > phrase.first), default=len(self.doc))
        return [noun for noun in self._rest(phrase) if noun.i < end]

    def _place_phrases(self) -> Iterator[Phrase]:
        starts = {token.idx: token.i for token in self.doc}
        ends = {token.idx + len(token): token.i for token in self.doc}
        for match in PLACE.finditer(self.doc.text.lower()):
            said = match["where"].replace("-", " ")
            if match.start() in starts and match.end() in ends:
                yield Phrase(SAID.get(said, said), starts[match.start()], ends[match.end()])


def _listed(nouns: Sequence[DocToken]) -> list[DocToken]:
    """The first and those joined to it."""
    found = list(nouns[:1])
    for noun in nouns[1:]:
        if noun.dep_ != "conj" or noun.head not in found:
            break
        found.append(noun)
    return found
