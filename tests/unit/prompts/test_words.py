"""Words written by hand are found by whole words and occurrence, or refused with the words that are there."""

import pytest
from pack.errors import PromptUnderstandingError
from pack.prompts import find_words, pick_subjects, report
from plain_tokens import groups, parse

TEXT = "a red crown and a green turtle next to a red crown"


def test_occurrences():
    words = find_words(parse(TEXT), "turtle, crown#2\nred crown")
    assert [(word.text, word.positions) for word in words] == [
        ("turtle", (7,)),
        ("crown", (12,)),
        ("red crown", (2, 3)),
    ]


def test_whole_words_only():
    with pytest.raises(PromptUnderstandingError, match="'cat' was asked for.*category"):
        find_words(parse("a category of dogs"), "cat")


def test_case_and_hyphens_do_not_matter():
    assert find_words(parse("A Blue-Eyed Cat"), "blue eyed cat")[0].positions == (2, 3, 4, 5)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            "frog",
            "'frog' was asked for.*Its words are: a, red, crown, and, a#2, green, turtle, next, to, a#3, red#2, "
            "crown#2",
        ),
        ("crown#3", "comes only 2 times"),
        ("turtle#2", "comes only once"),
        ("turtle#0", "counted from #1"),
        ("green crown", "'green crown' was asked for"),
    ],
)
def test_refusals(wish, message):
    with pytest.raises(PromptUnderstandingError, match=message):
        pick_subjects(parse(TEXT), wish)


def test_picking_nothing_is_refused():
    with pytest.raises(PromptUnderstandingError, match="nothing to pick.*turtle"):
        pick_subjects(parse(TEXT), " ,\n")


def test_picked_subjects_replace_the_parsed_ones():
    parsed = parse("two cats on top of a red table and a lamp")
    picked = pick_subjects(parsed, "lamp, red table, cats")
    assert groups(picked) == ["1 lamp", "1 red table", "2 cats"]
    assert picked.relations == (("on top of", 2, 1),)
    assert picked.fingerprint == parsed.fingerprint
    assert "by hand" in picked.parser


def test_all_that_was_found_is_taken_by_a_star():
    parsed = parse("two cats on top of a red table and a lamp without a shade, on the left")
    assert groups(pick_subjects(parsed, "*")) == groups(parsed) == ["2 cats", "1 red table", "1 lamp"]
    picked = pick_subjects(parsed, "*, -red table, left")
    assert groups(picked) == ["2 cats", "1 lamp", "? left"]
    assert picked.relations == () and pick_subjects(parsed, "*").relations == parsed.relations != ()
    assert groups(pick_subjects(parsed, "table, *")) == groups(parsed)[1:2] + ["2 cats", "1 lamp"]


def test_the_report_of_a_pick_names_what_was_found():
    parsed = parse("two cats and a red lamp without a cord")
    text = report(pick_subjects(parsed, "lamp"), parsed=parsed)
    assert "The parser had found: cats, red lamp; denied: cord." in text


def test_unspaced_scripts_are_found_by_letters():
    prompt = parse("一只猫 and a dog")
    assert find_words(prompt, "猫")[0].positions == (1,)


def test_report_names_parser_positions_and_subjects():
    text = report(parse("a red crown on top of two turtles"))
    assert "bundled" in text and "crown [3] — red [2]" in text and "turtles [8] × 2" in text
    assert "crown on top of turtles" in text and "8: turtles" in text


def test_report_says_what_to_do_without_a_subject():
    assert "Pick Subjects" in report(parse("highly detailed"))
    assert "prompt is empty" in report(parse(""))
