"""What a prompt asks of a layout: things, how many, where, and what is only the scene around them.

The parse says what the things are. Where they are is read here, by words: the place of one thing ("on the left") and
the place beside another ("left of a dog"), each tied to the noun it stands at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..prompts import lexicon
from ..prompts.types import ParsedPrompt, Subject
from .nouns import PEOPLE, counted, is_plural, singular, with_article

SETTINGS = lexicon.words(
    """
    scene beach forest meadow field kitchen room bedroom bathroom office street road city town village park garden
    desert sky sea ocean lake river pond snow grass lawn ground floor wall background landscape jungle woods
    mountains hills farm library restaurant cafe bar studio museum school market station airport harbor harbour
    backyard yard countryside space classroom living-room hallway savanna savannah swamp cave sand water sidewalk
    pavement classroom playground stage underwater landscape valley coast shore riverbank hillside environment
    """
)
"""Scenery: it goes into the background, not into a box."""
UNBOXED = lexicon.words("light shadow reflection wind rain fog mist sunlight moonlight sunset sunrise smoke weather")
WORN = lexicon.words(
    """
    hat cap crown helmet scarf collar coat jacket dress skirt shirt blouse suit sweater hoodie uniform robe cape cloak
    shoes boots gloves glasses sunglasses goggles tie bowtie necklace earrings ring belt apron mask armor armour jeans
    pants trousers shorts socks kimono costume bikini swimsuit veil ribbon bow backpack hair beard mustache moustache
    eyes ears tail wings horns fur feathers mane paws claws beak teeth smile face skin hands arms legs spots stripes
    eye ear wing horn paw hand arm leg leash saddle bandana handbag
    """
)
"""What a thing has on or about itself: it belongs into the thing's box and caption."""
HAS = re.compile(
    r"\s+(?:(?:who|that|which)\s+)?(?:is\s+|are\s+)?(?P<word>wearing|wears|holding|holds|carrying|carries|with|in|having)\s+"
    r"(?:(?:an?|the|his|her|its|their|two|some)\s+)?(?:pair\s+of\s+)?",
    re.IGNORECASE,
)
AND = re.compile(r"\s*(?:,|\band\b|,\s*and\b)\s*(?:(?:an?|the|his|her|its|their)\s+)?", re.IGNORECASE)
IT = re.compile(r"\s+(?:it|them)\b", re.IGNORECASE)
VAGUE = {"several": 4, "some": 3, "few": 3, "many": 6, "multiple": 4, "various": 4, "numerous": 6, "lots": 6}
"""Words for a number that is not said, and how many boxes they get."""
PLURAL = 3
"""Boxes for "cats"."""
MOST = 12
"""More of one thing than this share one box."""

