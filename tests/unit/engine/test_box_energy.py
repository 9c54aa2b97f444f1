"""The box energy of LLM-grounded Diffusion on maps of 2 x 4 places, worked out on paper."""

import pytest
import torch
from pack.attention_hooks.losses.box_energy import EACH, BoxEnergy
from pack.errors import PromptUnderstandingError
from pack.layouts.types import Box, Layout, LayoutObject
from pack.prompts.types import ParsedPrompt, Subject, Token, TokenSpan, Word
from prompts_by_hand import maps

HW = (2, 4)
LEFT, RIGHT = Box(0.0, 0.0, 0.5, 1.0), Box(0.5, 0.0, 1.0, 1.0)
WEST_LOW, EAST_HIGH = Box(0.0, 0.5, 0.25, 1.0), Box(0.75, 0.0, 1.0, 0.5)


def word(text: str, *positions: int) -> Word:
    return Word(text, positions[0], positions[0] + 1, tuple(TokenSpan(text, i, i + 1) for i in positions))


def prompt(*subjects: Subject, words: int = 4, text: str = "a red cat and a dog") -> ParsedPrompt:
    kinds = ["start", *["word"] * words, "end", "pad"]
    named = tuple(w for subject in subjects for w in (*subject.modifiers, subject.noun))
    return ParsedPrompt(
        text, text, "l", len(kinds), tuple(Token(i, k, k) for i, k in enumerate(kinds)), named, subjects
    )


def layout(*objects: tuple[str, Box], subject: int | None = None) -> Layout:
    return Layout(512, 256, tuple(LayoutObject(caption, box, subject) for caption, box in objects))


CAT, DOG = Subject(word("cat", 1)), Subject(word("dog", 2))
CAT_MAP = [0.8, 0.6, 0.1, 0.0,
           0.4, 0.2, 0.3, 0.1]  # fmt: skip
DOG_MAP = [0.5, 0.1, 0.2, 0.6,
           0.1, 0.1, 0.4, 0.2]  # fmt: skip


def test_both_halves():
    """Half of four places are two. cat in the left: inside (0.8 + 0.6)/2 = 0.7, outside (0.3 + 0.1)/2 = 0.2, so
    0.3 + 4·0.2 = 1.1. dog in the right: inside (0.6 + 0.4)/2 = 0.5, outside (0.5 + 0.1)/2 = 0.3, so 0.5 + 1.2 = 1.7."""
    loss, parsed = BoxEnergy(layout(("a cat", LEFT), ("a dog", RIGHT)), share=0.5), prompt(CAT, DOG)
    values = loss.per_subject(maps(CAT_MAP, DOG_MAP, hw=HW), parsed)
    assert values.tolist() == pytest.approx([1.1, 1.7])
    assert float(loss(maps(CAT_MAP, DOG_MAP, hw=HW), parsed)) == pytest.approx(1.4)
    assert loss.labels(parsed) == ("cat", "dog")


def test_the_papers_share_is_at_least_one_place():
    """A fifth of four places is none, so the brightest counts: 0.2 + 4·0.3."""
    values = BoxEnergy(layout(("cat", LEFT))).per_subject(maps(CAT_MAP, hw=HW), prompt(CAT))
    assert values.tolist() == pytest.approx([1.4])


def test_two_boxes_of_one_thing_are_one_place():
    """cats in the lower left corner (0.4) and the upper right (0.0): inside 0.4, outside 0.8."""
    cats = Subject(word("cats", 1), count=2)
    values = BoxEnergy(layout(("cat", WEST_LOW), ("cat", EAST_HIGH))).per_subject(maps(CAT_MAP, hw=HW), prompt(cats))
    assert values.tolist() == pytest.approx([0.6 + 4 * 0.8])


def test_or_each_of_them_must_be_filled():
    """0.4 in one and nothing in the other: inside 0.2, outside 0.8."""
    cats, boxes = Subject(word("cats", 1), count=2), layout(("cat", WEST_LOW), ("cat", EAST_HIGH))
    values = BoxEnergy(boxes, several_boxes=EACH).per_subject(maps(CAT_MAP, hw=HW), prompt(cats))
    assert values.tolist() == pytest.approx([0.8 + 4 * 0.8])


