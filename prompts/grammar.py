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
from .types import Relation, Subject, Word

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.tokens import Token as DocToken

MODIFIERS = {"amod", "nmod", "compound", "npadvmod", "advmod", "acomp", "oprd"}
COUNTED = re.compile(r"(\d+)(?:girl|boy|other|man|woman|men|women|cat|dog)s?$")
"""Image boards write "2girls"."""


@dataclass(frozen=True)
class Reading:
    """What the grammar found, without positions in any encoder."""

    words: tuple[Word, ...]
    subjects: tuple[Subject, ...]
    relations: tuple[Relation, ...]


def read(doc: Doc) -> Reading:
    """Words, subjects and relations of a parsed text. Offsets are those of `doc.text`."""
    grammar = _Grammar(doc)
    nouns = [noun for noun in doc if grammar.is_subject(noun)]
    subjects = tuple(Subject(grammar.word(noun), grammar.modifiers(noun), grammar.count(noun)) for noun in nouns)
    return Reading(tuple(grammar.words), subjects, tuple(grammar.relations(nouns)))


def is_noun(token: DocToken) -> bool:
    return token.pos_ in ("NOUN", "PROPN")


def lemma(token: DocToken) -> str:
    return (token.lemma_ or token.lower_).lower()


class _Grammar:
    def __init__(self, doc: Doc) -> None:
        self.doc = doc
        self.words: list[Word] = []
        self.of_token: dict[int, Word] = {}
        self._join_hyphens()

    def word(self, token: DocToken) -> Word:
        return self.of_token[token.i]

    def _join_hyphens(self) -> None:
        """spaCy cuts "blue-eyed" into three; it is one word here."""
        run: list[DocToken] = []
        for token in self.doc:
            if run and not self._glued(run[-1], token):
                self._add(run)
                run = []
            run.append(token)
        self._add(run)

    @staticmethod
    def _glued(left: DocToken, right: DocToken) -> bool:
        if left.whitespace_ or right.is_space:
            return False
        return left.text in ("-", "‑") or right.text in ("-", "‑")

    def _add(self, run: list[DocToken]) -> None:
        spoken = [token for token in run if not (token.is_punct or token.is_space or token.tag_ == "POS")]
        if not spoken:
            return
        start, stop = spoken[0].idx, spoken[-1].idx + len(spoken[-1])
        word = Word(self.doc.text[start:stop], start, stop)
        self.words.append(word)
        for token in run:
            self.of_token[token.i] = word

    # --- subjects ---

    def is_subject(self, token: DocToken) -> bool:
        if not is_noun(token) or token.i not in self.of_token or self._hangs_on_a_noun(token):
            return False
        return not (self._is_inner_part(token) or self._is_not_a_thing(token))

    def _hangs_on_a_noun(self, token: DocToken) -> bool:
        """A compound or modifier itself; conjuncts of one are too."""
        if token.dep_ in MODIFIERS:
            return True
        return token.dep_ == "conj" and token.head.dep_ in MODIFIERS and not self._opens_a_phrase(token)

    def _opens_a_phrase(self, token: DocToken) -> bool:
        return any(child.dep_ in ("det", "nummod") for child in token.children)

    def _is_inner_part(self, token: DocToken) -> bool:
        """ "blue" and "-" of "blue-eyed": the last piece speaks for the word."""
        word = self.word(token)
        return token.idx + len(token) < word.stop

    def _is_not_a_thing(self, token: DocToken) -> bool:
        return (
            token.lower_ in lexicon.MADE
            or self._is_part_of(token)
            or self._is_style(token)
            or self._is_medium(token)
            or self._is_place_or_time(token)
            or self._is_material(token)
            or not any(character.isalpha() for character in self.word(token).text)
            and self.word(token).text.isascii()
        )

    def _is_part_of(self, token: DocToken) -> bool:
        return token.lower_ in lexicon.PARTS and self._has_of(token)

    def _has_of(self, token: DocToken) -> bool:
        following = self._after(token)
        return following is not None and following.lower_ == "of"

    def _after(self, token: DocToken) -> DocToken | None:
        return self.doc[token.i + 1] if token.i + 1 < len(self.doc) else None

    def _part(self, token: DocToken) -> tuple[int, int]:
        """[first, last] token of the part between commas that holds `token`."""
        first = last = token.i
        while first > 0 and not _ends_part(self.doc[first - 1]):
            first -= 1
        while last + 1 < len(self.doc) and not _ends_part(self.doc[last + 1]):
            last += 1
        return first, last

    def _is_style(self, token: DocToken) -> bool:
        if lemma(token) in lexicon.ALWAYS_STYLE or token.lower_ in lexicon.ALWAYS_STYLE:
            return True
        if any(self._styles(ancestor) for ancestor in self._above(token)):
            return True
        first, last = self._part(token)
        if self._signs(token, first):
            return True
        return self._is_tail(first, last) and self._tail_head(first, last) in lexicon.STYLE

    def _above(self, token: DocToken) -> Iterator[DocToken]:
        """Nouns over `token`, through "of", "by" and conjunctions only: "in the style of Van Gogh and Monet"."""
        while token.dep_ in ("pobj", "conj", "prep", "appos") and token.head.i != token.i:
            token = token.head
            if token.dep_ == "prep" and token.lower_ not in ("of", "by"):
                return
            if is_noun(token):
                yield token

    @staticmethod
    def _styles(token: DocToken) -> bool:
        return lemma(token) in ("style", "manner", "spirit")

    def _signs(self, token: DocToken, first: int) -> bool:
        """ "by greg rutkowski" as a part of its own, or behind a medium: "a painting by monet". Not "a man by a
        lake"."""
        by = next((i for i in range(token.i, first - 1, -1) if self.doc[i].lower_ == "by"), None)
        if by is None or any(self.doc[i].pos_ in ("DET", "ADP", "VERB", "AUX") for i in range(by + 1, token.i)):
            return False
        if by == first or by == first + 1 and self.doc[first].lower_ in ("art", "artwork", "painted", "and", "style"):
            return True
        before = self.doc[by - 1]
        return (
            token.pos_ == "PROPN"
            or lemma(before) in lexicon.MEDIUM
            or lemma(before) in ("painted", "paint", "drawn", "draw")
        )

    def _is_tail(self, first: int, last: int) -> bool:
        """A part behind a comma that opens no new thing with an article."""
        return first > 0 and not any(self.doc[i].lower_ in ("a", "an") for i in range(first, last + 1))

    def _tail_head(self, first: int, last: int) -> str:
        """The word a tail is about: the last noun before its first preposition."""
        head = ""
        for i in range(first, last + 1):
            token = self.doc[i]
            if token.pos_ == "ADP" and head:
                break
            if is_noun(token) or token.lower_ in lexicon.STYLE:
                head = token.lower_ if token.lower_ in lexicon.STYLE else lemma(token)
        return head

    def _is_medium(self, token: DocToken) -> bool:
        if lemma(token) not in lexicon.MEDIUM and self.word(token).text.lower() not in lexicon.MEDIUM:
            return False
        first, last = self._part(token)
        if self._is_tail(first, last) and self._tail_head(first, last) in lexicon.MEDIUM:
            return True
        opens = not any(is_noun(self.doc[i]) and self.is_subject(self.doc[i]) for i in range(first, token.i))
        return opens and self._leads_on(token, last)

    def _leads_on(self, token: DocToken, last: int) -> bool:
        """ "photo of …", "photo showing …", "portrait painting of …", "black and white photo, …"."""
        following = self._after(token)
        if following is None:
            return False
        if following.lower_ in ("of", "with", ",", ":", "by", "in") or lemma(following) in lexicon.PICTURED:
            return True
        return following.lower_.rstrip("ing") in lexicon.PICTURED

    def _is_place_or_time(self, token: DocToken) -> bool:
        names = {lemma(token), token.lower_}
        behind_preposition = token.dep_ == "pobj" or self._follows_preposition(token)
        if names & lexicon.PLACES:
            return (
                behind_preposition or self._has_of(token) and lemma(token) in ("top", "left", "right", "front", "side")
            )
        return bool(names & lexicon.TIMES) and behind_preposition

    def _follows_preposition(self, token: DocToken) -> bool:
        left = token.i - 1
        while left >= 0 and self.doc[left].pos_ in ("DET", "ADJ", "NOUN", "PROPN"):
            left -= 1
        return left >= 0 and self.doc[left].pos_ == "ADP"

    def _is_material(self, token: DocToken) -> bool:
        """ "wood" in "a chair made of wood" describes the chair."""
        return self._made_phrase(token) is not None

    def _made_phrase(self, token: DocToken) -> DocToken | None:
        """The "made" over a material."""
        while token.dep_ == "conj" and is_noun(token.head):
            token = token.head
        preposition = token.head
        if token.dep_ != "pobj" or preposition.lower_ not in ("of", "from"):
            return None
        above = preposition.head if preposition.head.lower_ != "out" else preposition.head.head
        return above if above.lower_ in lexicon.MADE else None

    # --- modifiers ---

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
        if noun.dep_ == "nsubj" or noun.dep_ == "nsubjpass":
            yield from self._predicate(noun.head)
        yield from self._materials(noun)

    def _with_descendants(self, modifier: DocToken) -> Iterator[DocToken]:
        yield modifier
        for child in modifier.children:
            if child.dep_ in MODIFIERS | {"conj"} and self._describes(child) and not self._opens_a_phrase(child):
                yield from self._with_descendants(child)

    @staticmethod
    def _describes(token: DocToken) -> bool:
        if token.is_punct or token.pos_ in ("VERB", "AUX") and token.dep_ == "conj":
            return False
        return token.lower_ not in lexicon.DEGREES | lexicon.NOT_LOOKS and token.lower_ not in lexicon.NUMBERS

    def _predicate(self, verb: DocToken) -> Iterator[DocToken]:
        """ "is red and shiny", "that is red", "painted red"."""
        for child in verb.children:
            adjective = child.dep_ in ("acomp", "oprd") or child.dep_ == "attr" and child.pos_ == "ADJ"
            if adjective and child.pos_ in ("ADJ", "NOUN", "VERB", "PROPN") and self._describes(child):
                yield from self._with_descendants(child)
            elif child.dep_ == "conj" and child.lower_ in lexicon.BE and not self._speaks_of_another(child):
                yield from self._predicate(child)

    @staticmethod
    def _speaks_of_another(verb: DocToken) -> bool:
        """ "whose windows are broken", "and the van is silver"."""
        return any(child.dep_.startswith("nsubj") and is_noun(child) for child in verb.children)

    def _materials(self, noun: DocToken) -> Iterator[DocToken]:
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

    # --- relations ---

    def relations(self, nouns: list[DocToken]) -> Iterator[Relation]:
        """Found by their words, tied by the parse: which noun a phrase hangs on is the parser's say, what stands behind
        it is the next noun phrase."""
        for kind, first, last in self._relation_phrases():
            left = self._governor(self.doc[first], nouns)
            right = self._object(last, nouns)
            if left is not None and right is not None and left != right:
                yield Relation(kind, nouns.index(left), nouns.index(right))

    def _relation_phrases(self) -> Iterator[tuple[str, int, int]]:
        """(kind, first token, last token), longest at each place, left to right."""
        at = 0
        while at < len(self.doc):
            fits = [(stop, kind) for kind, pattern in lexicon.RELATIONS if (stop := self._fit(pattern, at)) is not None]
            if fits:
                stop, kind = max(fits, key=lambda fit: fit[0])
                yield kind, at, stop
                at = stop
            at += 1

    def _fit(self, pattern: str, at: int) -> int | None:
        lowers = [token.lower_ for token in self.doc[at : at + 6]]
        for length in range(len(lowers), 0, -1):
            if re.fullmatch(pattern, " ".join(lowers[:length])):
                return at + length - 1
        return None

    def _object(self, last: int, nouns: list[DocToken]) -> DocToken | None:
        """The noun whose phrase begins right behind the relation."""
        for token in self.doc[last + 1 :]:
            if token in nouns:
                return token
            if (
                token.pos_ in ("VERB", "AUX", "ADP", "SCONJ", "CCONJ")
                and token.tag_ not in ("VBN", "VBG")
                or token.text in ".;"
            ):
                return None
        return None

    def _governor(self, token: DocToken, nouns: list[DocToken]) -> DocToken | None:
        """Up from the phrase to the first subject; over a verb to the noun it is said of."""
        start, seen = token, set()
        while token.head.i != token.i and token.i not in seen:
            seen.add(token.i)
            token = token.head
            if token in nouns and token.i < start.i:
                return token
            for child in token.children:
                if child.dep_.startswith("nsubj") and child in nouns and child.i < start.i:
                    return child
        before = [noun for noun in nouns if noun.i < start.i]
        return before[-1] if before else None


def _ends_part(token: DocToken) -> bool:
    return token.text in (",", ".", ";", "|", ":", "\n") or token.is_space and "\n" in token.text


def _number(token: DocToken) -> int | None:
    if token.lower_ in lexicon.NUMBERS:
        return lexicon.NUMBERS[token.lower_]
    return int(token.text) if token.text.isascii() and token.text.isdigit() else None


def spoken(words: Iterable[Word]) -> str:
    """Words for a message."""
    return ", ".join(word.text for word in words) or "no words"
