from dataclasses import replace

from pack.layouts.types import Box, Layout, LayoutObject
from pack.layouts.wording import picture_prompt

ANY = Box(0, 0, 1, 1)


def layout(*captions: str, background: str = "") -> Layout:
    return Layout(64, 64, tuple(LayoutObject(caption, ANY) for caption in captions), background, "cups")


def test_things_of_one_caption_are_counted_together():
    assert picture_prompt(layout("a frog", "a red car", "frog", "an apple", "a frog")) == (
        "three frogs, a red car and an apple"
    )
    assert picture_prompt(layout("a mouse", "a mouse", background="a table")) == "a table with two mice"
    assert picture_prompt(layout("glasses", "orange bear")) == "glasses and an orange bear"


def test_nothing_to_draw_is_the_background():
    assert picture_prompt(layout(background="a table")) == "a table"
    assert "cup" not in picture_prompt(replace(layout("a table"), negative="cups"))
