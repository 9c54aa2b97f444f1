"""Prompts with what is true of them, for layouts: the 400 of LLM-grounded Diffusion, and our own of two relations.

The paper's (arXiv 2305.13655, section 4; its scripts' classes, colours and seeds): 100 each of negation, numeracy 1-5,
attribution, spatial. Ours: two to eight things and two relations, in sentences of several forms. What is true is
written down where the sentence is made; nothing is parsed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

PREFIX = "A realistic photo of a scene"
CLASSES = ("backpack", "book", "bottle", "bowl", "car", "cat", "chair", "cup", "dog", "laptop")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "gray")
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")


@dataclass(frozen=True)
class Wanted:
    """A thing, and how many boxes it has. `words` must be in its captions."""

    words: tuple[str, ...]
    count: int = 1


@dataclass(frozen=True)
class Claim:
    """`kind` of the things at these places of `Case.things`; for "at …" only the first counts."""

    kind: str
    things: tuple[int, ...]


@dataclass(frozen=True)
class Case:
    task: str
    text: str
    things: tuple[Wanted, ...]
    claims: tuple[Claim, ...] = ()
    denied: tuple[str, ...] = ()
    """Words that no caption may have and that the negative prompt has."""


def paper() -> list[Case]:
    return [*_negation(), *_numeracy(), *_attribution(), *_spatial()]


def _negation() -> Iterator[Case]:
    for noun in CLASSES:
        for _ in range(10):
            yield Case("negation", f"{PREFIX} without {noun}s", (), denied=(noun,))


def _numeracy() -> Iterator[Case]:
    for number in range(1, 6):
        for noun in CLASSES:
            text = f"{PREFIX} with {NUMBERS[number]} {noun}{'s' * (number > 1)}"
            case = Case("numeracy", text, (Wanted((noun,), number),))
            yield from (case, case)


def _attribution() -> Iterator[Case]:
    for seed in range(100):
        random = np.random.RandomState(seed)
        colours, nouns = random.choice(COLOURS, 2, replace=False), random.choice(CLASSES, 2, replace=False)
        pairs = [(str(colour), str(noun)) for colour, noun in zip(colours, nouns, strict=True)]
        (c1, o1), (c2, o2) = pairs
        yield Case("attribution", f"{PREFIX} with a {c1} {o1} and a {c2} {o2}", tuple(Wanted(pair) for pair in pairs))


def _spatial() -> Iterator[Case]:
    for seed in range(25):
        random = np.random.RandomState(seed)
        for first, second in (("left", "right"), ("right", "left"), ("top", "bottom"), ("bottom", "top")):
            o1, o2 = map(str, random.choice(CLASSES, 2, replace=False))
            kind = {"left": "left of", "right": "right of", "top": "above", "bottom": "below"}[first]
            text = f"{PREFIX} with a {o1} on the {first} and a {o2} on the {second}"
            yield Case("spatial", text, (Wanted((o1,)), Wanted((o2,))), (Claim(kind, (0, 1)),))


# --- ours ---

OWN = 300
THINGS = (
    "cat", "dog", "horse", "rabbit", "owl", "fox", "bear", "lion", "turtle", "frog", "mouse", "elephant", "monkey",
    "bird", "car", "bicycle", "chair", "table", "bench", "sofa", "lamp", "vase", "bowl", "bottle", "book", "clock",
    "guitar", "umbrella", "suitcase", "balloon", "apple", "pumpkin", "robot", "child", "tree", "boat",
)  # fmt: skip
MANY = {"mouse": "mice", "child": "children", "bench": "benches", "fox": "foxes"}
FLAT = ("table", "bench", "chair", "sofa", "book", "suitcase")
SMALL = ("cat", "vase", "lamp", "bowl", "bottle", "clock", "apple", "owl", "rabbit", "frog", "pumpkin", "mouse")
SAID = {
    "left of": ("to the left of", "left of", "on the left of", "on the left side of"),
    "right of": ("to the right of", "on the right side of", "right of"),
    "above": ("above", "over"),
    "below": ("below",),
    "under": ("under", "underneath", "beneath"),
    "next to": ("next to", "beside"),
    "in front of": ("in front of",),
    "behind": ("behind",),
    "on": ("on", "on top of"),
}
AT = {
    "at left": ("on the left", "on the left side", "on the left side of the picture", "at the left"),
    "at right": ("on the right", "at the right edge", "on the right side"),
    "at top": ("at the top", "at the top of the picture"),
    "at bottom": ("at the bottom", "at the bottom of the image"),
    "at middle": ("in the middle", "in the center"),
    "at top left": ("at the top left", "in the top left corner", "in the upper left corner"),
    "at bottom right": ("in the bottom right corner", "at the bottom right", "in the lower right corner"),
}
STYLES = ("", "a photo of ", "an oil painting of ", "a watercolor of ", "A realistic photo of a scene with ")
SETTINGS = ("", "", " in a forest", " in a kitchen", " on a beach", " in a snowy park")


def own(seed: int = 2026) -> list[Case]:
    """The planner was written looking at those of seed 0."""
    random = np.random.default_rng(seed)
    forms = (_two_bonds, _chain, _places, _between, _bond_and_place, _list_and_bonds)
    return [forms[i % len(forms)](_Writer(random)) for i in range(OWN)]


class _Writer:
    """Draws things and says them."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.left = [str(noun) for noun in random.permutation(THINGS)]
        self.things: list[Wanted] = []

    def pick(self, choices: tuple[str, ...]) -> str:
        return str(self.random.choice(choices))

    def thing(self, most: int = 1, among: tuple[str, ...] = THINGS) -> tuple[int, str]:
        """(place in the list of things, noun phrase)"""
        noun = next(noun for noun in self.left if noun in among)
        self.left.remove(noun)
        count = int(self.random.integers(1, most + 1))
        colour = self.pick(COLOURS) if self.random.random() < 0.4 else ""
        self.things.append(Wanted(tuple(word for word in (colour, noun) if word), count))
        if count > 1:
            said = f"{NUMBERS[count]} {colour} {MANY.get(noun, noun + 's')}"
        else:
            said = f"{'an' if (colour or noun)[0] in 'aeiou' else 'a'} {colour} {noun}"
        return len(self.things) - 1, " ".join(said.split())

    def bond(self) -> tuple[str, str]:
        kind = self.pick(tuple(kind for kind in SAID if kind != "on"))
        return kind, self.pick(SAID[kind])

    def case(self, form: str, text: str, claims: list[Claim], opens: bool = False) -> Case:
        """`opens` with a place: then no "a photo of" stands before it."""
        denied: tuple[str, ...] = ()
        whole = ("" if opens else self.pick(STYLES)) + text + self.pick(SETTINGS)
        if self.random.random() < 0.25:
            denied = (self.left[0],)
            whole += f", without {MANY.get(denied[0], denied[0] + 's')}"
        return Case(form, whole, tuple(self.things), tuple(claims), denied)


