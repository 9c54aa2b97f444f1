"""Subjects -> noun phrases as they stand in the text: "a red car" of "a red car and a white sheep"."""

from __future__ import annotations

from collections.abc import Iterator

from .brackets import read_brackets
from .lexicon import DEGREES, NUMBERS, words
from .spans import spans_of, walk
from .types import ParsedPrompt, Subject, Word

LEADING = frozenset(NUMBERS) | DEGREES | words("the this that these those some my your his her its our their")
"""Words in front that belong to the phrase though they describe no look."""


def noun_phrases(prompt: ParsedPrompt) -> tuple[Word, ...]:
    """A phrase of two or more words for each subject that has one, in the order of the text; not the whole prompt.

    The innermost phrases only: "a red car and a white sheep" itself is none.
    """
    whole = (prompt.words[0].start, prompt.words[-1].stop) if prompt.words else None
    runs = dict.fromkeys(tuple(_run(prompt, subject)) for subject in prompt.subjects)
    places = sorted((run[0].start, run[-1].stop) for run in runs if len(run) > 1)
    walked = walk(prompt.plain, prompt.tokens)
    # By letters, not by words: the comma of "a red, round table" is a token of the phrase too.
    return tuple(
        Word(prompt.plain[start:stop], start, stop, spans_of(start, stop, walked, prompt.tokens))
        for start, stop in places
        if (start, stop) != whole
    )


def as_written(prompt: ParsedPrompt, phrase: Word) -> str:
    """The phrase as a prompt of its own, with the weights its words have in the whole: "a (red:1.3) car"."""
    return "".join(_weighted(prompt, phrase))


def _weighted(prompt: ParsedPrompt, phrase: Word) -> Iterator[str]:
    for segment in read_brackets(prompt.text).segments:
        part = prompt.plain[max(segment.start, phrase.start) : min(segment.stop, phrase.stop)]
        letters = part.replace("(", "\\(").replace(")", "\\)")
        if letters:
            yield letters if segment.weight == 1 else f"({letters}:{segment.weight!r})"


def _run(prompt: ParsedPrompt, subject: Subject) -> list[Word]:
    """The subject's words and those between and before them. A word that belongs to another subject ends the run."""
    own, all_words = {subject.noun, *subject.modifiers}, list(prompt.words)
    others = [other for other in prompt.subjects if other is not subject]
    foreign = {word for other in others for word in (other.noun, *other.modifiers)} - own
    if not own <= set(all_words):
        # Picked by hand from a text without spaces, where what the parser took for a word is a whole line.
        return []
    noun = all_words.index(subject.noun)
    places = [all_words.index(word) for word in own]
    first = last = noun
    while first > min(places) and all_words[first - 1] not in foreign:
        first -= 1
    while last < max(places) and all_words[last + 1] not in foreign:
        last += 1
    while first > 0 and all_words[first - 1].text.lower() in LEADING:
        first -= 1
    return all_words[first : last + 1]
