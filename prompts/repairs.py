"""What a parser cannot mean. "a" does not stand before a plural: "a hand reaches for …" has a verb, and so has "a robot
watering daisies"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import lexicon
from .lexicon import TWO_SIDED
from .open_lexicon import FUNCTION_WORDS, can_be_noun, classes, is_usually_verb

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.tokens import Token as DocToken

SINGULAR = ("a", "an", "each", "every", "another")
GOES_ON = ("ADP", "DET", "PART", "ADV")
EMPTY = ("free", "empty", "devoid", "bare", "instead")
LONGEST_SUBJECT = 5
PLURAL_PARTS = frozenset(("sports", "arms", "clothes", "goods", "games", "news", "series", "species"))
"""Plurals that stand before another noun: "sports car"."""
OBJECTS = ("his", "her", "its", "their")
DENIERS = ("without", "no", "lacking", "lacks", "minus", "neither", "nor")


def mend(doc: Doc) -> None:
    verb = _verb_of_a_bare_subject(doc)
    if verb is not None and not _is_subject_of(doc[verb - 1], doc[verb]):
        _make_root(doc, verb)
    for token in doc:
        if _is_verb_after_all(doc, token):
            _make_verb(token, doc[token.i - 1])
        elif _has_an_object(doc, token):
            _make_clause(token, doc[token.i - 1])
        elif _is_said(token):
            token.pos_, token.tag_, token.dep_ = "ADJ", "JJ", "acomp"
        elif _is_denied_plural(doc, token):
            token.pos_, token.tag_, token.dep_ = "NOUN", "NNS", "dobj"


def _is_verb_after_all(doc: Doc, token: DocToken) -> bool:
    if token.pos_ != "NOUN" or token.i == 0 or token.i + 1 >= len(doc) or token.lower_ in TWO_SIDED:
        return False
    before, behind = doc[token.i - 1], doc[token.i + 1]
    if not _describes(before, token) or not {"P", "Z"} <= set(classes(token.lower_)):
        return False
    if not (_is_one(before, token) or before.lower_ in lexicon.MEDIUM | lexicon.NEVER_THINGS):
        return False
    ends = behind.text == "." and not any(other.pos_ in ("VERB", "AUX") for other in doc)
    return ends or behind.lower_ != "of" and (behind.pos_ in GOES_ON or behind.lower_ in OBJECTS)


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


def _is_said(token: DocToken) -> bool:
    """ "still" of "the lake is still": a noun would have an article."""
    doc, at = token.doc, token.i
    if token.pos_ != "NOUN" or at == 0 or at + 1 >= len(doc) or token.head != doc[at - 1]:
        return False
    alone = doc[at - 1].lower_ in lexicon.BE and doc[at + 1].is_punct and not list(token.children)
    return alone and bool({"a", "A"} & set(classes(token.lower_))) and "P" not in classes(token.lower_)


def _is_denied_plural(doc: Doc, token: DocToken) -> bool:
    """ "sails" of "a ship lacking sails"."""
    words = [before.lower_ for before in doc[max(0, token.i - 2) : token.i]]
    behind_no = words[-1:] and (words[-1] in DENIERS or words[-1] in ("of", "from") and words[0] in EMPTY)
    return bool(behind_no) and token.pos_ == "VERB" and "P" in classes(token.lower_)


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


# --- "guests throw rice", "oil stains cover the floor" ---


def _verb_of_a_bare_subject(doc: Doc) -> int | None:
    """Its place behind a plural without an article, in a text that opens with it."""
    for at in range(1, min(len(doc) - 1, LONGEST_SUBJECT)):
        before, verb = doc[at - 1], doc[at]
        if not before.is_alpha or not verb.is_alpha or before.lower_ in FUNCTION_WORDS:
            return None
        if _agrees(before, verb) and not ("P" in classes(verb.lower_) and _may_be_verb(doc[at + 1])):
            return at
    return None


def _is_subject_of(noun: DocToken, verb: DocToken) -> bool:
    return noun.pos_ in ("NOUN", "PROPN") and noun.dep_.startswith("nsubj") and noun.head == verb


def _agrees(noun: DocToken, verb: DocToken) -> bool:
    """A plural with a bare verb; what is not counted with one in -s that is seldom a noun: "frost clings"."""
    known = classes(noun.lower_)
    if "P" in known:
        return noun.lower_ not in lexicon.TWO_SIDED | PLURAL_PARTS and _may_be_verb(verb)
    return "N" in known and is_usually_verb(verb.lower_)


def _may_be_verb(token: DocToken) -> bool:
    known = classes(token.lower_)
    return bool({"v", "V"} & set(known)) and token.lower_ not in FUNCTION_WORDS and not {"P", "D", "G"} & set(known)


def _make_root(doc: Doc, at: int) -> None:
    verb, noun = doc[at], doc[at - 1]
    root = next(token for token in doc if token.head == token)
    for token in doc[at + 1 :]:
        if token == root or token.head.i <= at:
            token.head, token.dep_ = verb, _below_verb(token)
    verb.head, verb.dep_, verb.pos_, verb.tag_ = verb, "ROOT", "VERB", "VBP"
    noun.head, noun.dep_, noun.pos_, noun.tag_ = verb, "nsubj", "NOUN", "NNS" if "P" in classes(noun.lower_) else "NN"
    for token in doc[: at - 1]:
        look = token.pos_ in ("ADJ", "VERB", "NUM")
        token.head, token.dep_ = noun, "amod" if look else "compound"
        token.pos_ = "ADJ" if look else "NOUN"


def _below_verb(token: DocToken) -> str:
    if token.pos_ in ("NOUN", "PROPN"):
        return "dobj"
    return {"ADP": "prep", "PUNCT": "punct", "VERB": "conj", "AUX": "conj", "CCONJ": "cc"}.get(token.pos_, "advmod")
