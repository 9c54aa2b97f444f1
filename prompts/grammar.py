"""Dependency parse -> words, subjects, counts, relations.

The conventions are those of SynGen (Rassin et al. 2023): a subject is a noun with everything that hangs on it as amod,
nmod, compound, npadvmod, advmod or acomp, conjunctions below a modifier followed. What differs, on purpose: every noun
of the sentence is read (the authors' code stops at the first with a relative clause), the noun stays the noun after
copulas ("the dog is red"), words that describe the picture and not a thing in it are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import lexicon
from .mentions import Mentions
from .things import MODIFIERS, Things, is_noun
from .types import LeftOut, Place, Relation, Subject, Word
from .whereabouts import Whereabouts

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.tokens import Token as DocToken

COUNTED = re.compile(r"(\d+)(?:girl|boy|other|man|woman|men|women|cat|dog)s?$")
"""Image boards write "2girls"."""


@dataclass(frozen=True)
class Reading:
    """What the grammar found, without positions in any encoder."""

    words: tuple[Word, ...]
    subjects: tuple[Subject, ...]
    relations: tuple[Relation, ...]
    excluded: tuple[Subject, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    places: tuple[Place, ...] = ()


def read(doc: Doc) -> Reading:
    """Words, subjects and relations of a parsed text. Offsets are those of `doc.text`."""
    grammar = _Grammar(doc)
    nouns = [noun for noun in doc if grammar.is_subject(noun)]
    mentions = Mentions(doc, nouns)
    named = [noun for noun in nouns if mentions.first[noun.i] == noun]
    subjects = tuple(
        Subject(grammar.word(noun), grammar.all_modifiers(noun, mentions), grammar.count(noun)) for noun in named
    )
    numbers = {noun.i: named.index(mentions.first[noun.i]) for noun in nouns}
    where = Whereabouts(doc, nouns)
    found = (Relation(kind, numbers[left.i], numbers[right.i]) for kind, left, right in where.relations())
    relations = tuple(relation for relation in dict.fromkeys(found) if relation.subject != relation.object)
    places = tuple(dict.fromkeys(Place(numbers[noun.i], said) for said, noun in where.places()))
    return Reading(tuple(grammar.words), subjects, relations, grammar.excluded(), tuple(grammar.left_out()), places)


class _Grammar(Things):
    # --- modifiers ---

    def all_modifiers(self, noun: DocToken, mentions: Mentions) -> tuple[Word, ...]:
        """Of every mention, and what is said of pronouns that stand for it."""
        found = dict.fromkeys(self.modifiers(noun))
        for place, first in mentions.first.items():
            if first == noun and place != noun.i:
                found |= dict.fromkeys(self.modifiers(self.doc[place]))
        for place, first in mentions.pronouns.items():
            if first == noun:
                found |= dict.fromkeys(self.modifiers(self.doc[place]))
        return tuple(sorted(found, key=lambda word: word.start))

    def modifiers(self, noun: DocToken) -> tuple[Word, ...]:
        """In the order of the sentence."""
        found = {token.i: token for token in self._modifier_tokens(noun)}
        own = self.word(noun)
        words = {self.of_token[i]: None for i in sorted(found) if i in self.of_token}
        return tuple(word for word in words if word != own)

    def _modifier_tokens(self, noun: DocToken) -> Iterator[DocToken]:
        for child in noun.children:
            if child.dep_ in ("relcl", "acl") and not self._speaks_of_another(child):
                yield from self._predicate(child)
            elif child.dep_ in MODIFIERS and self._describes(child):
                yield from self._with_descendants(child)
        if noun.dep_.startswith("nsubj"):
            yield from self._predicate(noun.head)
        elif noun.dep_ == "dobj":
            yield from self._made_so(noun.head)
        yield from self._materials(noun)

    def _made_so(self, verb: DocToken) -> Iterator[DocToken]:
        """ "red" of "paints a fence red"."""
        for child in verb.children:
            if child.dep_ == "oprd" and self._describes(child):
                yield from self._with_descendants(child)

    def _with_descendants(self, modifier: DocToken) -> Iterator[DocToken]:
        yield modifier
        for child in modifier.children:
            if child.dep_ == "nummod" and modifier.dep_ == "npadvmod":
                yield child
            if child.dep_ == "conj" and self._opens_a_phrase(child):
                continue
            if child.dep_ in MODIFIERS | {"conj"} and self._describes(child):
                yield from self._with_descendants(child)

    def _describes(self, token: DocToken) -> bool:
        if token.i in self.denied or token.is_punct or token.lower_ == "full" and self._has_of(token):
            return False
        if token.pos_ in ("VERB", "AUX") and token.dep_ == "conj" and not self._is_joined_participle(token):
            return False
        if token.lower_ in lexicon.NEVER_DESCRIBE:
            return False
        if token.lower_ in lexicon.DEGREES and token.dep_ != "acomp":
            return False
        return token.lower_ not in lexicon.NOT_LOOKS and token.lower_ not in lexicon.NUMBERS

    @staticmethod
    def _is_joined_participle(token: DocToken) -> bool:
        """ "old and weathered": behind an adjective that stands before its noun."""
        before_noun = token.head.dep_ == "amod" and token.head.head.i > token.i
        return token.tag_ == "VBN" and (before_noun or token.head.dep_ in ("acomp", "oprd"))

    def _predicate(self, verb: DocToken) -> Iterator[DocToken]:
        """ "is red and shiny", "that is red", "painted red"."""
        has_object = any(child.dep_ == "dobj" for child in verb.children)
        for child in verb.children:
            if child.dep_ == "oprd" and has_object:
                continue
            adjective = child.dep_ in ("acomp", "oprd") or child.dep_ == "attr" and child.pos_ == "ADJ"
            looks = adjective and child.pos_ in ("ADJ", "NOUN", "VERB", "PROPN") and not self._is_pose(child)
            if looks and self._describes(child):
                yield from self._with_descendants(child)
            elif child.dep_ == "conj" and child.lower_ in lexicon.BE and not self._speaks_of_another(child):
                yield from self._predicate(child)

    def _is_pose(self, participle: DocToken) -> bool:
        """ "is curled up on a rug", not "is torn"."""
        following = self._after(participle)
        return following is not None and following.lower_ in lexicon.PARTICLES

    @staticmethod
    def _speaks_of_another(verb: DocToken) -> bool:
        """ "whose windows are broken", "and the van is silver"."""
        return any(child.dep_.startswith("nsubj") and is_noun(child) for child in verb.children)

    def _materials(self, noun: DocToken) -> Iterator[DocToken]:
        if not self.says_made:
            return
        for token in noun.subtree:
            made = self._made_phrase(token) if is_noun(token) else None
            if made is not None and (made.head == noun or made.head == noun.head and noun.dep_.startswith("nsubj")):
                yield token
                yield from self._below(token)
        if noun.dep_.startswith("nsubj"):
            for token in noun.head.subtree:
                if is_noun(token) and (made := self._made_phrase(token)) is not None and made == noun.head:
                    yield token
                    yield from self._below(token)

    def _below(self, token: DocToken) -> Iterator[DocToken]:
        for child in token.children:
            if child.dep_ in MODIFIERS and self._describes(child):
                yield from self._with_descendants(child)

    # --- counts ---

    def count(self, noun: DocToken) -> int | None:
        """1 for "a cat", 2 for "two cats" and "a pair of boots", None for "cats" and "the cat"."""
        counted = COUNTED.match(noun.lower_)
        if counted:
            return int(counted[1])
        for child in noun.children:
            if child.dep_ in ("nummod", "det", "amod", "predet") and (number := _number(child)) is not None:
                return number
        return self._partitive(noun)

    def _partitive(self, noun: DocToken) -> int | None:
        part = noun.head.head
        if noun.dep_ != "pobj" or noun.head.lower_ != "of" or part.lower_ not in lexicon.QUANTITIES:
            return None
        if part.lower_ == "pair" and noun.lower_ in lexicon.TWO_SIDED:
            return 1
        return lexicon.QUANTITIES[part.lower_]


def _number(token: DocToken) -> int | None:
    if token.lower_ in lexicon.NUMBERS:
        return lexicon.NUMBERS[token.lower_]
    return int(token.text) if token.text.isascii() and token.text.isdigit() else None


def spoken(words: Iterable[Word]) -> str:
    """Words for a message."""
    return ", ".join(word.text for word in words) or "no words"
