"""What a parser cannot mean. "a" does not stand before a plural: "a hand reaches for …" has a verb, and so has "a robot
watering daisies"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lexicon import TWO_SIDED
from .open_lexicon import can_be_noun, classes

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
        elif _has_an_object(doc, token):
            _make_clause(token, doc[token.i - 1])


def _is_verb_after_all(doc: Doc, token: DocToken) -> bool:
    if token.pos_ != "NOUN" or token.i == 0 or token.i + 1 >= len(doc) or token.lower_ in TWO_SIDED:
        return False
    before, behind = doc[token.i - 1], doc[token.i + 1]
    if not _describes(before, token) or not {"P", "Z"} <= set(classes(token.lower_)):
        return False
    if not _is_one(before, token):
        return False
    return behind.lower_ != "of" and (behind.pos_ in GOES_ON or behind.lower_ in OBJECTS)


def _describes(before: DocToken, token: DocToken) -> bool:
    """As a noun before a noun, or a word that may be one."""
    may_be = before.dep_ == "compound" or before.dep_ == "amod" and "N" in classes(before.lower_)
    return before.head == token and may_be


def _is_one(*tokens: DocToken) -> bool:
    return any(child.lower_ in SINGULAR for token in tokens for child in token.children)


def _make_verb(verb: DocToken, noun: DocToken) -> None:
    _take_over(verb, noun)
    noun.pos_, noun.tag_, noun.dep_ = "NOUN", "NN", "nsubj"
    verb.pos_, verb.tag_ = "VERB", "VBZ"


def _take_over(verb: DocToken, noun: DocToken) -> None:
    """What stands before the noun is the noun's."""
    for child in list(verb.lefts):
        if child.i < noun.i and child.dep_ in ("det", "amod", "compound", "nummod", "poss"):
            child.head = noun


def _has_an_object(doc: Doc, token: DocToken) -> bool:
    """ "watering" of "a robot watering wilted daisies"."""
    if token.i == 0 or token.dep_ != "amod" or "G" not in classes(token.lower_) or not token.lower_.endswith("ing"):
        return False
    before, plural = doc[token.i - 1], token.head
    if plural.i < token.i or before.head != plural or before.dep_ != "compound" or not can_be_noun(before.lower_):
        return False
    return "P" in classes(plural.lower_) and plural.lower_ not in TWO_SIDED and _is_one(before, plural)


def _make_clause(verb: DocToken, noun: DocToken) -> None:
    thing = verb.head
    noun.head, noun.dep_ = (noun if thing.head == thing else thing.head), thing.dep_
    _take_over(thing, noun)
    thing.head, thing.dep_ = verb, "dobj"
    verb.head, verb.dep_, verb.tag_ = noun, "acl", "VBG"
