"""The text form of AND and NOT."""

import pytest
from pack.errors import PromptUnderstandingError
from pack.prompts.conjunctions import read_conjunction, without
from plain_tokens import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat", [("a cat", 1)]),
        ("a cat AND a dog AND NOT a frog", [("a cat", 1), ("a dog", 1), ("a frog", -1)]),
        ("a cat:0.5 AND NOT a frog : 2", [("a cat", 0.5), ("a frog", -2)]),
        ("a cat: -1 AND a dog:+.5", [("a cat", -1), ("a dog", 0.5)]),
        ("NOT a cat AND a dog", [("a cat", -1), ("a dog", 1)]),
        ("a cat and a dog, not a frog", [("a cat and a dog, not a frog", 1)]),
        ("a SAND castle AND an ANDROID", [("a SAND castle", 1), ("an ANDROID", 1)]),
        ("a NOTE AND a (red:1.3) cat", [("a NOTE", 1), ("a (red:1.3) cat", 1)]),
        ("a clock at 12:30 AND a (cat:1.2)", [("a clock at 12:30", 1), ("a (cat:1.2)", 1)]),
        ("embedding:3 AND embedding:style:2", [("embedding:3", 1), ("embedding:style", 2)]),
        ("a cat\nAND\na dog", [("a cat", 1), ("a dog", 1)]),
        ("a cat:0 AND a dog", [("a cat", 0), ("a dog", 1)]),
        ("a BMW M3:0.7 AND a lake", [("a BMW M3", 0.7), ("a lake", 1)]),
        ("a moon:0.8, AND a lake", [("a moon", 0.8), ("a lake", 1)]),
        ("a lake AND NOT fog:0.4,", [("a lake", 1), ("fog", -0.4)]),
        ("a train at 9:05, AND a dog", [("a train at 9:05,", 1), ("a dog", 1)]),
        ("version 1.5: a cat AND a dog", [("version 1.5: a cat", 1), ("a dog", 1)]),
    ],
)
def test_parts_and_weights(text, expected):
    assert read_conjunction(text) == expected


@pytest.mark.parametrize("text", ["", "  ", "a cat AND", "AND a cat", "a cat AND AND a dog", "a cat AND NOT", "NOT"])
def test_nothing_between_two_ands(text):
    with pytest.raises(PromptUnderstandingError, match="nothing stands before, between or behind"):
        read_conjunction(text)


def test_what_a_prompt_denies_as_nots():
    prompt = parse("a table without red chairs and a room with no lamp")
    assert without(prompt, 0.8, 0.5) == [("red chairs", -0.4), ("lamp", -0.4)]
    assert without(prompt, 0.8, 0) == without(prompt, -1, 0.5) == []
