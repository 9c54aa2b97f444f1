"""Text and tokens -> ParsedPrompt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from . import languages
from .brackets import read_brackets
from .cleaning import NOWHERE, Cleaned, clean
from .doubt import unsure_words
from .foreign_reading import read_foreign
from .foreign_words import foreign_words, without_syntax
from .grammar import Reading, read
from .languages import Language, language_of
from .pipelines import AUTO, load_foreign, load_pipeline
from .repairs import mend
from .spans import UNKNOWN, Walk, walk, with_spans
from .tags import settle
from .types import ParsedPrompt, Subject, Token, Word

if TYPE_CHECKING:
    from spacy.tokens import Doc

NO_SUBJECT = (
    "No noun was found that could be drawn, so guidance has nothing to hold on to. Name the things you want to see, "
    "or choose words with Pick Subjects."
)
_EMOJI = r"\u2600-\u27bf\U0001f000-\U0001faff"
OTHER_WORD = re.compile(rf"(?<![\w'’])\w+|[{_EMOJI}][\ufe0f\u200d{_EMOJI}]*")
"""Words, and runs of emoji: the parser is not shown these, but they can be looked at."""
EMPTY = "The prompt is empty. The picture is made without a text; write what you want to see."


def parse_prompt(
    text: str,
    tokens: Sequence[Token],
    length: int,
    encoder: str,
    pipeline: str = AUTO,
    *,
    weights: bool = True,
    notes: Sequence[str] = (),
) -> ParsedPrompt:
    """Subjects, modifiers, counts and relations of `text`, in positions of the encoder's output.

    `tokens` are those the encoder made of the same text, in order of position; `length` is that of the conditioning.
    `weights` is off for encoders to which brackets are text. `pipeline` is one of `pipelines.pipeline_choices()`.
    Raises PromptUnderstandingError when no parser can be had.
    """
    plain = read_brackets(text, weights).plain
    language = language_of(plain)
    understood = _english(plain, pipeline) if language is None else _foreign(plain, language, encoder, tokens)
    reading, walked = understood.reading, walk(plain, tokens)
    words = with_spans(reading.words, walked, tokens)
    placed = {(word.start, word.stop): word for word in words}

    def here(word: Word) -> Word:
        return placed[word.start, word.stop]

    prompt = ParsedPrompt(
        text=text,
        plain=plain,
        encoder=encoder,
        length=length,
        tokens=tuple(tokens),
        words=words,
        subjects=tuple(_moved(subject, here) for subject in reading.subjects),
        relations=reading.relations,
        parser=understood.parser,
        excluded=tuple(_moved(subject, here) for subject in reading.excluded),
        left_out=reading.left_out,
        places=reading.places,
        unsure=understood.unsure,
    )
    return replace(prompt, notes=(*notes, *_notes(prompt, walked, language is None), *understood.notes))


class Understood(NamedTuple):
    """Offsets are those of the plain text."""

    reading: Reading
    parser: str
    notes: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


def _english(plain: str, pipeline: str) -> Understood:
    language, parser = load_pipeline(pipeline)
    doc = parsed(language, plain)
    reading, places = read(doc), _Places(doc, plain)
    reading = replace(
        reading,
        words=tuple(places.words(reading.words)),
        subjects=tuple(_moved(subject, places.word) for subject in reading.subjects),
        excluded=tuple(_moved(subject, places.word) for subject in reading.excluded),
    )
    return Understood(reading, parser, tuple(_literal(doc)), tuple(doc.user_data["unsure"]))


def _foreign(plain: str, language: Language, encoder: str, tokens: Sequence[Token]) -> Understood:
    """By a pipeline of the language where one is installed; else its words are found and nothing else."""
    found = load_foreign(language.pipelines)
    if found is None:
        reading = Reading(tuple(foreign_words(plain, language)), (), ())
    else:
        reading = read_foreign(found[0](without_syntax(plain)), language)
    unknown = any(token.text in UNKNOWN for token in tokens)
    said = languages.notes(language, bool(reading.subjects), _names(reading.words), encoder, unknown)
    return Understood(reading, found[1] if found else f"words of {language.code}", tuple(said))


def _names(words: Sequence[Word]) -> list[str]:
    """For an example: the longest."""
    names = dict.fromkeys(word.text for word in words)
    return sorted(names, key=len, reverse=True)[:2]


def read_prompt(text: str, pipeline: str = AUTO) -> ParsedPrompt:
    """The same with no text encoder: things and places in the text, no positions. Layouts need no more."""
    return parse_prompt(text, (), 0, "none", pipeline)


def parsed(language, plain: str) -> Doc:  # noqa: ANN001  (spacy.Language, which may be missing)
    """spaCy's reading, piece by piece: no grammar crosses a sentence, a line or a comma between tags.

    `user_data` has "origins", the place in `plain` of each letter; "tags", the tokens of single tags; "literal";
    "unsure".
    """
    from spacy.tokens import Doc

    cleaned = clean(plain)
    docs = list(language.pipe([piece.text for piece in cleaned.pieces]))
    unsure = unsure_words(language, [doc for piece, doc in zip(cleaned.pieces, docs, strict=True) if not piece.is_tag])
    for piece, doc in zip(cleaned.pieces, docs, strict=True):
        mend(doc)
        if piece.is_tag:
            settle(doc)
    whole = Doc.from_docs(docs, exclude=["user_data"]) if docs else language("")
    assert whole is not None
    _note_places(whole, cleaned, docs)
    whole.user_data["unsure"] = unsure
    return whole


def _note_places(whole: Doc, cleaned: Cleaned, docs: list[Doc]) -> None:
    origins, first, starts, tags = [NOWHERE] * len(whole.text), 0, [], set()
    for piece, doc in zip(cleaned.pieces, docs, strict=True):
        offset = whole[first].idx
        origins[offset : offset + len(piece.origins)] = piece.origins
        starts.append(first)
        tags |= set(range(first, first + len(doc))) if piece.is_tag else set()
        first += len(doc)
    inserted = frozenset(
        token.i for token in whole if all(at == NOWHERE for at in origins[token.idx : token.idx + len(token)])
    )
    whole.user_data.update(inserted=inserted, origins=origins, tags=tags, starts=starts, literal=cleaned.literal)


class _Places:
    """Words of the cleaned text -> places in the plain one."""

    def __init__(self, doc: Doc, plain: str) -> None:
        self.origins = doc.user_data["origins"]
        self.plain = plain

    def span(self, word: Word) -> tuple[int, int]:
        real = [origin for origin in self.origins[word.start : word.stop] if origin != NOWHERE]
        return (real[0], real[-1] + 1) if real else (NOWHERE, NOWHERE)

    def word(self, word: Word) -> Word:
        start, stop = self.span(word)
        return Word(self.plain[start:stop], start, stop)

    def words(self, found: Sequence[Word]) -> list[Word]:
        """Those that the user wrote, and what was no language: it can still be looked at by name."""
        spans = {self.span(word) for word in found} - {(NOWHERE, NOWHERE)}
        covered = {i for start, stop in spans for i in range(start, stop)}
        for match in OTHER_WORD.finditer(self.plain):
            emoji = any(unicodedata.category(character) == "So" for character in match.group())
            named = emoji or re.match(r"\w", match.group())
            if named and covered.isdisjoint(range(*match.span())):
                spans.add(match.span())
        return [Word(self.plain[start:stop], start, stop) for start, stop in sorted(spans)]


def _moved(subject: Subject, here: Callable[[Word], Word]) -> Subject:
    return Subject(here(subject.noun), tuple(here(word) for word in subject.modifiers), subject.count)


def _literal(doc: Doc) -> list[str]:
    found = doc.user_data["literal"]
    if not found:
        return []
    return [
        f"Syntax of other tools is drawn as text by ComfyUI, it does not act: {', '.join(found)}. It was left out of "
        "the reading."
    ]


def _notes(prompt: ParsedPrompt, walked: Walk, in_english: bool) -> list[str]:
    if not prompt.plain.strip():
        return [EMPTY]
    notes = [NO_SUBJECT] if in_english and not prompt.subjects else []
    if not prompt.tokens:
        return notes
    lost = [word.text for word in prompt.words if not word.spans]
    if lost:
        notes.append(
            f"The text encoder has no token for: {', '.join(lost)}. These words cannot be guided or looked at."
        )
    elif walked.lost:
        notes.append(
            "Some characters of the prompt have no token in this text encoder; the words around them are placed."
        )
    return notes


__all__ = ["EMPTY", "NO_SUBJECT", "Reading", "parse_prompt", "parsed", "read_prompt"]
