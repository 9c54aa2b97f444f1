"""What prompts ask of a layout: things, counts, places, relations, scenery, denials."""

import pytest
from pack.layouts.asked import read_asked
from pack.prompts import read_prompt


def things(text):
    return [(thing.count, thing.caption) for thing in read_asked(read_prompt(text)).things]


def bonds(text):
    asked = read_asked(read_prompt(text))
    names = [thing.noun for thing in asked.things]
    return [(b.kind, names[b.first], *(names[i] for i in (b.second, b.third) if i is not None)) for b in asked.bonds]


def places(text):
    return {thing.noun: thing.places for thing in read_asked(read_prompt(text)).things}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("three frogs", [(3, "a frog")]),
        ("A realistic photo of a scene with five cups", [(5, "a cup")]),
        ("A realistic photo of a scene without backpacks", []),
        ("a red dog and an orange cat", [(1, "a red dog"), (1, "an orange cat")]),
        ("two mice and a cat", [(2, "a mouse"), (1, "a cat")]),
        ("a dozen eggs in a basket", [(12, "an egg"), (1, "a basket")]),
        ("a few oranges in a bowl", [(3, "an orange"), (1, "a bowl")]),
        ("20 sheep", [(1, "twenty sheep")]),
        ("a man on a beach", [(1, "a man")]),
        ("a cat under a table, a dog on the table", [(1, "a cat"), (1, "a table"), (1, "a dog")]),
        ("a lamp in the lower right corner", [(1, "a lamp")]),
        ("a cat wearing a hat and a scarf", [(1, "a cat wearing a hat and a scarf")]),
        ("a dog with a red collar next to a car", [(1, "a dog with a red collar"), (1, "a car")]),
        ("a woman in a red dress on a bench", [(1, "a woman in a red dress"), (1, "a bench")]),
        ("two men holding umbrellas", [(2, "a man holding umbrellas")]),
        ("1girl, red hair, blue dress, a cat", [(1, "a girl, red hair, blue dress"), (1, "a cat")]),
        ("a table with two cups", [(1, "a table"), (2, "a cup")]),
    ],
)
def test_things_and_counts(text, expected):
    assert things(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a cat to the left of a dog", [("left of", "cat", "dog")]),
        ("To the left of the dog is a cat", [("left of", "cat", "dog")]),
        ("a lamp between a sofa and a chair", [("between", "lamp", "sofa", "chair")]),
        ("a cat between two dogs", [("between", "cat", "dog")]),
        ("a cat is left of a dog and above a mouse", [("left of", "cat", "dog"), ("above", "cat", "mouse")]),
        ("a bird above a house and a dog in front of the house",
         [("above", "bird", "house"), ("in front of", "dog", "house")]),
        ("a cat and a dog on a sofa", [("on", "cat", "sofa"), ("on", "dog", "sofa")]),
        ("a bear between a dog and a bottle, an owl on a sofa",
         [("between", "bear", "dog", "bottle"), ("on", "owl", "sofa")]),
        ("a fox on the left side of a bear", [("left of", "fox", "bear")]),
        ("a bird, a cat and a dog on a sofa", [("on", "bird", "sofa"), ("on", "cat", "sofa"), ("on", "dog", "sofa")]),
        ("a bird, a cat on a sofa", [("on", "cat", "sofa")]),
        ("a table with two cups on it", [("on", "cup", "table")]),
        ("a cat wearing a hat to the left of a dog", [("left of", "cat", "dog")]),
        ("a man on a beach", []),
        ("a cat on the left and a dog on the right", []),
    ],
)  # fmt: skip
def test_relations(text, expected):
    assert bonds(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a cat on the left and a dog on the right", {"cat": [("left", None)], "dog": [("right", None)]}),
        ("On the left a cat, on the right three dogs", {"cat": [("left", None)], "dog": [("right", None)]}),
        ("a ball in the middle, a cube at the top left", {"ball": [("center", "middle")], "cube": [("left", "top")]}),
        ("a cat and a dog on the left", {"cat": [("left", None)], "dog": [("left", None)]}),
        ("a cat on the left side of the picture", {"cat": [("left", None)]}),
        ("a man in the middle of a meadow", {"man": [("center", "middle")]}),
        ("two cats left of a dog, a balloon at the top", {"cat": [], "dog": [], "balloon": [(None, "top")]}),
        ("a cat next to a dog and a bird on the left", {"cat": [], "dog": [], "bird": [("left", None)]}),
        ("a castle in the background", {"castle": [(None, "far")]}),
        ("a cat at the bottom center", {"cat": [("center", "bottom")]}),
    ],
)
def test_places(text, expected):
    assert places(text) == expected


@pytest.mark.parametrize(
    "text, background, negative",
    [
        ("A realistic photo of a scene with a cat", "A realistic photo of a scene", ""),
        ("an oil painting of two wolves in a snowy forest", "an oil painting of a scene in a snowy forest", ""),
        ("four apples on a table in a kitchen", "a scene in a kitchen", ""),
        ("a table without cups, no dogs", "a scene", "cups, dogs"),
        ("a beach", "a beach", ""),
    ],
)
def test_scenery_and_denials(text, background, negative):
    asked = read_asked(read_prompt(text))
    assert (asked.background, asked.negative) == (background, negative)


def test_what_is_assumed_is_said():
    notes = read_asked(read_prompt("cats and several dogs")).notes
    assert any("'cats'" in note and "3 boxes" in note for note in notes)
    assert any("'several'" in note and "4 boxes" in note for note in notes)
