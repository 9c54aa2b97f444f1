"""Words that people write into a node -> words of the prompt: "turtle", "red crown#2", separated by commas or lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import PromptUnderstandingError
from .spans import spans_of, walk
from .types import ParsedPrompt, Place, Relation, Subject, Word

NUMBERED = re.compile(r"^(.*?)\s*#\s*(\d+)$", re.DOTALL)
OWNER = re.compile(r"(?<=\w)['’]s\b|(?<=s)['’](?!\w)")
APOSTROPHE = re.compile(r"\w['’]\w")
ALL = "*"
UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]")
"""Thai, Japanese, Chinese, Korean: words are not kept apart by spaces, so any run of letters may be asked for."""


@dataclass(frozen=True)
class Wish:
    """One phrase, and which of its occurrences: 1 is the first."""

    written: str
    phrase: str
    number: int


def read_wishes(text: str) -> list[Wish]:
    """Phrases of a list. Raises PromptUnderstandingError for "#0"."""
    wishes = []
    for written in (part.strip() for part in re.split(r"[,\n;]", text)):
        if not written:
            continue
        numbered = NUMBERED.match(written)
        phrase, number = (numbered[1], int(numbered[2])) if numbered and numbered[1] else (written, 1)
        if number < 1:
            raise PromptUnderstandingError(f"{written!r} was asked for, but occurrences are counted from #1.")
        wishes.append(Wish(written, phrase, number))
    return wishes


def find_words(prompt: ParsedPrompt, text: str) -> list[Word]:
    """The words or phrases named in `text`, in its order; a phrase of several words comes as one Word with the spans
    of all.

    Raises PromptUnderstandingError when one is not in the prompt, with the words that are.
    """
    return [merge(prompt, words) for words in _found(prompt, text)]


def pick_subjects(prompt: ParsedPrompt, text: str, excluded: str = "") -> ParsedPrompt:
    """The prompt with these subjects and no others. The last word of a phrase is the noun, those before it its
    modifiers.

    "*" stands for all that the parser found, and behind it "-lamp" for all but the lamp. Counts, relations and places
    that the parser found stay with their nouns. `excluded` are words to take for denied in place
    of what the parser found; what is picked is not denied.
    """
    picked = _picked(prompt, text)
    if not picked:
        raise PromptUnderstandingError(
            f"No words were written, so there is nothing to pick. Write words of the prompt {prompt.plain!r}, "
            f"separated by commas. It has: {_choices(prompt)}."
        )
    denied = tuple(_subject(prompt, words) for words in _found(prompt, excluded)) or prompt.excluded
    nouns = {subject.noun for subject in picked}
    numbers = _new_numbers(prompt.subjects, picked)
    return replace(
        prompt, subjects=tuple(picked), relations=_kept(prompt.relations, numbers),
        places=tuple(Place(numbers[old], where) for old, where in prompt.places if old in numbers),
        parser=f"{prompt.parser}, subjects picked by hand",
        excluded=tuple(subject for subject in denied if subject.noun not in nouns), left_out=(),
        unsure=(),
    )  # fmt: skip


def _picked(prompt: ParsedPrompt, text: str) -> list[Subject]:
    wishes = read_wishes(text)
    all_found = any(wish.phrase == ALL for wish in wishes)
    picked: list[Subject] = []
    for wish in wishes:
        if wish.phrase == ALL:
            picked += prompt.subjects
        elif all_found and wish.phrase.startswith("-"):
            *_, noun = _find(prompt, replace(wish, phrase=wish.phrase[1:].strip()))
            picked = [subject for subject in picked if subject.noun != noun]
        else:
            picked.append(_subject(prompt, _find(prompt, wish)))
    return list({subject.noun: subject for subject in picked}.values())


def merge(prompt: ParsedPrompt, words: Sequence[Word]) -> Word:
    """Several words as one; `text` is as the prompt has it."""
    if len(words) == 1:
        return words[0]
    start, stop = words[0].start, words[-1].stop
    spans = {span: None for word in words for span in word.spans}
    return Word(prompt.plain[start:stop], start, stop, tuple(sorted(spans, key=lambda span: span.start)))


def _subject(prompt: ParsedPrompt, words: Sequence[Word]) -> Subject:
    *modifiers, noun = words
    parsed = next((subject for subject in prompt.subjects if subject.noun == noun), None)
    return Subject(noun, tuple(modifiers), parsed.count if parsed else None)


def _new_numbers(before: Sequence[Subject], after: Sequence[Subject]) -> dict[int, int]:
    """Number of a subject before -> of the one with the same noun after."""
    return {before.index(old): i for i, new in enumerate(after) for old in before if old.noun == new.noun}


def _kept(relations: Sequence[Relation], numbers: dict[int, int]) -> tuple[Relation, ...]:
    return tuple(
        Relation(kind, numbers[left], numbers[right])
        for kind, left, right in relations
        if left in numbers and right in numbers
    )


def _found(prompt: ParsedPrompt, text: str) -> list[list[Word]]:
    return [_find(prompt, wish) for wish in read_wishes(text)]


def _find(prompt: ParsedPrompt, wish: Wish) -> list[Word]:
    matches = _runs(prompt, wish.phrase) or _letters(prompt, wish.phrase)
    if not matches:
        raise PromptUnderstandingError(
            f"{wish.phrase!r} was asked for, but the prompt {prompt.plain!r} does not have it. Its words are: "
            f"{_choices(prompt)}. Fix the spelling, or choose one of these."
        )
    if wish.number > len(matches):
        times = "once" if len(matches) == 1 else f"{len(matches)} times"
        raise PromptUnderstandingError(
            f"{wish.written!r} was asked for, but {wish.phrase!r} comes only {times} in the prompt {prompt.plain!r}. "
            f"Its words are: {_choices(prompt)}."
        )
    return _placed(prompt, wish, matches[wish.number - 1])


def _runs(prompt: ParsedPrompt, phrase: str) -> list[list[Word]]:
    """Runs of neighbouring words that read like the phrase."""
    wanted = _folded(phrase)
    apostrophe = "".join(wanted) if APOSTROPHE.search(phrase) else None
    found = []
    for first in range(len(prompt.words)):
        for last in range(first, min(first + len(wanted) + 1, len(prompt.words))):
            run = prompt.words[first : last + 1]
            pieces = [piece for word in run for piece in _folded(word.text)]
            if pieces == wanted or "".join(pieces) == apostrophe:
                found.append(list(run))
    return found


def _folded(text: str) -> list[str]:
    """The text's letters as words; hyphens, apostrophes and signs between are as good as a space. The owner's "'s" is
    no word of the prompt."""
    text = OWNER.sub("", text)
    return re.findall(r"[^\W_]+", text.casefold()) or [text.casefold().strip()]


def _letters(prompt: ParsedPrompt, phrase: str) -> list[list[Word]]:
    if not UNSPACED.search(phrase):
        return []
    walked = walk(prompt.plain, prompt.tokens)
    places = [match.span() for match in re.finditer(re.escape(phrase), prompt.plain)]
    return [[Word(phrase, start, stop, spans_of(start, stop, walked, prompt.tokens))] for start, stop in places]


def _placed(prompt: ParsedPrompt, wish: Wish, words: list[Word]) -> list[Word]:
    lost = [word.text for word in words if not word.spans]
    if lost:
        raise PromptUnderstandingError(
            f"{wish.phrase!r} is in the prompt, but the text encoder {prompt.encoder!r} has no token for "
            f"{', '.join(lost)}, so nothing can be read or guided there. Use another word, or load the embedding that "
            "is missing."
        )
    return words


def _choices(prompt: ParsedPrompt) -> str:
    """Each word once, with "#2" and so on where it comes again."""
    seen: dict[str, int] = {}
    names = []
    for word in prompt.words:
        key = word.text.casefold()
        seen[key] = seen.get(key, 0) + 1
        names.append(word.text if seen[key] == 1 else f"{word.text}#{seen[key]}")
    return ", ".join(names) or "none"
