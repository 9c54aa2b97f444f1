"""Text and tokens -> ParsedPrompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .brackets import read_brackets
from .grammar import Reading, read
from .pipelines import AUTO, load_pipeline
from .spans import Walk, embeddings, walk, with_spans
from .types import ParsedPrompt, Subject, Token, Word

if TYPE_CHECKING:
    from spacy.tokens import Doc

NO_SUBJECT = (
    "No noun was found that could be drawn, so guidance has nothing to hold on to. Name the things you want to see, "
    "or choose words with Pick Subjects."
)
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
    language, parser = load_pipeline(pipeline)
    reading = read(parsed(language, plain))
    walked = walk(plain, tokens)
    # The parser was shown a stand-in for embeddings: words are named by what the user wrote.
    named = [Word(plain[word.start : word.stop], word.start, word.stop) for word in reading.words]
    words = with_spans(named, walked, tokens)
    placed = {(word.start, word.stop): word for word in words}
    prompt = ParsedPrompt(
        text=text,
        plain=plain,
        encoder=encoder,
        length=length,
        tokens=tuple(tokens),
        words=words,
        subjects=tuple(_placed(subject, placed) for subject in reading.subjects),
        relations=reading.relations,
        parser=parser,
    )
    return replace(prompt, notes=(*notes, *_notes(prompt, walked)))


def parsed(language, plain: str) -> Doc:  # noqa: ANN001  (spacy.Language, which may be missing)
    """spaCy's reading, with its words in terms of `plain`. An embedding's name is shown to it as one unknown noun."""
    shown = plain
    for start, stop in embeddings(plain):
        shown = shown[:start] + "embeddingname".ljust(stop - start, "x")[: stop - start] + shown[stop:]
    return language(shown)


def _placed(subject: Subject, placed: dict[tuple[int, int], Word]) -> Subject:
    def find(word: Word) -> Word:
        return placed[word.start, word.stop]

    return Subject(find(subject.noun), tuple(find(word) for word in subject.modifiers), subject.count)


def _notes(prompt: ParsedPrompt, walked: Walk) -> list[str]:
    if not prompt.plain.strip():
        return [EMPTY]
    notes = [] if prompt.subjects else [NO_SUBJECT]
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


__all__ = ["EMPTY", "NO_SUBJECT", "Reading", "parse_prompt", "parsed"]
