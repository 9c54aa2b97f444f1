"""Where things are, to each other and in the picture, by hand."""

import pytest
from pack.prompts import pick_subjects, report
from plain_tokens import parse


def places(text: str) -> list[tuple[str, str]]:
    prompt = parse(text, 300)
    return [(prompt.subjects[place.subject].noun.text, place.where) for place in prompt.places]


def relations(text: str) -> list[str]:
    prompt = parse(text, 300)
    return [f"{prompt.subjects[a].noun.text} {kind} {prompt.subjects[b].noun.text}" for kind, a, b in prompt.relations]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat on the left and a dog on the right", [("cat", "left"), ("dog", "right")]),
        (
            "On the left there is a yellow refrigerator, and on the right a blue stove.",
            [("refrigerator", "left"), ("stove", "right")],
        ),
        ("On the left side of the image, a bear stands on a rock.", [("bear", "left")]),
        (
            "In the upper right corner, a man and a woman dance on a rug.",
            [("man", "top right"), ("woman", "top right")],
        ),
        (
            "a cat and a dog in the foreground, a castle in the distance",
            [("cat", "foreground"), ("dog", "foreground"), ("castle", "background")],
        ),
        ("A tall man stands in the middle of the picture.", [("man", "center")]),
        ("a dog at the top of the stairs", []),
        ("a cat on the left of a dog", []),
    ],
)
def test_places_in_the_picture(text, expected):
    assert places(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A surfer rides a wave. In the background, a pier stretches into the sea.", ["pier in sea"]),
        ("A dog lies on a rug. Next to it is a slipper.", ["dog on rug", "slipper next to dog"]),
        ("On the table lies a book.", ["book on table"]),
        ("On the left there is a refrigerator, and on the right a stove.", []),
    ],
)
def test_a_phrase_that_opens_a_sentence_is_about_what_follows(text, expected):
    assert relations(text) == expected


def test_places_go_with_the_subjects_that_are_picked():
    parsed = parse("a cat on the left and a dog on the right")
    assert pick_subjects(parsed, "dog").places == ((0, "right"),)
    assert "dog at the right of the picture" in report(parsed)
