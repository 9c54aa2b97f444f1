"""True answers about pictures of shapes: which subjects are there, and whose colour went where.

Words as in SynGen (Rassin et al., 2023): entity neglect, a noun of the prompt is missing; proper binding, an attribute
is on its own noun; improper binding, it is not: its noun has another colour, or its colour is on another noun.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .detection import Detection

Subject = tuple[str, str | None]
"""(shape, colour or None where the prompt does not say)."""


@dataclass(frozen=True)
class Score:
    """Counts of one picture, or of many added up. `subjects` = `present` + `neglected`; of the `attributes` asked for,
    some are bound rightly, some wrongly, and the rest went with a missing noun."""

    pictures: int = 0
    subjects: int = 0
    present: int = 0
    neglected: int = 0
    attributes: int = 0
    bound_rightly: int = 0
    bound_wrongly: int = 0
    all_present: int = 0
    all_right: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def neglect(self) -> float:
        """Share of the prompted subjects that are missing."""
        return self.neglected / max(1, self.subjects)

    @property
    def proper(self) -> float:
        """Share of the prompted attributes that are on their own noun."""
        return self.bound_rightly / max(1, self.attributes)

    @property
    def improper(self) -> float:
        """Share of the prompted attributes that are not."""
        return self.bound_wrongly / max(1, self.attributes)


def score(expected: Sequence[Subject], found: Iterable[Detection]) -> Score:
    """One picture against its prompt's subjects, whose shapes differ from each other."""
    colours: dict[str, set[str]] = {}
    for one in found:
        if one.noun:
            colours.setdefault(one.noun, set()).add(one.colour)
    shapes = [shape for shape, _ in expected]
    present = sum(shape in colours for shape in shapes)
    asked = [(shape, colour) for shape, colour in expected if colour]
    right = sum(colour in colours.get(shape, ()) for shape, colour in asked)
    wrong = sum(_bound_wrongly(shape, colour, expected, colours) for shape, colour in asked)
    complete = present == len(shapes)
    return Score(
        pictures=1,
        subjects=len(shapes),
        present=present,
        neglected=len(shapes) - present,
        attributes=len(asked),
        bound_rightly=right,
        bound_wrongly=wrong,
        all_present=int(complete),
        all_right=int(complete and right == len(asked)),
    )


def _bound_wrongly(shape: str, colour: str, expected: Sequence[Subject], colours: dict[str, set[str]]) -> bool:
    if colour in colours.get(shape, ()):
        return False
    if shape in colours:
        return True
    # A missing noun's colour may be where it belongs on another: "a red circle and a red star".
    others = [(name, own) for name, own in expected if name != shape]
    return any(own != colour and colour in colours.get(name, ()) for name, own in others)
