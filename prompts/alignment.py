"""Which words of an edited prompt stand for which of the source: the alignment that Prompt-to-Prompt rests on.

Hertz et al., "Prompt-to-Prompt Image Editing with Cross Attention Control" (2022, arXiv 2208.01626), sections 3 and 4.
Differs from the authors' code: one alignment for every edit, by words and not by token ids, so swaps and insertions may
be mixed, prompts may have any length and any number of chunks, and weights and brackets do not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..errors import PromptUnderstandingError
from .types import Alignment, ParsedPrompt, Subject, TokenSpan, Word, WordPair


def align(source: ParsedPrompt, edited: ParsedPrompt) -> Alignment:
    """Equal words are matched (as many as can be in order, those nearest to the end first, because English modifiers
    stand before their noun); what lies between two matches is paired noun with noun, then from the right."""
    before, after = units(source), units(edited)
    pairs: list[WordPair] = []
    done_before = done_after = 0
    for i, j in [*_matches([_key(w) for w in before], [_key(w) for w in after]), (len(before), len(after))]:
        pairs += _swaps(source, edited, before[done_before:i], after[done_after:j])
        if i < len(before):
            pairs.append(WordPair(before[i], after[j], "kept"))
        done_before, done_after = i + 1, j + 1
    return Alignment(source, edited, tuple(pairs))


def token_map(alignment: Alignment, length: int, swaps: bool) -> Tensor:
    """[length length] float32: how much of a source token's attention (rows) goes to a token of the edited prompt
    (columns). Columns of zeros belong to tokens without a counterpart.

    Kept words are connected, swapped ones too with `swaps`. Words of as many pieces are connected piece by piece; else
    every piece gets an equal share of all pieces of the source word, so that no attention is lost. `length` is that of
    the conditioning: a multiple of both prompts' own, each repeated to fill it as ComfyUI repeats them.
    """
    source, edited = alignment.source, alignment.edited
    moved = torch.zeros(source.length, edited.length)
    for pair in alignment.pairs:
        if pair.kind == "kept" or (swaps and pair.kind == "swapped"):
            for rows, columns in _parts(pair.source, pair.edited):
                _connect(moved, rows, columns)
    for position, counterpart in _marks(source, edited):
        moved[position, counterpart] = 1
    copies = length // edited.length
    return moved.repeat(length // source.length, copies) / copies


def positions_in(words: Sequence[Word], prompt: ParsedPrompt, length: int) -> Tensor:
    """[length] 1 at the positions of these words, 0 elsewhere; the prompt repeated to fill `length`."""
    row = torch.zeros(prompt.length)
    row[[position for word in words for position in word.positions]] = 1
    return row.repeat(length // prompt.length)


def carried_over(prompt: ParsedPrompt, alignment: Alignment) -> ParsedPrompt:
    """The edited prompt with the subjects of the source's `prompt` where it has them: for guidance that was set up by
    the source and acts on the edit's picture too. A modifier that the edit took away is left out.

    Raises PromptUnderstandingError when the edit has removed a noun."""
    places: dict[int, Sequence[int]] = {}
    for pair in alignment.pairs:
        if pair.source and pair.edited:
            for before, after in _parts(pair.source, pair.edited):
                one_to_one = len(before) == len(after)
                places |= {place: after[i : i + 1] if one_to_one else after for i, place in enumerate(before)}

    def moved(word: Word) -> Word:
        found = sorted({new for place in word.positions for new in places.get(place, ())})
        return replace(word, spans=tuple(TokenSpan(word.text, place, place + 1) for place in found))

    subjects = [
        Subject(moved(s.noun), tuple(m for m in map(moved, s.modifiers) if m.spans), s.count) for s in prompt.subjects
    ]
    lost = [subject.noun.text for subject in subjects if not subject.noun.spans]
    if lost:
        raise PromptUnderstandingError(
            f"Guidance is to strengthen {', '.join(map(repr, lost))}, but the edited prompt {alignment.edited.text!r} "
            "has no such word. Choose other subjects with Pick Subjects, or edit without guidance."
        )
    return replace(alignment.edited, subjects=tuple(subjects))


def changed_things(alignment: Alignment) -> tuple[list[Word], list[Word]]:
    """Nouns of the source and of the edited prompt that changed, or whose modifiers did: the colour of a thing has no
    place of its own. The changed words themselves where none of them belongs to a subject."""
    before = [pair.source for pair in alignment.changes if pair.source]
    after = [pair.edited for pair in alignment.changes if pair.edited]
    nouns = _nouns_of(before, alignment.source), _nouns_of(after, alignment.edited)
    return nouns if any(nouns) else (before, after)


def report(alignment: Alignment) -> str:
    """One line a run of kept words, one for each change."""
    lines: list[str] = []
    kept: list[str] = []
    for pair in [*alignment.pairs, WordPair(None, None, "removed")]:
        if pair.kind == "kept":
            kept.append(pair.edited.text)
            continue
        if kept:
            lines.append(f"  kept     {' '.join(kept)}")
            kept = []
        if pair.source or pair.edited:
            words = [f"{word.text} {_at(word)}" for word in (pair.source, pair.edited) if word]
            lines.append(f"  {pair.kind:<8} {' → '.join(words)}")
    return "\n".join(lines)


def units(prompt: ParsedPrompt) -> list[Word]:
    """The prompt's words in the encoder's order, and every token of text that belongs to none (punctuation)."""
    words = [word for word in prompt.words if word.positions]
    taken = {position for word in words for position in word.positions}
    signs = [
        Word(token.text, -1, -1, (TokenSpan(token.text, token.position, token.position + 1),))
        for token in prompt.tokens
        if token.kind in ("word", "embedding") and token.position not in taken
    ]
    return sorted([*words, *signs], key=lambda word: word.positions[0])


def _key(word: Word) -> str:
    return word.text.casefold()


def _matches(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """Longest common subsequence, traced from the end."""
    best = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for i, left in enumerate(before, 1):
        for j, right in enumerate(after, 1):
            best[i][j] = best[i - 1][j - 1] + 1 if left == right else max(best[i - 1][j], best[i][j - 1])
    found: list[tuple[int, int]] = []
    i, j = len(before), len(after)
    while i and j:
        if before[i - 1] == after[j - 1]:
            i, j = i - 1, j - 1
            found.append((i, j))
        elif best[i][j - 1] >= best[i - 1][j]:
            j -= 1
        else:
            i -= 1
    return found[::-1]


def _swaps(
    source: ParsedPrompt, edited: ParsedPrompt, before: Sequence[Word], after: Sequence[Word]
) -> Iterator[WordPair]:
    """Between two matches: nouns in turn, and the words before each of them from the right."""
    sides = ((before, _nouns(source)), (after, _nouns(edited)))
    nouns = [[i for i, word in enumerate(words) if word in known] for words, known in sides]
    anchors = [*zip(*nouns, strict=False), (len(before), len(after))]
    done_before = done_after = 0
    for i, j in anchors:
        yield from _from_the_right(before[done_before:i], after[done_after:j])
        if i < len(before) and j < len(after):
            yield WordPair(before[i], after[j], "swapped")
        done_before, done_after = i + 1, j + 1


def _from_the_right(before: Sequence[Word], after: Sequence[Word]) -> Iterator[WordPair]:
    shared = min(len(before), len(after))
    yield from (WordPair(word, None, "removed") for word in before[: len(before) - shared])
    yield from (WordPair(None, word, "added") for word in after[: len(after) - shared])
    for left, right in zip(before[len(before) - shared :], after[len(after) - shared :], strict=True):
        yield WordPair(left, right, "swapped")


def _nouns(prompt: ParsedPrompt) -> list[Word]:
    return [subject.noun for subject in prompt.subjects]


def _nouns_of(words: Sequence[Word], prompt: ParsedPrompt) -> list[Word]:
    return [subject.noun for subject in prompt.subjects if {subject.noun, *subject.modifiers} & set(words)]


def _parts(before: Word, after: Word) -> list[tuple[Sequence[int], Sequence[int]]]:
    """Positions that belong together: span by span where both words have as many, as with two encoders laid one after
    the other; else all of them."""
    if len(before.spans) != len(after.spans):
        return [(before.positions, after.positions)]
    spans = zip(before.spans, after.spans, strict=True)
    return [(a.positions, b.positions) for a, b in spans]


def _connect(moved: Tensor, rows: Sequence[int], columns: Sequence[int]) -> None:
    if len(rows) == len(columns):
        moved[list(rows), list(columns)] = 1
    else:
        moved[torch.tensor(rows)[:, None], torch.tensor(columns)] = 1 / len(columns)


def _marks(source: ParsedPrompt, edited: ParsedPrompt) -> Iterator[tuple[int, int]]:
    """Start and end marks in turn, chunk by chunk; padding by its place, where both have padding there."""
    for kind in ("start", "end", "template"):
        places = [[t.position for t in prompt.tokens if t.kind == kind] for prompt in (source, edited)]
        yield from zip(*places, strict=False)
    padding = [{t.position for t in prompt.tokens if t.kind == "pad"} for prompt in (source, edited)]
    yield from ((position, position) for position in sorted(padding[0] & padding[1]))


def _at(word: Word) -> str:
    return f"[{', '.join(map(str, word.positions))}]"