def test_mean_over_the_words_and_all_their_pieces():
    """red at 2, cat in two pieces at 1 and 3 with the maps of cat and of nothing: (1.4 + 1.7 + 1)/3 in the left. red's
    map is the dog's: inside 0.5, outside 0.6."""
    red_cat = Subject(word("cat", 1, 3), (word("red", 2),))
    values = BoxEnergy(layout(("a red cat", LEFT))).per_subject(
        maps(CAT_MAP, DOG_MAP, [0.0] * 8, hw=HW), prompt(red_cat)
    )
    assert values.tolist() == pytest.approx([(1.4 + (0.5 + 4 * 0.6) + 1.0) / 3])


def test_a_box_over_everything_has_no_outside():
    values = BoxEnergy(layout(("cat", Box(0, 0, 1, 1)))).per_subject(maps(CAT_MAP, hw=HW), prompt(CAT))
    assert values.tolist() == pytest.approx([0.2])


def test_a_box_thinner_than_a_place_is_one_place():
    values = BoxEnergy(layout(("cat", Box(0.26, 0.1, 0.3, 0.2))), outside=0.0).per_subject(
        maps(CAT_MAP, hw=HW), prompt(CAT)
    )
    assert values.tolist() == pytest.approx([0.4])


def test_only_the_brightest_places_pull():
    probs = maps(CAT_MAP, hw=HW)
    leaf = probs.probs.requires_grad_()
    BoxEnergy(layout(("cat", LEFT)))(probs, prompt(CAT)).backward()
    expected = torch.zeros(4 + 3, *HW, dtype=torch.float64)[: len(leaf)]
    expected[1, 0, 0], expected[1, 1, 2] = -1.0, 4.0
    assert torch.equal(leaf.grad, expected)


def test_objects_find_their_words():
    blue, red = (Subject(word("car", at), (word(colour, at - 1),)) for colour, at in (("blue", 2), ("red", 4)))
    parsed = prompt(blue, red, text="a blue car and a red car")
    loss = BoxEnergy(layout(("a red car", LEFT), ("the blue car", RIGHT)))
    assert loss.labels(parsed) == ("red car", "blue car")
    assert BoxEnergy(layout(("car", LEFT), subject=1)).labels(parsed) == ("red car",)
    mice = prompt(Subject(word("mice", 1)))
    assert BoxEnergy(layout(("a mouse", LEFT))).labels(mice) == ("mice",)


def test_a_subject_of_another_prompt_is_not_believed():
    """The layout was planned for a prompt whose first thing was a dog."""
    assert BoxEnergy(layout(("a dog", LEFT), subject=0)).labels(prompt(CAT, DOG)) == ("dog",)


def test_what_the_user_is_told():
    loss = BoxEnergy(layout(("a cat", LEFT), ("two green horses", RIGHT)))
    with pytest.raises(PromptUnderstandingError, match="'two green horses'.*does not name it; it names 'cat', 'dog'"):
        loss.check(prompt(CAT, DOG))
    lost = Subject(Word("cat", 0, 3))
    with pytest.raises(PromptUnderstandingError, match="gave no token to 'cat'"):
        BoxEnergy(layout(("cat", LEFT))).check(prompt(lost))
    assert "no boxes" in BoxEnergy(layout()).idle(prompt(CAT))
    assert "are 0" in BoxEnergy(layout(("cat", LEFT)), inside=0, outside=0).idle(prompt(CAT))
    assert BoxEnergy(layout(("cat", LEFT))).idle(prompt(CAT)) is None


def test_an_edit_that_took_the_thing_away_leaves_nothing_to_do():
    """Its part of the graph stays, so that the pass has something to go back through."""
    probs = maps(CAT_MAP, DOG_MAP, hw=HW)
    leaf = probs.probs.requires_grad_()
    BoxEnergy(layout(("a cat", LEFT)))(probs, prompt(DOG)).backward()
    assert not leaf.grad.any()
