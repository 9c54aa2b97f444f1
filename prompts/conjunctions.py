"""The text form of a composition: "a red circle AND a blue star:0.8 AND NOT a moon"."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import PromptUnderstandingError
from .types import ParsedPrompt

AND = re.compile(r"\bAND\b")
NOT = re.compile(r"^NOT\b\s*")
WEIGHT = re.compile(r"^(.*?)(?<!embedding)\s*:\s*([-+]?(?:\d+\.?\d*|\.\d+))[\s,;.]*$", re.DOTALL)
"""A number behind a colon at the end: "a moon:0.8", "a BMW M3:0.7", "a moon:0.8,"."""
CLOCK = re.compile(r"(?<![\w.])\d{1,2}:\d{2}[\s,;.]*$")
"""The time in "a clock at 12:30" is no weight."""


class WeightedText(NamedTuple):
    """One prompt of a composition; below 0 the weight says NOT."""

    text: str
    weight: float


def read_conjunction(text: str) -> list[WeightedText]:
    """Its prompts with their weights, in the order of the text. AND and NOT count in capitals only.

    Raises PromptUnderstandingError where nothing stands between two of them.
    """
    parts = [_part(part.strip()) for part in AND.split(text)]
    if not all(part.text for part in parts):
        raise PromptUnderstandingError(
            f"In {text!r} nothing stands before, between or behind an AND or NOT. Write a prompt on each side, as in "
            "'a red circle AND a blue star AND NOT a moon'; in small letters 'and' is an ordinary word."
        )
    return parts


def without(prompt: ParsedPrompt, weight: float, share: float) -> list[WeightedText]:
    """A NOT for each thing that the prompt denies, at `share` of its own weight; none for a prompt that is NOT
    itself."""
    if share == 0 or weight <= 0:
        return []
    return [WeightedText(thing.text, -share * weight) for thing in prompt.excluded]


def _part(text: str) -> WeightedText:
    sign, text = (-1.0, NOT.sub("", text)) if NOT.match(text) else (1.0, text)
    weighted = None if CLOCK.search(text) else WEIGHT.match(text)
    return WeightedText(weighted[1].strip(), sign * float(weighted[2])) if weighted else WeightedText(text, sign)
