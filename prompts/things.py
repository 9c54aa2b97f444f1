"""Which nouns of a parsed text name a thing to draw, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import lexicon
from .denial import denied_tokens, ends_part
from .not_things import tag_reason
from .types import LeftOut, Subject, Word

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.tokens import Token as DocToken

MODIFIERS = {"amod", "nmod", "compound", "npadvmod", "advmod", "acomp", "oprd"}
FAR = 20
"""Words looked back over."""


def is_noun(token: DocToken) -> bool:
    return token.pos_ in ("NOUN", "PROPN")


def lemma(token: DocToken) -> str:
    return (token.lemma_ or token.lower_).lower()


class Things:
    """The words of a text, and its nouns by what they name."""

    def __init__(self, doc: Doc) -> None:
        self.doc = doc
        self.text = doc.text
        """Once: spaCy puts it together anew each time."""
        self.words: list[Word] = []
        self.of_token: dict[int, Word] = {}
        self.says_made = any(token.lower_ in lexicon.MADE for token in doc)
        self._parts = self._find_parts()
        self._made: dict[int, DocToken | None] = {}
        self._kinds: dict[int, str | None] = {}
        self.denied = denied_tokens(doc)
        self.inserted = doc.user_data.get("inserted", frozenset())
        """Tokens that the user did not write."""
        self.tags = doc.user_data.get("tags", set())
        self.sentences = set(doc.user_data.get("starts", ())) - self.tags
        """First tokens of pieces that are no tags."""
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
        word = Word(self.text[start:stop], start, stop)
        self.words.append(word)
        for token in run:
            self.of_token[token.i] = word

    # --- subjects ---

    def is_subject(self, token: DocToken) -> bool:
        return self._names(token) and token.i not in self.denied and self._reason(token) is None

    def _names(self, token: DocToken) -> bool:
        """A noun that speaks for itself."""
        if not is_noun(token) or token.i not in self.of_token or self._hangs_on_a_noun(token):
            return False
        if token.i in self.inserted or token.lower_ in lexicon.NEVER_DESCRIBE:
            return False
        return not self._is_inner_part(token) and token.lower_ not in lexicon.PRONOUNS

    def excluded(self) -> tuple[Subject, ...]:
        """What the text denies, with what describes it there."""
        nouns = [
            token for token in self.doc
            if token.i in self.denied and self._names(token) and self._kind(token) not in ("style", "quality")
        ]  # fmt: skip
        return tuple(Subject(self.word(noun), self._denied_modifiers(noun), None) for noun in nouns)

    def _denied_modifiers(self, noun: DocToken) -> tuple[Word, ...]:
        words = [self.word(child) for child in noun.children if child.dep_ in MODIFIERS and child.i < noun.i
                 and child.i in self.of_token and child.pos_ in ("ADJ", "NOUN", "PROPN", "VERB")
                 and child.lower_ not in lexicon.NEVER_DESCRIBE]  # fmt: skip
        return tuple(word for word in dict.fromkeys(words) if word != self.word(noun))

    def left_out(self) -> Iterator[LeftOut]:
        """Nouns, and whole tags, that name no thing to strengthen."""
        for token in self.doc:
            if token.i in self.denied or token.i not in self.of_token:
                continue
            if (reason := self._reason_of_tag(token)) is not None:
                first, last = self._part(token)
                if token.i == first:
                    yield LeftOut(self.doc[first : last + 1].text, reason)
            elif self._names(token) and (reason := self._kind(token)) not in (None, "how much"):
                yield LeftOut("an embedding" if reason == "embedding" else self.word(token).text, str(reason))

    def _reason_of_tag(self, token: DocToken) -> str | None:
        if token.i not in self.tags:
            return None
        first, last = self._part(token)
        return tag_reason(self.doc[first : last + 1].text)

    def _reason(self, token: DocToken) -> str | None:
        """Why a noun names no thing to strengthen, as the report says it."""
        return self._reason_of_tag(token) or self._kind(token)

    def _kind(self, token: DocToken) -> str | None:
        if token.i not in self._kinds:
            self._kinds[token.i] = self._kind_anew(token)
        return self._kinds[token.i]

    def _kind_anew(self, token: DocToken) -> str | None:
        letters = self.word(token).text
        if token.lower_ in lexicon.MADE or not any(map(str.isalpha, letters)) and letters.isascii():
            return "no thing"
        if self._is_embedding_alone(token):
            return "embedding"
        tests = (
            (self._is_part_of, "how much"), (self._is_style, "style"), (self._is_medium, "the picture itself"),
            (self._is_picture, "the picture itself"), (self._is_place_or_time, "place or time"),
            (self._is_material, "a material"), (self._is_light, "light"),
        )  # fmt: skip
        return next((reason for test, reason in tests if test(token)), None)

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

    def _is_embedding_alone(self, token: DocToken) -> bool:
        """Between commas, or before a noun phrase of its own, a style and no thing: "embedding:sharp a red vase"."""
        following = self._after(token)
        opens = following is not None and following.lower_ in ("a", "an", "the")
        alone = self._part(token) == (token.i, token.i) and len(set(self._parts)) > 2
        return (opens or alone) and token.lower_.startswith("embeddingname")

    def _is_part_of(self, token: DocToken) -> bool:
        return token.lower_ in lexicon.PARTS and self._has_of(token)

    def _has_of(self, token: DocToken) -> bool:
        following = self._after(token)
        return following is not None and following.lower_ == "of"

    def _after(self, token: DocToken) -> DocToken | None:
        return self.doc[token.i + 1] if token.i + 1 < len(self.doc) else None

    def _part(self, token: DocToken) -> tuple[int, int]:
        """[first, last] token of the part between commas that holds `token`."""
        return self._parts[token.i]

    def _find_parts(self) -> list[tuple[int, int]]:
        ends = [token.i for token in self.doc if ends_part(token)]
        parts: list[tuple[int, int]] = []
        for end in [*ends, len(self.doc)]:
            first = len(parts)
            parts += [(first, max(first, end - 1))] * (end - first)
            parts += [(end, end)] * (end < len(self.doc))
        return parts

    def _is_style(self, token: DocToken) -> bool:
        if {lemma(token), token.lower_} & (lexicon.ALWAYS_STYLE | lexicon.ABSTRACT):
            return True
        if any(self._styles(ancestor) for ancestor in self._above(token)):
            return True
        first, last = self._part(token)
        if self._signs(token, first):
            return True
        if not self._is_tail(first, last):
            return False
        head = self._tail_head(first, last)
        seen = lexicon.SEEN_IN_TAGS if token.i in self.tags and last > first else frozenset()
        return head in lexicon.STYLE - seen

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
        by = next((i for i in range(token.i, max(first, token.i - FAR) - 1, -1) if self.doc[i].lower_ == "by"), None)
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
        if first == 0 or first in self.sentences:
            return False
        return not any(self.doc[i].lower_ in ("a", "an") for i in range(first, last + 1))

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
        name = token.lower_ if token.i in self.tags else lemma(token)
        if name not in lexicon.MEDIUM and self.word(token).text.lower() not in lexicon.MEDIUM:
            return False
        first, last = self._part(token)
        if self._is_tail(first, last) and self._tail_head(first, last) in lexicon.MEDIUM:
            return True
        opens = not any(is_noun(self.doc[i]) and self.is_subject(self.doc[i]) for i in range(first, token.i))
        return opens and self._leads_on(token, last)

    def _is_picture(self, token: DocToken) -> bool:
        """ "The scene is set in …", "the main subject is …", "at the top of the image"."""
        if not {lemma(token), self.word(token).text.lower()} & (lexicon.MEDIUM | lexicon.PICTURE_WORDS):
            return False
        if self._is_whole(token):
            return True
        first, _ = self._part(token)
        definite = any(child.lower_ in ("the", "this") for child in token.children)
        if definite and token.dep_ == "pobj" and lemma(token) in lexicon.MEDIUM - {"frame", "painting", "poster"}:
            return True
        opens = not any(is_noun(self.doc[i]) for i in range(first, token.i) if self.doc[i].dep_ not in MODIFIERS)
        following = self._after(token)
        if not opens or following is None or not (definite or following.lower_ in lexicon.SHOWING):
            return False
        shown = following.lower_ in lexicon.SHOWING
        return shown or following.lower_ in ("is", "was", "has") and lemma(token) in lexicon.NEVER_THINGS

    def _is_whole(self, token: DocToken) -> bool:
        """ "on the right side of the frame"."""
        before = [word.lower_ for word in self.doc[max(0, token.i - 3) : token.i]]
        return before[1:] == ["of", "the"] and before[0] in lexicon.SIDES | lexicon.PLACES

    def _leads_on(self, token: DocToken, last: int) -> bool:
        """ "photo of …", "photo showing …", "portrait painting of …", "black and white photo, …"."""
        following = self._after(token)
        if following is None:
            return False
        if following.lower_ in ("of", "with", ",", ":", "by", "in") or lemma(following) in lexicon.PICTURED:
            return True
        return following.lower_.rstrip("ing") in lexicon.PICTURED

    def _is_place_or_time(self, token: DocToken) -> bool:
        names = {token.lower_} if token.lower_ == "feet" else {lemma(token), token.lower_}
        behind_preposition = token.dep_ == "pobj" or self._follows_preposition(token)
        if names & lexicon.PLACES:
            return behind_preposition or self._has_of(token) and lemma(token) in lexicon.SIDES
        return bool(names & lexicon.TIMES) and behind_preposition

    def _follows_preposition(self, token: DocToken) -> bool:
        left = token.i - 1
        while left >= max(0, token.i - FAR) and self.doc[left].pos_ in ("DET", "ADJ", "NOUN", "PROPN"):
            left -= 1
        return left >= 0 and self.doc[left].pos_ == "ADP"

    def _is_light(self, token: DocToken) -> bool:
        """ "soft light comes from the left", but "a beam of green light"."""
        if not token.lower_.endswith("light"):
            return False
        phrase = [child.lower_ for child in token.lefts if child.dep_ in MODIFIERS]
        return tag_reason(" ".join([*phrase, token.lower_])) == "light"

    def _is_material(self, token: DocToken) -> bool:
        """ "wood" in "a chair made of wood" describes the chair."""
        return self._made_phrase(token) is not None

    def _made_phrase(self, token: DocToken) -> DocToken | None:
        """The "made" over a material."""
        if token.i not in self._made:
            self._made[token.i] = self._find_made(token)
        return self._made[token.i]

    @staticmethod
    def _find_made(token: DocToken) -> DocToken | None:
        while token.dep_ == "conj" and is_noun(token.head):
            token = token.head
        preposition = token.head
        if token.dep_ != "pobj" or preposition.lower_ not in ("of", "from"):
            return None
        above = preposition.head if preposition.head.lower_ != "out" else preposition.head.head
        return above if above.lower_ in lexicon.MADE else None
