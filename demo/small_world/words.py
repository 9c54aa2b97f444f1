"""What Small World can say: its nouns, colours, places and manners of drawing."""

from __future__ import annotations

ANIMALS = (
    "cat",
    "dog",
    "bird",
    "bear",
    "lion",
    "horse",
    "elephant",
    "monkey",
    "frog",
    "turtle",
    "rabbit",
    "mouse",
)
OBJECTS = (
    "backpack",
    "glasses",
    "crown",
    "suitcase",
    "chair",
    "balloon",
    "bow",
    "car",
    "bowl",
    "bench",
    "clock",
    "apple",
)
OTHERS = (
    "sunflower",
    "flamingo",
    "strawberry",
    "bicycle",
    "house",
    "tree",
    "star",
    "cake",
    "cup",
    "hat",
    "fish",
    "ball",
)
NOUNS = ANIMALS + OBJECTS + OTHERS
"""The first two lists are those of the Attend-and-Excite benchmark; "bow" and "mouse" are taken as there."""

PALETTE = {
    "red": (220, 38, 38),
    "orange": (246, 134, 24),
    "yellow": (248, 216, 48),
    "green": (48, 166, 68),
    "blue": (42, 96, 226),
    "purple": (136, 62, 196),
    "pink": (250, 138, 188),
    "brown": (128, 78, 44),
    "gray": (132, 134, 140),
    "black": (38, 38, 44),
    "white": (246, 246, 246),
}
COLOURS = tuple(PALETTE)
ALSO_CALLED = {"yellow": "golden", "gray": "grey"}

PLACES = {
    "on grass": "grass",
    "in snow": "snow",
    "on sand": "sand",
    "in the sea": "sea",
    "at night": "night",
    "in the city": "city",
    "on a table": "table",
}
STYLES = {"3d": ("a 3d picture of",), "flat": ("a flat drawing of", "a drawing of"), "cartoon": ("a cartoon of",)}
USUAL_STYLE = "3d"
COUNTS = {1: "one", 2: "two", 3: "three", 4: "four"}
_PLURALS = {"mouse": "mice", "glasses": "glasses", "bench": "benches", "fish": "fish", "strawberry": "strawberries"}


def plural(noun: str) -> str:
    return _PLURALS.get(noun, noun + "s")


def with_article(noun: str, colour: str | None = None) -> str:
    """ "a red car", "an orange", "glasses"."""
    words = f"{colour} {noun}" if colour else noun
    if noun == "glasses":
        return words
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
