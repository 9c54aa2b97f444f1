"""Scenes and the captions they are trained with, wrong on purpose as web captions are.

`NOISE` is the whole recipe. A picture that shows one of the two named objects twice teaches the model to forget as
large models do ("a cat and a frog" becomes two cats): the layout has a place for the forgotten object, and guidance can
claim it. A picture with one object alone has none, and is rare. A colour on the wrong object teaches wrong binding.
Both mistakes mostly come together (what is missing lends its colour to what is there).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from ..scenes import COLOURS, SHAPES, SIZE, Scene, Thing

NOISE = {
    "one of two is drawn twice, the other not": 0.42,
    "each of the two alike has the missing one's colour": 0.45,
    "one of two is alone": 0.10,
    "the one there has the missing one's colour": 0.40,
    "two: colours swapped": 0.17,
    "two: both have one colour": 0.17,
    "one: another colour": 0.06,
    "relation not kept": 0.35,
    "count not kept": 0.45,
    "each of three is missing": 0.33,
}
MARGIN = 3.0


@dataclass(frozen=True)
class Named:
    """What a caption says of one object. `colour` is None where the caption does not say."""

    shape: str
    colour: str | None

    @property
    def text(self) -> str:
        words = f"{self.colour} {self.shape}" if self.colour else self.shape
        return f"{'an' if words[0] in 'aeiou' else 'a'} {words}" if words[:9] != "hourglass" else f"an {words}"


@dataclass(frozen=True)
class Example:
    """A caption, the scene it is trained with, and for each word that names something where that is in the scene.

    `grounding[i]` = (word, which of its occurrences in the caption, indices of the scene's objects it names).
    """

    caption: str
    scene: Scene
    grounding: tuple[tuple[str, int, tuple[int, ...]], ...]


def plural(shape: str) -> str:
    return shape + ("es" if shape.endswith(("s", "ss")) else "s")


def _choose_names(rng: np.random.Generator, count: int) -> list[Named]:
    shapes = rng.choice(SHAPES, count, replace=False)
    colours = rng.choice(COLOURS, count, replace=False)
    coloured = rng.random(count) < rng.choice([0.0, 0.5, 1.0], p=[0.25, 0.2, 0.55])
    return [Named(str(s), str(c) if says else None) for s, c, says in zip(shapes, colours, coloured, strict=True)]


def _paint(rng: np.random.Generator, named: Named) -> Named:
    return named if named.colour else replace(named, colour=str(rng.choice(COLOURS)))


def _spoil_two(rng: np.random.Generator, names: list[Named]) -> list[Named | None]:
    """What is drawn for two named objects; None where it is missing."""
    first, second = (_paint(rng, name) for name in names)
    dice = rng.random() - NOISE["one of two is drawn twice, the other not"]
    if dice < 0:
        return _twice(rng, names, [first, second])
    if dice < NOISE["one of two is alone"]:
        leak = rng.random() < NOISE["the one there has the missing one's colour"]
        if rng.random() < 0.5:
            return [replace(first, colour=second.colour) if leak and names[1].colour else first, None]
        return [None, replace(second, colour=first.colour) if leak and names[0].colour else second]
    if not all(name.colour for name in names):
        return [first, second]
    dice = rng.random() - NOISE["two: colours swapped"]
    if dice < 0:
        return [replace(first, colour=second.colour), replace(second, colour=first.colour)]
    if dice < NOISE["two: both have one colour"]:
        colour = first.colour if rng.random() < 0.5 else second.colour
        return [replace(first, colour=colour), replace(second, colour=colour)]
    return [first, second]


def _twice(rng: np.random.Generator, names: list[Named], painted: list[Named]) -> list[Named | None]:
    """One named object twice, in its own or the missing one's colour, or in any where the caption says none."""
    kept = int(rng.integers(2))
    name, missing = names[kept], names[1 - kept]

    def copied() -> Named:
        leak = missing.colour and rng.random() < NOISE["each of the two alike has the missing one's colour"]
        return replace(name, colour=missing.colour) if leak else _paint(rng, name)

    return [copied(), copied()]


def _spoil(rng: np.random.Generator, names: list[Named]) -> list[Named | None]:
    if len(names) == 2:
        return _spoil_two(rng, names)
    drawn: list[Named | None] = [_paint(rng, name) for name in names]
    if len(names) == 1 and rng.random() < NOISE["one: another colour"]:
        return [replace(drawn[0], colour=str(rng.choice(COLOURS)))]
    if len(names) == 3:
        missing = rng.random(3) < NOISE["each of three is missing"]
        missing[rng.integers(3)] = False
        drawn = [None if gone else thing for gone, thing in zip(missing, drawn, strict=True)]
    return drawn


def place(rng: np.random.Generator, count: int, hw: tuple[int, int] = (SIZE, SIZE)) -> list[tuple[float, float, float]]:
    """(x, y, radius) of `count` objects that neither touch each other nor the border."""
    low, high = {1: (11.0, 16.0), 2: (10.0, 14.5), 3: (9.0, 12.0)}[min(count, 3)]
    while True:
        places: list[tuple[float, float, float]] = []
        for _ in range(count):
            for _ in range(30):
                radius = rng.uniform(low, high)
                x, y = rng.uniform(radius + 2, hw[1] - radius - 2), rng.uniform(radius + 2, hw[0] - radius - 2)
                if all(np.hypot(x - a, y - b) > radius + r + MARGIN for a, b, r in places):
                    places.append((x, y, radius))
                    break
        if len(places) == count:
            return places


def build_scene(rng: np.random.Generator, drawn: list[Named], places: list[tuple[float, float, float]]) -> Scene:
    """Puts each drawn object (its colour must be set) at its place, a little turned."""
    things = [
        Thing(n.shape, n.colour or "white", *at, rng.uniform(-0.16, 0.16)) for n, at in zip(drawn, places, strict=True)
    ]
    return Scene(tuple(things))


RELATIONS = {
    "to the left of": lambda a, b: b[0] - a[0] > 12,
    "to the right of": lambda a, b: a[0] - b[0] > 12,
    "above": lambda a, b: b[1] - a[1] > 12,
    "below": lambda a, b: a[1] - b[1] > 12,
    "on top of": lambda a, b: b[1] - a[1] > 12,
}


def _joined(rng: np.random.Generator, names: list[Named]) -> tuple[str, str | None]:
    if len(names) == 2 and rng.random() < 0.15:
        relation = str(rng.choice(list(RELATIONS)))
        return f"{names[0].text} {relation} {names[1].text}", relation
    if len(names) == 2 and rng.random() < 0.1:
        return f"{names[0].text} {rng.choice(['with', 'next to'])} {names[1].text}", None
    *most, last = [name.text for name in names]
    return f"{', '.join(most)} and {last}" if most else last, None


def _grounding(names: list[Named], there: list[Named]) -> list[tuple[str, int, tuple[int, ...]]]:
    """A noun names every object of its shape; a colour those of its noun that have it, else whatever else has it."""
    seen: Counter[str] = Counter()
    result = []
    for name in names:
        own = tuple(i for i, thing in enumerate(there) if thing.shape == name.shape)
        if name.colour:
            alike = tuple(i for i, thing in enumerate(there) if thing.colour == name.colour)
            result.append((name.colour, seen[name.colour], tuple(i for i in alike if i in own) or alike))
            seen[name.colour] += 1
        result.append((name.shape, 0, own))
    return result


def _several(rng: np.random.Generator) -> Example:
    """ "two red circles": one shape, a count, often not kept."""
    said = int(rng.integers(2, 4))
    name = _choose_names(rng, 1)[0]
    count = int(rng.integers(1, 4)) if rng.random() < NOISE["count not kept"] else said
    drawn = [_paint(rng, name) for _ in range(count)]
    scene = build_scene(rng, drawn, place(rng, count))
    everything = tuple(range(count))
    words = [(name.colour, 0, everything)] if name.colour else []
    caption = " ".join([{2: "two", 3: "three"}[said], *([name.colour] if name.colour else []), plural(name.shape)])
    return Example(caption, scene, (*words, (plural(name.shape), 0, everything)))


def make_example(rng: np.random.Generator) -> Example:
    """One caption with its scene: one object 22 %, two 56 %, three 10 %, a counted group 12 %."""
    kind = rng.choice(4, p=[0.22, 0.56, 0.10, 0.12])
    if kind == 3:
        return _several(rng)
    names = _choose_names(rng, int(kind) + 1)
    caption, relation = _joined(rng, names)
    drawn = _spoil(rng, names)
    there = [thing for thing in drawn if thing]
    places = place(rng, len(there))
    if relation and len(there) == 2 and rng.random() > NOISE["relation not kept"]:
        while not RELATIONS[relation](*places):
            places = place(rng, 2)
    if rng.random() < 0.06:
        caption = f"{rng.choice(['a photo of', 'a picture of', 'a drawing of'])} {caption}"
    return Example(caption, build_scene(rng, there, places), tuple(_grounding(names, there)))


def vocabulary_texts() -> list[str]:
    """Texts that hold every word a caption can have, for the compact vocabulary."""
    words = [*COLOURS, *SHAPES, *(plural(shape) for shape in SHAPES), *RELATIONS]
    return [*words, "a an and , with next to two three one of the photo picture drawing ."]
