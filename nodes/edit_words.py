"""From what is written into the edit nodes to the tensors of an edit, and what is wrong with it, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..attention_hooks.edits.prompt_edit import PromptEdit
from ..attention_hooks.edits.self_attention import SelfInjection
from ..attention_hooks.edits.windows import TokenWindows, Window
from ..errors import PromptUnderstandingError
from ..prompts.alignment import changed_things, positions_in, report, token_map
from ..prompts.types import ParsedPrompt
from ..prompts.values import find_in_any, read_values
from ..prompts.words import read_wishes


def token_maps(edit: PromptEdit, swaps: bool) -> Tensor:
    """[edits tokens tokens]"""
    return torch.stack([token_map(alignment, edit.length, swaps) for alignment in edit.alignments])


def token_windows(edit: PromptEdit, knobs: dict[str, Any]) -> TokenWindows:
    whole = Window(knobs["start"], knobs["until"])
    own: dict[tuple[int, int], Window] = {}
    for phrase, until in read_values(knobs.get("words_until", ""), "'until'"):
        window = Window(min(whole.start, until), until)
        for row, words in enumerate(find_in_any(edit.prompts[1:], phrase)):
            places = positions_in(words, edit.prompts[1 + row], edit.length).nonzero().flatten().tolist()
            own |= {(row, place): window for place in places}
    return TokenWindows.of(len(edit.alignments), edit.length, whole, own)


def with_self_attention(edit: PromptEdit, knobs: dict[str, Any]) -> PromptEdit:
    injection = SelfInjection(Window(0.0, knobs["self_until"]), knobs["self_sites"])
    return replace(edit, self_attention=(*edit.self_attention, injection))


def scales(edit: PromptEdit, words: str) -> Tensor:
    """[prompts tokens]; the source keeps ones unless it is alone."""
    values = read_values(words, "weight")
    if not values:
        raise PromptUnderstandingError(
            "Re-weight was given no word. Write words of the prompt with their weights, such as 'fluffy: 2'. Its words "
            f"are: {', '.join(word.text for word in edit.prompts[-1].words) or 'none'}."
        )
    scales = torch.ones(len(edit.prompts), edit.length)
    first = 1 if edit.alignments else 0
    for phrase, value in values:
        for row, found in enumerate(find_in_any(edit.prompts[first:], phrase), first):
            scales[row][positions_in(found, edit.prompts[row], edit.length) > 0] = value
    return scales


def named_places(edit: PromptEdit, words: str) -> Tensor:
    """[prompts tokens] 1 at these words, each in every prompt that has it."""
    rows = torch.zeros(len(edit.prompts), edit.length)
    for wish in read_wishes(words):
        for row, found in enumerate(find_in_any(edit.prompts, wish.written)):
            rows[row] = torch.maximum(rows[row], positions_in(found, edit.prompts[row], edit.length))
    return rows


def changed_places(edit: PromptEdit) -> Tensor:
    """[prompts tokens] 1 at the things that an edit changed; for the source, at those that any edit changed."""
    rows = torch.zeros(len(edit.prompts), edit.length)
    for row, alignment in enumerate(edit.alignments, 1):
        before, after = changed_things(alignment)
        rows[0] = torch.maximum(rows[0], positions_in(before, edit.source, edit.length))
        rows[row] = positions_in(after, alignment.edited, edit.length)
    if not rows.any():
        raise PromptUnderstandingError(
            "Local Blend was given no words, and the edited prompts are those of the source, so there is no place that "
            "changes. Write the words whose place may change."
        )
    return rows


# --- checks and words for people ---


def check_pair(edit: PromptEdit, node: str) -> None:
    if not edit.alignments:
        raise PromptUnderstandingError(
            f"{node} was asked for, but Encode Edit has no edited prompt. Write one into its 'edited' field; without "
            "one only Re-weight can act."
        )


def check_changed(edit: PromptEdit, node: str) -> None:
    check_pair(edit, node)
    if not any(alignment.changes for alignment in edit.alignments):
        raise PromptUnderstandingError(
            f"{node} was asked for, but nothing changed between the prompts: {edit.source.text!r} and "
            f"{edit.alignments[0].edited.text!r} have the same words. Change a word in 'edited' of Encode Edit, or use "
            "Re-weight."
        )


def edit_report(edit: PromptEdit) -> str:
    parts = [f"Source: {edit.source.plain}"]
    for number, alignment in enumerate(edit.alignments, 1):
        parts += [f"Edit {number}: {alignment.edited.plain}", report(alignment)]
        if not alignment.changes:
            parts.append("  Nothing changed: this picture will be the source, unless Re-weight changes it.")
    if not edit.alignments:
        parts.append("No edited prompt: one picture, for Re-weight alone.")
    return "\n".join([*parts, *_notes(edit.prompts)])


def _notes(prompts: Sequence[ParsedPrompt]) -> list[str]:
    return [f"Note: {note}" for note in dict.fromkeys(note for prompt in prompts for note in prompt.notes)]
