"""What each of our models can be asked for, and how its pictures are read: a prompt's subjects, a picture's score."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import detector, scenes
from .detection import Detection
from .scoring import Score, Subject, score
from .small_world import detector as small_world_detector
from .small_world import words


@dataclass(frozen=True)
class Known:
    """`detect` takes a picture [height width 3] in 0…1. `same` has other words for a colour: "golden" -> "yellow"."""

    nouns: Sequence[str]
    colours: Sequence[str]
    detect: Callable[[Any], list[Detection]]
    same: Mapping[str, str] = field(default_factory=dict)

    def subjects_of(self, text: str) -> tuple[Subject, ...]:
        """(noun, colour) of everything that is named, the colour being the word before it if it is one."""
        said = [self.same.get(word, word) for word in re.findall(r"[a-z]+", text.lower())]
        before = dict(enumerate(said, 1))
        colours = (before.get(at) if before.get(at) in self.colours else None for at in range(len(said)))
        return tuple((word, colour) for word, colour in zip(said, colours, strict=True) if word in self.nouns)

    def score_of(self, picture: Any, subjects: Sequence[Subject]) -> Score:
        return score(subjects, self.detect(picture))


SHAPES = Known(scenes.SHAPES, scenes.COLOURS, detector.detect)
SMALL_WORLD = Known(
    words.NOUNS, words.COLOURS, small_world_detector.detect,
    {also: colour for colour, also in words.ALSO_CALLED.items()},
)  # fmt: skip
