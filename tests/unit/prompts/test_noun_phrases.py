"""Noun phrases as they stand in the text, and as prompts of their own."""

import pytest
from pack.prompts import pick_subjects
from pack.prompts.noun_phrases import as_written, noun_phrases
from plain_tokens import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a red car and a white sheep", ["a red car", "a white sheep"]),
        ("a cat and a dog", ["a cat", "a dog"]),
        ("a photo of a red and blue table next to two big chairs", ["a red and blue table", "two big chairs"]),
        ("a bench, 8k", ["a bench"]),
        ("the very old man with my hat", ["the very old man", "my hat"]),
        ("cats and dogs", []),
        ("a red car", []),  # the whole prompt is no part of itself
        ("", []),
    ],
)
def test_phrases(text, expected):
    assert [phrase.text for phrase in noun_phrases(parse(text))] == expected


def test_positions_are_those_of_all_words():
    car, sheep = noun_phrases(parse("a red car and a white sheep"))
    assert car.positions == (1, 2, 3) and sheep.positions == (5, 6, 7)


def test_words_of_another_subject_end_a_phrase():
    """Whatever the parser makes of it, one thing's phrase never holds another thing."""
    for text in ("the car is green and the van is red", "a dog next to a cat that is red", "a cat, a red dog"):
        prompt = parse(text)
        for phrase in noun_phrases(prompt):
            inside = [s for s in prompt.subjects if phrase.start <= s.noun.start < phrase.stop]
            assert len(inside) == 1, (text, phrase.text)


def test_subjects_picked_by_hand():
    prompt = pick_subjects(parse("a red car and a white sheep"), "white sheep")
    assert [phrase.text for phrase in noun_phrases(prompt)] == ["a white sheep"]


def test_a_text_without_spaces():
    """There a picked word is a piece of what the parser took for one."""
    prompt = parse("一只红色的猫 and a dog")
    picked = pick_subjects(prompt, "猫")
    assert noun_phrases(picked) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a (red:1.3) car and a sheep", "a (red:1.3) car"),
        ("(a (red:1.3) car and a sheep:0.5)", "(a :0.5)(red:1.3)( car:0.5)"),
        (r"a \(red\) car and a sheep", r"a \(red\) car"),
    ],
)
def test_weights_and_brackets_go_along(text, expected):
    prompt = pick_subjects(parse(text), "red car")
    (phrase,) = noun_phrases(prompt)
    assert as_written(prompt, phrase) == expected


def test_a_comma_within_is_part_of_the_phrase():
    (table,) = noun_phrases(pick_subjects(parse("a cat and a red, round table"), "red round table"))
    assert (table.text, table.positions) == ("a red, round table", (4, 5, 6, 7, 8))
