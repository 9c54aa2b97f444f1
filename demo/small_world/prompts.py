"""The 276 prompts of Attend-and-Excite's evaluation (Chefer et al., 2023): every pair of its twelve animals, every
animal with every object in a colour, every pair of its objects in two colours. The colours were drawn once, by us."""

from __future__ import annotations

from itertools import combinations

from ..prompts import Prompt
from ..scoring import Subject
from .words import ANIMALS, COLOURS, OBJECTS, with_article


def prompt(*subjects: Subject) -> Prompt:
    """ "a cat and a red car" from (cat, None), (car, red)."""
    return Prompt(" and ".join(with_article(*subject) for subject in subjects), subjects)


def _colour(turn: int) -> str:
    """A step of 4 through eleven colours meets all of them before it meets one again."""
    return COLOURS[4 * turn % len(COLOURS)]


ANIMAL_ANIMAL = tuple(prompt((a, None), (b, None)) for a, b in combinations(ANIMALS, 2))
ANIMAL_OBJECT = tuple(
    prompt((a, None), (b, _colour(i * len(OBJECTS) + j))) for i, a in enumerate(ANIMALS) for j, b in enumerate(OBJECTS)
)
OBJECT_OBJECT = tuple(
    prompt((a, _colour(i)), (b, _colour(i + 1 + i % 5))) for i, (a, b) in enumerate(combinations(OBJECTS, 2))
)
SETS = {"animal-animal": ANIMAL_ANIMAL, "animal-object": ANIMAL_OBJECT, "object-object": OBJECT_OBJECT}
"""66, 144 and 66 prompts."""
