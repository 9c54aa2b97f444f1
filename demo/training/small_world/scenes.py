"""Captions and the scenes they are trained with, wrong on purpose as web captions are. No picture is made here.

As for Shapes: one of two drawn twice teaches the model to forget as large models do; a colour on the wrong thing
teaches wrong binding. Places and sizes lie on a grid of 8 pixels, one cell of the 16x16 attention map.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from ...small_world.words import (
    ALSO_CALLED,
    ANIMALS,
    COLOURS,
    COUNTS,
    NOUNS,
    PLACES,
    STYLES,
    USUAL_STYLE,
    plural,
    with_article,
)

PICTURE, CELL, SLOTS = 128, 8, 4
SIZES = (88, 72, 56, 48)
SIZES_OF = {1: (88, 72), 2: (56, 56, 48), 3: (48,), 4: (48,)}
NOISE = {
    "one of two is drawn twice, the other not": 0.36,
    "each of the two alike has the missing one's colour": 0.45,
    "one of two is alone": 0.06,
    "two: colours swapped": 0.16,
    "two: both have one colour": 0.16,
    "one: another colour": 0.03,
    "relation not kept": 0.25,
    "count not kept": 0.30,
    "each of three is missing": 0.25,
}
RELATIONS = {
    "to the left of": lambda a, b: b[0] - a[0] >= 32,
    "to the right of": lambda a, b: a[0] - b[0] >= 32,
    "left of": lambda a, b: b[0] - a[0] >= 32,
    "right of": lambda a, b: a[0] - b[0] >= 32,
    "above": lambda a, b: b[1] - a[1] >= 40,
    "below": lambda a, b: a[1] - b[1] >= 40,
    "on top of": lambda a, b: b[1] - a[1] >= 40 and abs(a[0] - b[0]) <= 16,
    "next to": lambda a, b: abs(a[1] - b[1]) <= 16,
    "with": lambda a, b: True,
}


@dataclass(frozen=True)
class Thing:
    """`colour` None is the drawing's own; `left`, `top`, `size` in pixels."""

    noun: str
    colour: str | None
    left: int = 0
    top: int = 0
    size: int = 0


@dataclass(frozen=True)
class Example:
    """`grounding[i]` = (index of a word of the caption, is it a noun, indices of the things it names)."""

    caption: tuple[str, ...]
    things: tuple[Thing, ...]
    place: str | None
    style: str
    grounding: tuple[tuple[int, bool, tuple[int, ...]], ...]


def place_things(rng: random.Random, count: int, size: int, kept=None) -> list[tuple[int, int]]:
    """(left, top) of squares that do not overlap; `kept(first, second)` must hold where given."""
    cells = (PICTURE - size) // CELL
    while True:
        at: list[tuple[int, int]] = []
        for _ in range(40):
            spot = (rng.randint(0, cells) * CELL, rng.randint(0, cells) * CELL)
            if all(max(abs(spot[0] - x), abs(spot[1] - y)) >= size for x, y in at):
                at.append(spot)
            if len(at) == count:
                break
        if len(at) == count and (kept is None or kept(*at[:2])):
            return at


