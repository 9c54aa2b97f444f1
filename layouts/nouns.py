"""One and many: "two mice" is two boxes with "a mouse"."""

from __future__ import annotations

from ..prompts.lexicon import NUMBERS, TWO_SIDED, words
from ..prompts.open_lexicon import classes

IRREGULAR = {
    "mice": "mouse", "geese": "goose", "people": "person", "men": "man", "women": "woman", "children": "child",
    "feet": "foot", "teeth": "tooth", "wolves": "wolf", "knives": "knife", "leaves": "leaf", "loaves": "loaf",
    "shelves": "shelf", "calves": "calf", "halves": "half", "elves": "elf", "scarves": "scarf", "wives": "wife",
    "oxen": "ox", "dice": "die", "cacti": "cactus", "firemen": "fireman", "snowmen": "snowman",
    "policemen": "policeman", "fishermen": "fisherman", "octopi": "octopus", "thieves": "thief",
    "tomatoes": "tomato", "potatoes": "potato", "mangoes": "mango",
}  # fmt: skip
SAME = words("sheep fish deer aircraft spacecraft bison moose swine salmon trout squid series species")
PEOPLE = words(
    """
    person man woman boy girl child kid lady gentleman guy soldier king queen knight princess prince wizard witch
    astronaut pirate chef doctor nurse teacher farmer dancer baby people
    """
)
TO_MANY = {one: many for many, one in IRREGULAR.items()}
NUMBER_WORDS = {number: word for word, number in reversed(NUMBERS.items()) if word not in ("a", "an", "another")}
NUMBER_WORDS |= {1: "one", 2: "two", 12: "twelve"}


def singular(noun: str) -> str:
    """Of the noun's last word: "red pandas" -> "red panda"."""
    head, _, last = noun.rpartition(" ")
    return f"{head} {_one(last)}".strip()


def _one(word: str) -> str:
    lower = word.lower()
    if lower in IRREGULAR:
        return IRREGULAR[lower]
    if not is_plural(lower):
        return word
    if _names(word[:-1]):
        return word[:-1]
    if lower.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if lower.endswith("es") and _names(word[:-2]) else word[:-1]


def _names(word: str) -> bool:
    """A noun that the lexicon has."""
    return "n" in classes(word).lower()


def is_plural(word: str) -> bool:
    lower = word.lower().rpartition(" ")[2]
    if lower in IRREGULAR:
        return True
    if lower in SAME or lower in TWO_SIDED or not lower.endswith("s") or lower.endswith(("ss", "us", "is")):
        return False
    known = classes(lower)
    return "P" in known or not known


def plural(noun: str) -> str:
    head, _, last = noun.rpartition(" ")
    return f"{head} {_many(last)}".strip()


def _many(word: str) -> str:
    lower = word.lower()
    if lower in TO_MANY:
        return TO_MANY[lower]
    if lower in SAME or lower in TWO_SIDED or is_plural(lower):
        return word
    if lower.endswith("y") and lower[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if lower.endswith(("s", "x", "z", "ch", "sh")) else "s")


def with_article(phrase: str) -> str:
    """ "an orange cat"; by the first letter, as good as always right for what can be drawn."""
    lower = phrase.lower()
    vowel = lower[:1] in tuple("aeiou") and not lower.startswith(("uni", "use", "eu", "one"))
    return f"{'an' if vowel or lower.startswith(('hour', 'x-ray')) else 'a'} {phrase}"


def without_article(phrase: str) -> str:
    first, _, rest = phrase.partition(" ")
    return rest if first.lower() in ("a", "an", "the", "one") and rest else phrase


def counted(number: int, caption: str) -> str:
    """ "a red cat", 3 -> "three red cats"; captions keep their own article where there is one of them."""
    if number == 1:
        return caption
    return f"{NUMBER_WORDS.get(number, str(number))} {plural(without_article(caption))}"
