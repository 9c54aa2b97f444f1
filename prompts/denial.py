"""What a prompt says is not there: "without a hat", "no cars", "not a cat but a dog", "isn't carrying a rifle"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.tokens import Token as DocToken

PLAIN = {"without", "no", "neither", "nor", "lacking", "lacks", "lack", "minus", "sans", "excluding"}
PAIRS = {
    ("instead", "of"), ("rather", "than"), ("devoid", "of"), ("empty", "of"), ("free", "of"), ("free", "from"),
    ("bare", "of"), ("absence", "of"), ("lack", "of"), ("none", "of"),
}  # fmt: skip
NOT = {"not", "n't", "never", "cannot"}
NO_DENIAL_BEHIND = {"longer", "one", "doubt", "matter", "only", "just", "way"}
"""no longer, no one, not only, not just."""
STOPS = {"but", "only", "just", "while", "when", "as", "except", "with", "holding", "wearing"}
OWN = {"a", "an", "the", "his", "her", "its", "their", "with", "no"}


def denied_tokens(doc: Doc) -> frozenset[int]:
    """Places in `doc` of what is denied, and of the words that deny it."""
    found: set[int] = set()
    for token in doc:
        start = _scope_start(doc, token)
        if start is not None:
            found |= {*range(token.i, start), *_scope(doc, start)}
    return frozenset(found)


def ends_part(token: DocToken) -> bool:
    return token.text in (",", ".", ";", "|", ":", "!", "?", "\n") or token.is_space and "\n" in token.text


def _lower(doc: Doc, at: int) -> str:
    return doc[at].lower_ if at < len(doc) else ""


def _scope_start(doc: Doc, token: DocToken) -> int | None:
    word, following = token.lower_, _lower(doc, token.i + 1)
    if following in NO_DENIAL_BEHIND:
        return None
    if (word, following) in PAIRS:
        return token.i + 2
    if word in PLAIN:
        return token.i + 1
    return _behind_not(doc, token.i + 1) if word in NOT else None


def _behind_not(doc: Doc, at: int) -> int | None:
    while at < len(doc) and doc[at].pos_ == "ADV" and not ends_part(doc[at]):
        at += 1
    if at >= len(doc) or ends_part(doc[at]):
        return None
    if doc[at].lower_ in ("with", "any"):
        return at + 1
    if doc[at].pos_ in ("VERB", "AUX") and doc[at].tag_ not in ("VBN",):
        behind = at + 1
        return behind if behind < len(doc) and doc[behind].pos_ not in ("ADP", "PUNCT") else None
    return None if doc[at].pos_ in ("ADP", "SCONJ", "CCONJ") or _is_said_of_what_was_named(doc, at) else at


def _is_said_of_what_was_named(doc: Doc, at: int) -> bool:
    """ "not broken", "not lit", with no noun behind that it could describe."""
    while at < len(doc) and (doc[at].pos_ in ("ADJ", "ADV") or doc[at].tag_ == "VBN"):
        at += 1
    return at >= len(doc) or doc[at].pos_ in ("ADP", "SCONJ", "CCONJ", "PUNCT", "AUX") or ends_part(doc[at])


def _scope(doc: Doc, start: int) -> list[int]:
    """To the end of the noun phrase and of those joined to it."""
    found: list[int] = []
    noun = False
    has_article = _lower(doc, start) in OWN
    for token in doc[start:]:
        if _leaves(doc, token, noun, has_article):
            break
        found.append(token.i)
        noun = noun or token.pos_ in ("NOUN", "PROPN")
        if token.lower_ in ("or", "nor"):
            noun = False
    return found


def _leaves(doc: Doc, token: DocToken, noun: bool, has_article: bool) -> bool:
    if ends_part(token) or token.lower_ in STOPS:
        return True
    following = _lower(doc, token.i + 1)
    if token.lower_ == "and":
        return has_article or following in OWN or token.i + 1 < len(doc) and doc[token.i + 1].pos_ == "VERB"
    if token.lower_ == "of":
        return False
    return noun and token.pos_ in ("ADP", "VERB", "AUX", "SCONJ", "PRON")