def _two_bonds(w: _Writer) -> Case:
    """a cat left of a dog and two birds above a car"""
    (a, a_said), (b, b_said), (c, c_said), (d, d_said) = (w.thing(), w.thing(2), w.thing(2), w.thing())
    (k1, s1), (k2, s2) = w.bond(), w.bond()
    claims = [Claim(k1, (a, b)), Claim(k2, (c, d))]
    return w.case("two pairs", f"{a_said} {s1} {b_said} and {c_said} {s2} {d_said}", claims)


def _chain(w: _Writer) -> Case:
    """a cat to the left of a dog and above a mouse"""
    (a, a_said), (b, b_said), (c, c_said) = w.thing(), w.thing(), w.thing()
    side, height = w.pick(("left of", "right of", "next to")), w.pick(("above", "below"))
    claims = [Claim(side, (a, b)), Claim(height, (a, c))]
    verb = w.pick(("", "is ", "stands "))
    text = f"{a_said} {verb}{w.pick(SAID[side])} {b_said} and {w.pick(SAID[height])} {c_said}"
    return w.case("one thing, two relations", text, claims)


def _places(w: _Writer) -> Case:
    """a cat on the left and two dogs on the right"""
    (a, a_said), (b, b_said) = w.thing(2), w.thing(3)
    at = w.pick(("left right", "top bottom", "top left bottom right", "bottom right middle"))
    first, second = {"left right": ("at left", "at right"), "top bottom": ("at top", "at bottom"),
                     "top left bottom right": ("at top left", "at bottom right"),
                     "bottom right middle": ("at bottom right", "at middle")}[at]  # fmt: skip
    if second == "at middle":
        w.things[b] = Wanted(w.things[b].words, 1)
        b_said = f"a {' '.join(w.things[b].words)}"
    claims = [Claim(first, (a,)), Claim(second, (b,))]
    p1, p2 = w.pick(AT[first]), w.pick(AT[second])
    if w.random.random() < 0.3:
        return w.case("places", f"{p1} {a_said}, {p2} {b_said}", claims, opens=True)
    return w.case("places", f"{a_said} {p1}{w.pick((', ', ' and '))}{b_said} {p2}", claims)


def _between(w: _Writer) -> Case:
    """a lamp between a sofa and a chair, a vase on a table"""
    (a, a_said), (b, b_said), (c, c_said) = w.thing(), w.thing(), w.thing()
    (d, d_said), (e, e_said) = w.thing(2, SMALL), w.thing(1, FLAT)
    claims = [Claim("between", (a, b, c)), Claim("on", (d, e))]
    return w.case("between", f"{a_said} between {b_said} and {c_said}, {d_said} {w.pick(SAID['on'])} {e_said}", claims)


def _bond_and_place(w: _Writer) -> Case:
    """two cats next to a dog, a red ball at the top left"""
    (a, a_said), (b, b_said), (c, c_said) = w.thing(2), w.thing(), w.thing()
    kind, said = w.bond()
    at = w.pick(tuple(AT))
    claims = [Claim(kind, (a, b)), Claim(at, (c,))]
    return w.case("relation and place", f"{a_said} {said} {b_said}, {c_said} {w.pick(AT[at])}", claims)


def _list_and_bonds(w: _Writer) -> Case:
    """a cat, two birds, a dog next to a car, and a boat below a tree"""
    listed = [w.thing(2)[1] for _ in range(int(w.random.integers(1, 3)))]
    (a, a_said), (b, b_said), (c, c_said), (d, d_said) = (w.thing() for _ in range(4))
    k1, k2 = w.pick(("left of", "right of", "next to")), w.pick(("above", "below", "in front of"))
    claims = [Claim(k1, (a, b)), Claim(k2, (c, d))]
    # A full stop: "a cat, a dog next to a car" may well say that the cat is there too.
    first = f"{' and '.join(listed)}. {a_said.capitalize()} {w.pick(SAID[k1])} {b_said}"
    return w.case("list and two pairs", f"{first}, and {c_said} {w.pick(SAID[k2])} {d_said}", claims)
