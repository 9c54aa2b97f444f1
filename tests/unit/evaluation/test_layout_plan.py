"""The checks of the layout table see what is wrong, and its prompts are the paper's."""

from collections import Counter

import pytest
from pack.evaluation.layout_plan import faults
from pack.evaluation.layout_prompts import Case, Claim, Wanted, own, paper
from pack.layouts.types import Box, Layout, LayoutObject

CAT, DOG = Box(0.1, 0.5, 0.4, 0.9), Box(0.6, 0.5, 0.9, 0.9)
CASE = Case(
    "spatial", "a cat left of a red dog, no cups", (Wanted(("cat",)), Wanted(("red", "dog"))),
    (Claim("left of", (0, 1)),), ("cup",),
)  # fmt: skip


def layout(*objects, negative="cups"):
    return Layout(512, 512, tuple(LayoutObject(caption, box) for caption, box in objects), "", negative)


def test_a_right_layout_has_no_faults():
    assert faults(layout(("a cat", CAT), ("a red dog", DOG)), CASE) == []


@pytest.mark.parametrize(
    "wrong, word",
    [
        (layout(("a cat", DOG), ("a red dog", CAT)), "not left of"),
        (layout(("a cat", CAT), ("a dog", DOG)), "0 boxes for 1 red dog"),
        (layout(("a cat", CAT), ("a cat", Box(0, 0, 0.1, 0.1)), ("a red dog", DOG)), "2 boxes for 1 cat"),
        (layout(("a cat", CAT), ("a red dog", DOG), ("a cup", Box(0, 0, 0.1, 0.1))), "cup is in a box"),
        (layout(("a cat", CAT), ("a red dog", DOG), negative=""), "negative prompt"),
        (layout(("a cat", CAT), ("a red dog", Box(0.6, 0.5, 1.1, 0.9))), "off the canvas"),
        (layout(("a cat", Box(0.1, 0.5, 0.7, 0.9)), ("a red dog", DOG)), "over each other"),
    ],
)
def test_each_fault_is_seen(wrong, word):
    assert any(word in fault for fault in faults(wrong, CASE))


def test_the_papers_prompts():
    cases = paper()
    assert Counter(case.task for case in cases) == dict.fromkeys(
        ("negation", "numeracy", "attribution", "spatial"), 100
    )
    assert cases[0].text == "A realistic photo of a scene without backpacks"
    assert cases[100].text == "A realistic photo of a scene with one backpack"
    assert len({case.text for case in cases}) == pytest.approx(250, abs=10)


def test_our_own_have_two_relations_and_two_to_eight_things():
    for case in own():
        assert len(case.claims) == 2 and 2 <= sum(wanted.count for wanted in case.things) <= 8
