"""What a parser cannot mean: "a" does not stand before a plural, so "a hand reaches for …" has a verb."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lexicon import TWO_SIDED
from .open_lexicon import classes

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.tokens import Token as DocToken

SINGULAR = ("a", "an", "each", "every", "another")
GOES_ON = ("ADP", "DET", "PART", "ADV")
OBJECTS = ("his", "her", "its", "their")


def mend(doc: Doc) -> None:
    for token in doc:
        if _is_verb_after_all(doc, token):
            _make_verb(token, doc[token.i - 1])


def _is_verb_after_all(doc: Doc, token: DocToken) -> bool:
    if token.pos_ != "NOUN" or token.i == 0 or token.i + 1 >= len(doc) or token.lower_ in TWO_SIDED:
        return False
    before, behind = doc[token.i - 1], doc[token.i + 1]
    if before.head != token or before.dep_ != "compound" or not {"P", "Z"} <= set(classes(token.lower_)):
        return False
    if not any(child.lower_ in SINGULAR for child in token.children):
        return False
    return behind.lower_ != "of" and (behind.pos_ in GOES_ON or behind.lower_ in OBJECTS)


def _make_verb(verb: DocToken, noun: DocToken) -> None:
    for child in list(verb.lefts):
        if child.i < noun.i:
            child.head = noun
    noun.pos_, noun.tag_, noun.dep_ = "NOUN", "NN", "nsubj"
    verb.pos_, verb.tag_ = "VERB", "VBZ"
