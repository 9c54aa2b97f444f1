"""One colour per subject, the same in the heat maps, the loss curves and the token strip."""

from __future__ import annotations

from collections.abc import Sequence

from ..prompts.types import ParsedPrompt, Word
from .canvas import RGB

# Okabe & Ito 2008, "Color Universal Design": told apart by people with any common colour blindness. Reordered so that
# neighbours differ most; its black is left out, for heat is drawn on dark ground.
SUBJECT_COLOURS: tuple[RGB, ...] = (
    (230, 97, 0),
    (40, 140, 230),
    (0, 158, 115),
    (204, 90, 160),
    (222, 190, 30),
    (120, 94, 240),
    (86, 190, 220),
)


def subject_colour(index: int) -> RGB:
    return SUBJECT_COLOURS[index % len(SUBJECT_COLOURS)]


def lighter(colour: RGB, share: float) -> RGB:
    """Mixed with white; `share` 0…1 is the part of white."""
    red, green, blue = (round(channel + (255 - channel) * share) for channel in colour)
    return red, green, blue


def word_colours(prompt: ParsedPrompt, words: Sequence[Word]) -> list[RGB]:
    """A subject's noun has the subject's colour, its modifiers lighter tints of it; other words take the colours that
    follow the subjects', in their order."""
    others = 0
    colours = []
    for word in words:
        colour = _colour_in_subjects(prompt, word)
        if colour is None:
            colour = subject_colour(len(prompt.subjects) + others)
            others += 1
        colours.append(colour)
    return colours


def _colour_in_subjects(prompt: ParsedPrompt, word: Word) -> RGB | None:
    """By positions, for a phrase such as "red crown" is a word of its own. A noun goes before a modifier: in "a bow tie
    and a bow" the first "bow" belongs to the tie."""
    for index, subject in enumerate(prompt.subjects):
        if _shares(word, subject.noun):
            return subject_colour(index)
    for index, subject in enumerate(prompt.subjects):
        for number, modifier in enumerate(subject.modifiers):
            if _shares(word, modifier):
                return lighter(subject_colour(index), 0.3 + 0.15 * min(2, number))
    return None


def _shares(word: Word, other: Word) -> bool:
    return word == other or bool(set(word.positions) & set(other.positions))


def position_colours(prompt: ParsedPrompt) -> dict[int, RGB]:
    """Position in the encoder's output -> colour, for the positions that belong to a subject."""
    words = [word for subject in prompt.subjects for word in (*subject.modifiers, subject.noun)]
    return {
        at: colour for word, colour in zip(words, word_colours(prompt, words), strict=True) for at in word.positions
    }
