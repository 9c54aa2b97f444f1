"""Words with a number that people write into a node: "fluffy: 2, hat: -1" -> [("fluffy", 2.0), ("hat", -1.0)]."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ..errors import PromptUnderstandingError
from .types import ParsedPrompt, Word
from .words import find_words


def read_values(text: str, what: str) -> list[tuple[str, float]]:
    """Pairs separated by commas or lines. `what` names the number for the error: "weight".

    Raises PromptUnderstandingError when one has no number."""
    pairs = []
    for written in (part.strip() for part in re.split(r"[,\n;]", text)):
        if not written:
            continue
        phrase, colon, number = written.rpartition(":")
        value = _number(number) if colon and phrase.strip() else None
        if value is None:
            raise PromptUnderstandingError(
                f"{written!r} was written, but a word and its {what} are written as 'word: number', such as "
                "'fluffy: 2'. Separate several by commas."
            )
        pairs.append((phrase.strip(), value))
    return pairs


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def find_in_any(prompts: Sequence[ParsedPrompt], phrase: str) -> list[list[Word]]:
    """For each prompt the words that `phrase` means there; none where it does not have them.

    Raises PromptUnderstandingError when no prompt has them."""
    found: list[list[Word]] = []
    refusals: list[PromptUnderstandingError] = []
    for prompt in prompts:
        try:
            found.append(find_words(prompt, phrase))
        except PromptUnderstandingError as refusal:
            refusals.append(refusal)
            found.append([])
    if len(refusals) == len(prompts):
        raise refusals[-1]
    return found