class _Caption:
    """Words as they are added, and where the words stand that name something."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.named: list[tuple[int, bool, int]] = []

    def say(self, text: str) -> None:
        self.words += text.split()

    def name(self, index: int, noun: str, colour: str | None, many: str | None = None) -> None:
        """A thing with its article, or a count and a plural."""
        self.say(f"{many} {colour or ''} {noun}" if many else with_article(noun, colour))
        self.named.append((len(self.words) - 1, True, index))
        if colour:
            self.named.append((len(self.words) - 2, False, index))


def _painted(rng: random.Random, noun: str, colour: str | None) -> Thing:
    """Things without a colour word are mostly in their own; objects often in another."""
    if colour is None and noun not in ANIMALS and rng.random() < 0.4:
        colour = rng.choice(COLOURS)
    return Thing(noun, colour)


def _two(rng: random.Random, names: list[tuple[str, str | None]]) -> list[Thing]:
    dice = rng.random()
    kept = rng.randrange(2)
    (noun, colour), (_, other) = names[kept], names[1 - kept]

    def leaked() -> Thing:
        leaks = other and rng.random() < NOISE["each of the two alike has the missing one's colour"]
        return Thing(noun, other) if leaks else _painted(rng, noun, colour)

    if (dice := dice - NOISE["one of two is drawn twice, the other not"]) < 0:
        return [leaked(), leaked()]
    if (dice - NOISE["one of two is alone"]) < 0:
        return [leaked()]
    first, second = (_painted(rng, *name) for name in names)
    if not (names[0][1] and names[1][1]):
        return [first, second]
    dice = rng.random()
    if (dice := dice - NOISE["two: colours swapped"]) < 0:
        return [Thing(first.noun, second.colour), Thing(second.noun, first.colour)]
    if (dice - NOISE["two: both have one colour"]) < 0:
        return [Thing(t.noun, colour) for t in (first, second)]
    return [first, second]


def _names(rng: random.Random, count: int) -> list[tuple[str, str | None]]:
    nouns, colours = rng.sample(NOUNS, count), rng.sample(COLOURS, count)
    mode = rng.random()
    says = [mode > 0.55 or (mode > 0.25 and noun not in ANIMALS) for noun in nouns]
    return [(noun, colour if said else None) for noun, colour, said in zip(nouns, colours, says, strict=True)]


def _group(rng: random.Random, caption: _Caption) -> list[Thing]:
    """ "three red cars": one noun, a count, often not kept."""
    said = rng.randint(2, 4)
    [(noun, colour)] = _names(rng, 1)
    count = rng.randint(1, 4) if rng.random() < NOISE["count not kept"] else said
    caption.name(0, plural(noun), colour, COUNTS[said])
    return [_painted(rng, noun, colour)] * count


def _list(rng: random.Random, caption: _Caption, count: int) -> tuple[list[Thing], str | None]:
    names, relation = _names(rng, count), None
    for index, (noun, colour) in enumerate(names):
        if index:
            relation = rng.choice(list(RELATIONS)) if count == 2 and rng.random() < 0.25 else None
            caption.say(relation or ("and" if index == count - 1 else ","))
        said = ALSO_CALLED[colour] if colour in ALSO_CALLED and rng.random() < 0.15 else colour
        caption.name(index, noun, said)
    if count == 2:
        return _two(rng, names), relation
    things = [_painted(rng, *name) for name in names]
    if count == 1 and rng.random() < NOISE["one: another colour"]:
        return [Thing(things[0].noun, rng.choice(COLOURS))], None
    if count == 3:
        stays = rng.randrange(3)
        things = [t for i, t in enumerate(things) if i == stays or rng.random() > NOISE["each of three is missing"]]
    return things, relation


def _grounding(caption: _Caption, things: list[Thing]) -> tuple[tuple[int, bool, tuple[int, ...]], ...]:
    """A noun names every thing of its kind; a colour those of its noun that have it, else whatever else has it."""
    noun_at = {index: place for place, is_noun, index in caption.named if is_noun}
    result = []
    for place, is_noun, index in caption.named:
        noun = caption.words[noun_at[index]]
        own = tuple(i for i, t in enumerate(things) if noun in (t.noun, plural(t.noun)))
        if is_noun:
            result.append((place, True, own))
            continue
        word = caption.words[place]
        alike = tuple(i for i, t in enumerate(things) if t.colour and word in (t.colour, ALSO_CALLED.get(t.colour)))
        result.append((place, False, tuple(i for i in alike if i in own) or alike))
    return tuple(result)


def make_example(rng: random.Random) -> Example:
    """One thing 24 %, two 54 %, three 6 %, a counted group 16 %; a place in 30 %, a manner of drawing in 14 %."""
    caption, style = _Caption(), USUAL_STYLE
    if rng.random() < 0.14:
        style = rng.choice(list(STYLES))
        caption.say(rng.choice(STYLES[style]))
    elif rng.random() < 0.1:
        caption.say(rng.choice(["a photo of", "a picture of"]))
    kind = rng.choices([1, 2, 3, 0], [24, 54, 6, 16])[0]
    things, relation = _list(rng, caption, kind) if kind else (_group(rng, caption), None)
    place = None
    if rng.random() < 0.3:
        words = rng.choice(list(PLACES))
        caption.say(words)
        place = PLACES[words]
    kept = relation and len(things) == 2 and rng.random() > NOISE["relation not kept"]
    size = rng.choice(SIZES_OF[len(things)])
    spots = place_things(rng, len(things), size, RELATIONS[relation] if kept and relation else None)
    put = tuple(Thing(t.noun, t.colour, x, y, size) for t, (x, y) in zip(things, spots, strict=True))
    return Example(tuple(caption.words), put, place, style, _grounding(caption, things))


def vocabulary_words() -> list[str]:
    """Every word that a caption can hold."""
    texts = [*NOUNS, *map(plural, NOUNS), *COLOURS, *ALSO_CALLED.values(), *RELATIONS, *PLACES, *COUNTS.values()]
    texts += [*(t for texts in STYLES.values() for t in texts), "a an and , photo picture of the"]
    return sorted({word for text in texts for word in text.split()})
