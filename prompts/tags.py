"""One tag -> its grammar, whatever the parser thought: "long silver hair" is hair, "holding book" a verb and a book.

A parser trained on sentences has too little to go by in two words; which word is the noun is known beforehand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lexicon import words
from .open_lexicon import FUNCTION_WORDS, can_be_noun, classes

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.tokens import Token as DocToken

DOING = words(
    """
    holding wearing carrying eating drinking riding reading playing using hugging kissing touching grabbing
    pulling pushing throwing lifting facing watching writing painting drawing cooking feeding petting chasing
    fighting casting wielding swinging adjusting showing removing
    """
)
WHERE = words("outside inside above below behind everywhere nearby overhead around")
LOOKS = ("y", "ful", "less", "ous", "ish", "ic", "al", "able", "ive", "ed")
SURE_LOOKS = ("less", "ful", "ous", "able")
"""Of words that no lexicon has."""
THINGS_LIKE_LOOKS = words("husky jerky pasty drawing")
HYPHENS = ("-", "‑")
LONGEST = 6


def settle(doc: Doc) -> None:
    """Sets tags, heads and dependencies of a tag without small words in it."""
    words: list[DocToken] = [token for token in doc if not (token.is_punct or token.is_space)]
    if not words or len(words) > LONGEST or any(token.lower_ in FUNCTION_WORDS for token in words[:-1]):
        return
    inside = doc[words[0].i : words[-1].i + 1]
    if any(token.is_punct and token.text not in HYPHENS for token in inside):
        return
    doing = words[0].lower_ in DOING and len(words) > 1
    things = words[1:] if doing else words
    if len(things) > 1 and things[-1].lower_ in WHERE:
        _set(things[-1], "ADV", "dep", things[-2])
        things = things[:-1]
    if len(things) == 2 and _does_something(*things):
        _set(things[1], "VERB", "acl", things[0])
        things = things[:1]
    last = things[-1]
    if not _is_thing(last) or len(words) == 1 and _is_a_look(last.lower_):
        if len(things) == 1 and not doing:
            _set(last, "ADJ", "ROOT", last)
        return
    root = words[0] if doing else last
    _set(last, "NOUN", "dobj" if doing else "ROOT", root)
    if doing:
        _set(root, "VERB", "ROOT", root)
    for token in things[:-1]:
        number = token.lower_.isdigit()
        _set(token, "NUM" if number else "ADJ", "nummod" if number else "amod", last)
    for mark in doc:
        if mark.is_punct or mark.is_space:
            mark.head = root


def _is_thing(token: DocToken) -> bool:
    word = token.lower_
    if any(character.isdigit() for character in word):
        return any(character.isalpha() for character in word)
    known = classes(word)
    if "G" in known and "p" not in known and "N" not in known:
        return False
    if "A" in known and "p" not in known and "N" not in known:
        return False
    return can_be_noun(word)


def _does_something(noun: DocToken, verb: DocToken) -> bool:
    """ "girl studying"; "cat painting" and "oak flooring" are things."""
    known = classes(verb.lower_)
    return verb.lower_.endswith("ing") and "G" in known and "p" not in known and "p" in classes(noun.lower_)


def _is_a_look(word: str) -> bool:
    """ "cozy", "shirtless", "kneeling" as tags of their own; "railing" and "husky" are things."""
    known = classes(word)
    if word in THINGS_LIKE_LOOKS:
        return False
    if word.endswith("ing") and "G" in known:
        return "p" not in known
    return word.endswith(LOOKS if "A" in known else () if known else SURE_LOOKS)


def _set(token: DocToken, pos: str, dep: str, head: DocToken) -> None:
    token.pos_, token.dep_, token.head = pos, dep, head
    noun = "NNS" if "P" in classes(token.lower_) else "NN"
    token.tag_ = {"NOUN": noun, "ADJ": "JJ", "VERB": "VBG", "NUM": "CD", "ADV": "RB"}[pos]
