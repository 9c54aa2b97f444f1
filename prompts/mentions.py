"""Later mentions of the same thing in a caption: "A black cat … The cat is fluffy", "A robot … It is small".

Only where it is plain: "the" and the same noun in the same number, with no adjective of its own that the first lacks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .lexicon import words

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.tokens import Token as DocToken

PRONOUNS = words("it he she they")


class Mentions:
    def __init__(self, doc: Doc, nouns: Sequence[DocToken]) -> None:
        self.starts = doc.user_data.get("starts", [0])
        self.tags = doc.user_data.get("tags", set())
        self.first: dict[int, DocToken] = {}
        """Place of each noun -> the noun that named the thing first."""
        for i, noun in enumerate(nouns):
            self.first[noun.i] = self._earlier(noun, nouns[:i])
        self.pronouns = self._pronouns(doc, nouns) if len(self.starts) > 1 else {}
        """Place of a pronoun -> the noun it stands for."""

    def piece(self, token: DocToken) -> int:
        return bisect_right(self.starts, token.i)

    def _earlier(self, noun: DocToken, before: Sequence[DocToken]) -> DocToken:
        if noun.i in self.tags or not _is_definite(noun):
            return noun
        own = {child.lower_ for child in noun.children if child.dep_ in ("amod", "compound", "nummod")}
        for other in reversed(before):
            theirs = {child.lower_ for child in other.children}
            if self.piece(other) < self.piece(noun) and _same(other, noun) and own <= theirs:
                return self.first[other.i]
        return noun

    def _pronouns(self, doc: Doc, nouns: Sequence[DocToken]) -> dict[int, DocToken]:
        found = {}
        for token in doc:
            if token.lower_ in PRONOUNS and token.dep_.startswith("nsubj"):
                before = [noun for noun in nouns if self.piece(noun) == self.piece(token) - 1]
                heads = [noun for noun in before if noun.dep_.startswith("nsubj") or noun.dep_ == "ROOT"]
                if before:
                    found[token.i] = self.first[(heads or before)[0].i]
        return found


def _is_definite(noun: DocToken) -> bool:
    return any(child.lower_ in ("the", "this", "these", "both") for child in noun.children)


def _same(left: DocToken, right: DocToken) -> bool:
    return left.lower_ == right.lower_