SIDES = {
    "left": ("left", None), "right": ("right", None), "top": (None, "top"), "upper": (None, "top"),
    "bottom": (None, "bottom"), "lower": (None, "bottom"), "middle": ("center", "middle"),
    "center": ("center", "middle"), "centre": ("center", "middle"), "background": (None, "far"),
    "distance": (None, "far"), "foreground": (None, "near"),
}  # fmt: skip
_SIDE = "left|right|top|upper|bottom|lower|middle|center|centre|background|foreground|distance"
_PART = "corner|side|half|part|edge|third|hand"
NO_THINGS = frozenset({*SIDES, *_PART.split("|")})
"""Places that a parser may take for things."""
_PICTURE = "picture|image|photo|photograph|scene|canvas|frame|painting|drawing|illustration|shot|room|view|screen"
PLACE = re.compile(
    rf"\b(?:in|at|on|to|towards?|near)\s+(?:the\s+)?(?:far\s+|very\s+|exact\s+)?(?P<sides>(?:{_SIDE})"
    rf"(?:[\s-]+(?:{_SIDE}))?)(?:[\s-]+(?:{_PART})){{0,2}}"
    rf"(?:\s+of\s+(?:the|an?|this)\s+(?:{_PICTURE})\b)?(?!\s+of\b)(?![\w-])(?![\s-]+(?:{_PART}|{_SIDE})\b)",
    re.IGNORECASE,
)
_KINDS = ((number, pattern.replace(" ", r"\s+")) for number, (_, pattern) in enumerate(lexicon.RELATIONS))
RELATION = re.compile("|".join(rf"(?P<k{number}>\b(?:{pattern})\b)" for number, pattern in _KINDS), re.IGNORECASE)
JOINED = re.compile(r"\s*,?\s*and\s+(?:an?|the|\w+)?\s*", re.IGNORECASE)
LISTED = re.compile(r"\s*,?\s*(?:and\s+)?(?:an?|the|\w+)?\s*", re.IGNORECASE)
"""Between things that share what is said behind them: "a bird, a cat and a dog on a sofa"."""
NO_THING_BEHIND = (
    r"(?:and|or|with|of|in|on|at|to|by|from|next|near|beside|under|beneath|behind|above|below|over|between|inside|while|as|"
    r"wearing|holding|looking|facing|but)\b"
)
TIES = ("in ", "on ", "at ", "near ", "by ", "over ", "above ", "along ", "inside ", "across ", "through ")
"""Words that tie scenery to the rest: "on a beach"."""


@dataclass
class Thing:
    """`count` boxes of one kind."""

    caption: str
    """Singular, with its article: "a red cat"."""
    noun: str
    modifiers: tuple[str, ...]
    count: int
    subject: int
    """Index in `ParsedPrompt.subjects`."""
    places: list[tuple[str | None, str | None]] = field(default_factory=list)
    """Where in the picture: (left, center or right; top, middle, bottom, far or near)."""


@dataclass(frozen=True)
class Bond:
    """`things[first]` is `kind` `things[second]`, and `third` where the kind is "between" two things."""

    kind: str
    first: int
    second: int
    third: int | None = None


@dataclass
class Asked:
    things: list[Thing]
    bonds: list[Bond]
    background: str
    negative: str
    notes: list[str]


def read_asked(prompt: ParsedPrompt) -> Asked:
    return _Reader(prompt).read()


