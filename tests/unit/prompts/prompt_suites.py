"""Prompts whose subjects are known because they were put together from them. Run it to write tests/data again."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

DATA = Path(__file__).resolve().parents[2] / "data"

ANIMALS = "cat dog bird bear lion horse elephant monkey frog turtle rabbit mouse".split()  # noqa: SIM905
OBJECTS = "backpack glasses crown suitcase chair balloon bow car bowl bench clock apple".split()  # noqa: SIM905
COLOURS = "red orange yellow green blue purple pink brown gray black white".split()  # noqa: SIM905
WORN = ("glasses", "crown", "bow")

DVMP_OBJECTS = [*OBJECTS, *"guitar lamp table vase umbrella hat".split()]  # noqa: SIM905
DVMP_FRUITS = ["banana", "pear", "orange", "strawberry"]
DVMP_ANIMALS = [*ANIMALS, "fox", "panda", "zebra", "owl"]
DVMP_COLOURS = [*COLOURS, "beige", "turquoise"]
DVMP_MODIFIERS = {
    "animal": ["furry", "baby", "spotted", "sleepy"],
    "object": ["modern", "spotted", "wooden", "metal", "curved", "spiky", "checkered"],
    "fruit": ["sliced", "skewered"],
}


def group(noun: str, *modifiers: str) -> dict:
    return {"count": 1, "modifiers": list(modifiers), "noun": noun}


def attend_and_excite(seed: int = 0) -> Iterator[dict]:
    """The 276 prompts of the paper's evaluation; colours were drawn once, here by our own seed. The grammar is raw: "a
    orange apple", but "an elephant"."""
    rng = Random(seed)
    for first, second in itertools.combinations(ANIMALS, 2):
        yield row(f"{article(first)} {first} and {article(second)} {second}", group(first), group(second))
    for animal, thing in itertools.product(ANIMALS, OBJECTS):
        if thing in WORN:
            yield row(f"{article(animal)} {animal} with a {thing}", group(animal), group(thing))
        else:
            colour = rng.choice(COLOURS)
            yield row(f"{article(animal)} {animal} and a {colour} {thing}", group(animal), group(thing, colour))
    for first, second in itertools.combinations(OBJECTS, 2):
        a, b = rng.choice(COLOURS), rng.choice(COLOURS)
        yield row(f"a {a} {first} and a {b} {second}", group(first, a), group(second, b))


def article(noun: str) -> str:
    return "an" if noun == "elephant" else "a"


def dvmp(count: int = 1200, seed: int = 7) -> Iterator[dict]:
    """The recipe of SynGen's DVMP set: one to three phrases, up to two modifiers each and perhaps a colour before
    them."""
    rng = Random(seed)
    while count:
        groups = [dvmp_group(rng) for _ in range(rng.randint(1, 3))]
        if any(found["modifiers"] for found in groups):
            count -= 1
            yield row(" and ".join(dvmp_phrase(found) for found in groups), *groups)


def dvmp_group(rng: Random) -> dict:
    kind, nouns = rng.choice([("object", DVMP_OBJECTS), ("fruit", DVMP_FRUITS), ("animal", DVMP_ANIMALS)])
    modifiers = rng.sample(DVMP_MODIFIERS[kind], rng.randint(0, 1 if kind == "fruit" else 2))
    colour = [rng.choice(DVMP_COLOURS)] if rng.random() < 1 / 3 else []
    return group(rng.choice(nouns), *colour, *modifiers)


def dvmp_phrase(found: dict) -> str:
    words = [*found["modifiers"], found["noun"]]
    return " ".join(["an" if words[0][0] in "aeiou" else "a", *words])


def row(text: str, *groups: dict) -> dict:
    return {"text": text, "subjects": list(groups)}


def read(name: str) -> list[dict]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def write(name: str, rows: Iterator[dict]) -> None:
    (DATA / name).write_text("".join(json.dumps(found) + "\n" for found in rows), encoding="utf-8")


if __name__ == "__main__":
    write("prompts_attend_and_excite.jsonl", attend_and_excite())
    write("prompts_dvmp.jsonl", dvmp())
