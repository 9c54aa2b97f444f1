"""A spaCy pipeline of another language -> words, subjects and what describes them. One reading for all: Universal
Dependencies as most of them have, and the labels of the German treebank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .foreign_words import foreign_words
from .grammar import Reading
from .languages import Language
from .types import Subject, Word

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.tokens import Token as DocToken

PART_OF_A_NOUN = ("compound", "flat", "flat:name", "fixed", "goeswith", "pnc")
DESCRIBES = ("amod", "compound", "acl", "nk", "nmod:adj", "flat")
LOOKS = ("ADJ", "VERB")
PREDICATES = ("acomp", "pd", "xcomp")


def read_foreign(doc: Doc, language: Language) -> Reading:
    """Offsets are those of `doc.text`."""
    words = foreign_words(doc.text, language)
    reader = _Reader(doc, words)
    subjects = tuple(Subject(reader.word(noun), reader.modifiers(noun)) for noun in reader.nouns())
    return Reading(tuple(reader.all_words()), tuple(dict.fromkeys(subjects)), ())


class _Reader:
    def __init__(self, doc: Doc, words: list[Word]) -> None:
        self.doc = doc
        self.cut = words

    def word(self, token: DocToken) -> Word:
        """The word without its particles: the rules' where they cut inside the token, else the token."""
        stop = token.idx + len(token)
        inside = [word for word in self.cut if word.start == token.idx and word.stop < stop]
        return inside[0] if inside else Word(token.text, token.idx, stop)

    def all_words(self) -> Iterator[Word]:
        for token in self.doc:
            if not (token.is_punct or token.is_space):
                yield self.word(token)

    def nouns(self) -> Iterator[DocToken]:
        for token in self.doc:
            if token.pos_ in ("NOUN", "PROPN") and token.dep_ not in PART_OF_A_NOUN:
                yield token

    def modifiers(self, noun: DocToken) -> tuple[Word, ...]:
        found = [child for child in noun.children if child.dep_ in DESCRIBES and self._is_a_look(child)]
        if noun.dep_ in ("nsubj", "sb"):
            # UD makes the adjective of "the dog is red" the head, the German treebank the verb.
            found += [noun.head] if noun.head.pos_ == "ADJ" else []
            found += [child for child in noun.head.children if child.dep_ in PREDICATES and child.pos_ == "ADJ"]
        return tuple(dict.fromkeys(self.word(token) for token in sorted(found, key=lambda token: token.i)))

    @staticmethod
    def _is_a_look(child: DocToken) -> bool:
        if child.dep_ == "compound":
            return child.pos_ in ("NOUN", "PROPN", "ADJ")
        return child.pos_ in LOOKS if child.dep_ != "acl" else child.pos_ == "ADJ"
