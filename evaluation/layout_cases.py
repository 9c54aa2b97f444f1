"""The four tasks of LLM-grounded Diffusion (arXiv:2305.13655, section 4) in Small World's words, and when a picture
passes.

Differs from the paper: counts go to four, which is as many as Small World has seen; "a dog without cats" instead of
"a scene without cats", and the dog must be there too; a place is said of one thing to the other ("a cat above a dog"),
which also must be the only two.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..demo.detection import Detection
from ..demo.small_world.words import COLOURS, COUNTS, NOUNS, plural, with_article

TASKS = ("negation", "numeracy", "attribution", "spatial")
SIDES = {
    "to the left of": lambda a, b: a[0] < b[0],
    "to the right of": lambda a, b: a[0] > b[0],
    "above": lambda a, b: a[1] < b[1],
    "below": lambda a, b: a[1] > b[1],
}
"""Words -> whether the first thing's centre (x, y) is there, seen from the second's."""

Found = Sequence[Detection]


@dataclass(frozen=True)
class Case:
    task: str
    text: str
    passes: Callable[[Found], bool]


def cases(each: int = 100, seed: int = 0) -> list[Case]:
    """`each` of every task, the tasks in turns."""
    makers = (_negation, _numeracy, _attribution, _spatial)
    tasks = [maker(random.Random(f"{seed} {maker.__name__}")) for maker in makers]
    return [next(task) for _ in range(each) for task in tasks]


def _negation(rng: random.Random) -> Iterator[Case]:
    while True:
        there, absent = rng.sample(NOUNS, 2)
        text = f"{with_article(there)} without {plural(absent)}"
        yield Case(TASKS[0], text, lambda found, a=there, b=absent: _count(found, a) > 0 and not _count(found, b))


def _numeracy(rng: random.Random) -> Iterator[Case]:
    while True:
        for noun in rng.sample([noun for noun in NOUNS if plural(noun) != noun], 8):
            for number, word in COUNTS.items():
                text = f"{word} {plural(noun)}" if number > 1 else with_article(noun)
                yield Case(TASKS[1], text, lambda found, a=noun, n=number: _count(found, a) == n)


def _attribution(rng: random.Random) -> Iterator[Case]:
    while True:
        nouns, colours = rng.sample(NOUNS, 2), rng.sample(COLOURS, 2)
        pairs = list(zip(nouns, colours, strict=True))
        text = " and ".join(with_article(noun, colour) for noun, colour in pairs)
        yield Case(TASKS[2], text, lambda found, pairs=pairs: all(_count(found, *pair) for pair in pairs))


def _spatial(rng: random.Random) -> Iterator[Case]:
    while True:
        for words, side in SIDES.items():
            a, b = rng.sample(NOUNS, 2)
            text = f"{with_article(a)} {words} {with_article(b)}"
            yield Case(TASKS[3], text, lambda found, a=a, b=b, side=side: _stands(found, a, b, side))


def _stands(found: Found, first: str, second: str, side: Callable[..., bool]) -> bool:
    centres = [[one.centre for one in found if one.noun == noun] for noun in (first, second)]
    return len(centres[0]) == len(centres[1]) == 1 and side(centres[0][0], centres[1][0])


def _count(found: Found, noun: str, colour: str | None = None) -> int:
    return sum(one.noun == noun and colour in (None, one.colour) for one in found)