class _Reader:
    def __init__(self, prompt: ParsedPrompt) -> None:
        self.prompt = prompt
        self.text = prompt.plain
        self.notes: list[str] = []
        self.things: list[Thing] = []
        self.thing_of: dict[int, int] = {}
        """Subject -> thing; subjects that are scenery have none."""
        self.objects: dict[int, list[int]] = {}
        """Subject that stands behind a relation -> the things that the relation is said of."""
        self.dressed: set[int] = set()
        """Subjects that are in the caption of another."""
        self.order = sorted(range(len(prompt.subjects)), key=lambda i: prompt.subjects[i].noun.start)

    def read(self) -> Asked:
        for index in self.order:
            self._add(index)
        bonds = [*self._places_and_bonds()]
        negative = ", ".join(dict.fromkeys(subject.text for subject in self.prompt.excluded))
        return Asked(self.things, list(dict.fromkeys(bonds)), self._background(), negative, self.notes)

    # --- things ---

    def _add(self, index: int) -> None:
        subject = self.prompt.subjects[index]
        noun = singular(subject.noun.text.lower().replace("-", " ") if "-" in subject.noun.text else subject.noun.text)
        if self._is_scenery(subject, noun) or subject.noun.text.lower() in NO_THINGS:
            return
        noun = noun.lstrip("0123456789") or noun
        owner = self._owner(index)
        if owner is not None:
            self._dress(owner, index)
            return
        earlier = self._mentioned(subject, noun)
        if earlier is not None:
            self.thing_of[index] = earlier
            return
        self.thing_of[index] = len(self.things)
        modifiers = tuple(word.text for word in subject.modifiers if word.text.lower() not in SIDES)
        before = [word.text for word in subject.modifiers if word.text.lower() not in SIDES]
        caption = " ".join([*before, noun])
        count = self._count(subject, caption)
        if count > MOST:
            self.notes.append(f"{count} {caption} is more than {MOST} boxes can show: all share one box.")
            caption, count = counted(count, caption), 1
        else:
            caption = with_article(caption)
        self.things.append(Thing(caption, noun, modifiers, count, index))

    def _owner(self, index: int) -> int | None:
        """The subject that wears or holds it: the cat of "a cat wearing a hat"."""
        before = [i for i in self.order if i in self.thing_of and self._start(i) < self._start(index)]
        if not before:
            return None
        noun, last = self.prompt.subjects[index].noun, before[-1]
        between = self.text[self.prompt.subjects[last].noun.stop : self._start(index)]
        worn = noun.text.lower().rpartition(" ")[2] in WORN
        has = HAS.fullmatch(between)
        if has is not None:
            return last if worn or has["word"].lower() not in ("with", "in", "having") else None
        dressed = last in self.dressed or self.things[self.thing_of[last]].noun.lower() in PEOPLE
        return last if worn and dressed and AND.fullmatch(between) else None

    def _dress(self, owner: int, index: int) -> None:
        """The worn thing goes into the caption of its owner, and stands for it in what follows."""
        thing = self.thing_of[owner]
        stop = self.prompt.subjects[owner].noun.stop
        self.things[thing].caption += self.text[stop : self.prompt.subjects[index].noun.stop]
        self.thing_of[index] = thing
        self.dressed.add(index)

    @staticmethod
    def _is_scenery(subject: Subject, noun: str) -> bool:
        words = {noun.lower().rpartition(" ")[2], subject.noun.text.lower().rpartition(" ")[2]}
        return bool(words & (SETTINGS | UNBOXED))

    def _is_scene(self, index: int) -> bool:
        return index not in self.thing_of and self.prompt.subjects[index].noun.text.lower() not in NO_THINGS

    def _mentioned(self, subject: Subject, noun: str) -> int | None:
        """ "the table" of "a cat under a table, a dog on the table": the same thing again."""
        if not re.search(r"\bthe\s+(?:\w+[\s-]+){0,3}$", self.text[: subject.noun.start], re.IGNORECASE):
            return None
        own = {word.text.lower() for word in subject.modifiers}
        for at in range(len(self.things) - 1, -1, -1):
            thing = self.things[at]
            if thing.noun.lower() == noun.lower() and own <= {word.lower() for word in thing.modifiers}:
                return at
        return None

    def _count(self, subject: Subject, caption: str) -> int:
        start = min(word.start for word in (subject.noun, *subject.modifiers) if word.start <= subject.noun.start)
        near = re.findall(r"\w+", self.text[:start].lower())[-3:]
        vague = next((word for word in reversed(near) if word in VAGUE), None)
        if vague is not None and is_plural(subject.noun.text):
            self.notes.append(f"{vague!r} is no number: {VAGUE[vague]} boxes for {caption}.")
            return VAGUE[vague]
        if subject.count is not None:
            return max(1, subject.count)
        if is_plural(subject.noun.text) and not re.search(rf"\b{re.escape(subject.noun.text)}\s+of\b", self.text):
            self.notes.append(f"The prompt does not say how many of {subject.noun.text!r}: {PLURAL} boxes.")
            return PLURAL
        return 1

    # --- where ---

    def _places_and_bonds(self) -> Iterator[Bond]:
        """In the order of the text: a thing behind a relation has been spoken of, and shares no later place."""
        places = list(PLACE.finditer(self.text))
        taken = [match.span() for match in places]
        relations = [
            match for match in RELATION.finditer(self.text)
            if not any(start < match.end() and match.start() < stop for start, stop in taken)
        ]  # fmt: skip
        for match in sorted((*places, *relations), key=lambda match: match.start()):
            if match.re is PLACE:
                self._place(match)
            else:
                yield from self._bond(match)

    def _place(self, match: re.Match[str]) -> None:
        horizontal, vertical = None, None
        sides = re.split(r"[\s-]+", match["sides"].lower())
        for side in sides:
            h, v = SIDES[side]
            exact = len(sides) == 1 or side not in ("middle", "center", "centre")
            horizontal, vertical = (h if h and exact else horizontal), (v if v and exact else vertical)
        if len(sides) == 2 and {"middle", "center", "centre"} & set(sides):
            horizontal, vertical = horizontal or "center", vertical or "middle"
        for thing in self._placed_things(match):
            self.things[thing].places.append((horizontal, vertical))

    def _placed_things(self, match: re.Match[str]) -> list[int]:
        before, after = self.text[: match.start()].rstrip(), self.text[match.end() :]
        opens = not before or before[-1] in ".;:!?\n|" or before.lower().endswith((" of", " with"))
        joined = before.endswith(",") or before.lower().endswith(" and")
        if opens or joined and re.match(rf"\s+(?!{NO_THING_BEHIND})\w", after):
            following = self._next(match.end())
            return [] if following is None else [following]
        return self._previous(match.start())

    def _bond(self, match: re.Match[str]) -> Iterator[Bond]:
        kind = next(lexicon.RELATIONS[int(name[1:])][0] for name, text in match.groupdict().items() if text)
        if IT.match(self.text, match.end()):
            yield from self._said_of_it(match, kind)
            return
        target = self._object(match.end())
        if target is None:
            return
        object_subject, second = target
        if second is None:
            if kind == "inside" and "middle" in match.group().lower():
                for thing in self._previous(match.start()):
                    self.things[thing].places.append(("center", "middle"))
            return
        pair = self._second_of_pair(object_subject) if kind == "between" else None
        third = None if pair is None else self.thing_of[pair]
        governors = self._governors(match, kind, object_subject, third)
        said_of = [thing for thing in governors if thing not in (second, third)]
        for subject in (object_subject, pair):
            if subject is not None:
                self.objects.setdefault(subject, []).extend(said_of)
        yield from (Bond(kind, first, second, third) for first in said_of)

    def _said_of_it(self, match: re.Match[str], kind: str) -> Iterator[Bond]:
        """ "a table with two cups on it"."""
        firsts = self._previous(match.start())
        others = [thing for thing in range(len(self.things)) if thing not in firsts and thing < min(firsts, default=0)]
        if others and kind != "between":
            yield from (Bond(kind, first, others[-1]) for first in firsts)

    def _object(self, stop: int) -> tuple[int, int | None] | None:
        """(subject, its thing or None for scenery) whose phrase begins right behind the relation."""
        for index in self.order:
            noun = self.prompt.subjects[index].noun
            if noun.start >= stop:
                between = self.text[stop : noun.start]
                near = len(between.split()) <= 6 and not re.search(r"[.;:!?\n]", between)
                return (index, self.thing_of.get(index)) if near else None
        return None

    def _second_of_pair(self, first: int) -> int | None:
        """The chair of "between a sofa and a chair"."""
        later = [i for i in self.order if self.prompt.subjects[i].noun.start > self.prompt.subjects[first].noun.start]
        if not later or later[0] not in self.thing_of:
            return None
        between = self.text[self.prompt.subjects[first].noun.stop : self._start(later[0])]
        return later[0] if re.match(r"\s+and\b", between) else None

    def _start(self, index: int) -> int:
        subject = self.prompt.subjects[index]
        return min([subject.noun.start, *(word.start for word in subject.modifiers)])

    def _governors(self, match: re.Match[str], kind: str, object_subject: int, third: int | None) -> list[int]:
        """The things that the relation is said of."""
        before = self.text[: match.start()].rstrip()
        if not before or before[-1] in ".;:!?\n|":
            behind = self.prompt.subjects[object_subject].noun.stop
            following = self._next(behind, skip=third)
            return [] if following is None else [following]
        nearest = self._nearest(match.start())
        if nearest is None:
            return []
        chained = self.objects.get(nearest)
        if not chained:
            return self._previous(match.start())
        between = self.text[self.prompt.subjects[nearest].noun.stop : match.start()]
        if re.search(r",|\band\b", between):
            return chained
        parsed = [r.subject for r in self.prompt.relations if r.kind == kind and r.object == object_subject]
        return [self.thing_of[i] for i in parsed if i in self.thing_of] or self._previous(match.start())

    def _nearest(self, start: int) -> int | None:
        before = [i for i in self.order if self.prompt.subjects[i].noun.stop <= start and i in self.thing_of]
        return before[-1] if before else None

    def _next(self, stop: int, skip: int | None = None) -> int | None:
        return next(
            (
                self.thing_of[i] for i in self.order
                if self.prompt.subjects[i].noun.start >= stop and i in self.thing_of and self.thing_of[i] != skip
            ),
            None,
        )  # fmt: skip

    def _previous(self, start: int) -> list[int]:
        """The nearest thing before, and those joined to it by "and": "a cat and a dog on the left" are both there."""
        before = [i for i in self.order if self.prompt.subjects[i].noun.stop <= start and i in self.thing_of]
        group = before[-1:]
        for other in reversed(before[:-1]):
            between = self.text[self.prompt.subjects[other].noun.stop : self._start(group[0])]
            if other in self.objects or not (JOINED if len(group) == 1 else LISTED).fullmatch(between):
                break
            group.insert(0, other)
        return list(dict.fromkeys(self.thing_of[i] for i in group))

    # --- the scene ---

    def _background(self) -> str:
        scenery = [self._scenery_phrase(i) for i in self.order if self._is_scene(i)]
        head = self._medium()
        first = "a scene" if self.things or not scenery else ""
        places = " ".join(text for text in scenery if text not in head)
        if head and places and not re.search(r"\bscene$", head):
            head = f"{head} of a scene" if self.things else f"{head} of"
        whole = " ".join(part for part in (head or first, places) if part)
        looks = [text for text, reason in self.prompt.left_out if reason in ("style", "light", "quality")
                 and text.lower() not in whole.lower() and not _is_medium(text)]  # fmt: skip
        return ", ".join([whole or "a realistic scene", *looks])

    def _medium(self) -> str:
        """ "an oil painting of a scene": what stands before the first thing, where it speaks of the picture."""
        thing_starts = [self._start(i) for i in self.order]
        scene = re.match(r"(?:\w+[\s-]+){0,6}?scene\b", self.text, re.IGNORECASE)
        if scene and not any(self._start(i) < scene.end() for i in self.thing_of):
            return scene.group()
        head = self.text[: min(thing_starts)] if thing_starts else self.text
        picture = re.match(rf"(?:\w+[\s-]+){{0,4}}?(?:{'|'.join(sorted(lexicon.MEDIUM))})\b", head, re.IGNORECASE)
        return picture.group() if picture else ""

    def _scenery_phrase(self, index: int) -> str:
        """ "on a sunny beach", with the word in front that ties it."""
        start = self._start(index)
        noun = self.prompt.subjects[index].noun
        ties = "|".join(map(str.strip, TIES))
        head = re.search(rf"(?:\b(?:{ties})\s+)?(?:\b(?:an?|the|some)\s+)?$", self.text[:start], re.IGNORECASE)
        tie = head.group() if head else ""
        inside = "in " if self.things and not tie.lower().startswith(TIES) else ""
        return f"{inside}{tie}{self.text[start : noun.stop]}"


def _is_medium(text: str) -> bool:
    return text.lower().rpartition(" ")[2] in lexicon.MEDIUM
