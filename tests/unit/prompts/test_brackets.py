"""Brackets and weights are taken off exactly as ComfyUI does; offsets lead back to what was written."""

import pytest
from pack.prompts.brackets import read_brackets


def segments(text):
    read = read_brackets(text)
    return [(read.plain[s.start : s.stop], pytest.approx(s.weight)) for s in read.segments]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat", [("a cat", 1)]),
        ("a (cat)", [("a ", 1), ("cat", 1.1)]),
        ("a (cat:1.3) b", [("a ", 1), ("cat", 1.3), (" b", 1)]),
        ("((cat))", [("cat", 1.21)]),
        ("((cat:2) and dog:3)", [("cat", 2), (" and dog", 3)]),
        ("((a:2) b)", [("a", 2), (" b", 1.1)]),
        (r"a \(cat\)", [("a (cat)", 1)]),
        (r"(a \(b\):1.5)", [("a (b)", 1.5)]),
        ("(cat:big)", [("cat:big", 1.1)]),
        ("a (red cat", [("a ", 1), ("(red cat", 1)]),
        ("a (red (blue) cat", [("a ", 1), ("(red (blue) cat", 1)]),
        ("a) (b)", [("a) (b)", 1)]),
        ("()", []),
    ],
)
def test_segments(text, expected):
    assert [found for found in segments(text) if found[0]] == expected


@pytest.mark.parametrize("text", ["a ((red:1.2) cat) \\(x\\)", "(((((", ")))((", "((a:1.2)b:0.5)"])
def test_origins_lead_back(text):
    read = read_brackets(text)
    assert len(read.origins) == len(read.plain)
    for letter, origin in zip(read.plain, read.origins, strict=True):
        assert letter in (text[origin : origin + 1], text[origin + 1 : origin + 2], " ")
    assert list(read.origins) == sorted(read.origins)


def test_a_bracket_keeps_words_apart():
    assert read_brackets("a (red)car").plain == "a red car"


def test_brackets_are_text_without_weights():
    assert read_brackets("a (red:1.3) car", weights=False).plain == "a (red:1.3) car"


def test_deep_nesting_neither_hangs_nor_overflows():
    depth = 1200
    assert read_brackets("(" * depth + "cat" + ")" * depth).plain == "cat"
    assert read_brackets("(" * 20_000).plain == "(" * 20_000
