"""Forms of a layout, numbers worked out by hand, and each read back to the same boxes."""

import json

import pytest
from pack.errors import PromptUnderstandingError
from pack.layouts.forms import FORMS, MOST_IN_FLUX, aspect_ratio, whole_prompt
from pack.layouts.reading.reply import read_reply
from pack.layouts.types import Box, Layout, LayoutObject

LAYOUT = Layout(
    1024, 512,
    (
        LayoutObject("a red cat", Box(0.125, 0.5, 0.375, 0.875)),
        LayoutObject("a red cat", Box(0.4, 0.5, 0.55, 0.8)),
        LayoutObject("an old man", Box(0.625, 0.25, 0.875, 0.75)),
    ),
    "a meadow", "cups",
)  # fmt: skip


def test_ideogram_has_the_ratio_first_and_thousandths_of_each_axis_top_first():
    text = FORMS["Ideogram 4"](LAYOUT)
    assert text.startswith('{"aspect_ratio":"2:1"') and "\n" not in text
    read = json.loads(text)
    assert list(read) == ["aspect_ratio", "high_level_description", "compositional_deconstruction"]
    first = read["compositional_deconstruction"]["elements"][0]
    assert first == {"type": "obj", "bbox": [500, 125, 875, 375], "desc": "a red cat"}
    assert read["high_level_description"] == "a meadow with two red cats and an old man"


def test_flux_cites_every_box_and_the_table_comes_last():
    text = FORMS["FLUX.3 Klein"](LAYOUT)
    prose, table = text.split(" [", 1)
    assert prose == "a meadow, with a red cat <obj_1>, a red cat <obj_2>, an old man <obj_3>."
    assert json.loads("[" + table)[2] == {"id": "obj_3", "bbox": [250, 625, 750, 875], "desc": "an old man"}


def test_flux_leaves_prose_that_cites_alone_and_refuses_more_than_it_reads():
    assert FORMS["FLUX.3 Klein"](LAYOUT, "Cats <obj_1> <obj_2>, <obj_3>").startswith("Cats <obj_1> <obj_2>, <obj_3> [{")
    many = Layout(512, 512, LAYOUT.objects * 9)
    with pytest.raises(PromptUnderstandingError, match=f"at most {MOST_IN_FLUX} boxes, the layout has 27"):
        FORMS["FLUX.3 Klein"](many)


def test_moss_counts_pixels_from_the_middle():
    """0.5 of 512 high is 0, 0.875 is 192; 0.125 of 1024 wide is -384, 0.375 is -128."""
    read = json.loads(FORMS["MOSS-Image"](LAYOUT, "two cats and a man"))
    assert read["items"][0] == {"label": "object", "caption": "a red cat", "bbox": [0, -384, 192, -128]}
    assert read["items"][2]["label"] == "character" and read["caption"] == "two cats and a man"
    assert (read["width"], read["height"]) == (1024, 512)


@pytest.mark.parametrize("form", [name for name in FORMS if name != "words only"])
@pytest.mark.parametrize("size", [(1024, 512), (512, 768), (1024, 1024)])
def test_every_form_is_read_back(form, size):
    layout = Layout(*size, LAYOUT.objects, LAYOUT.background, LAYOUT.negative)
    read = read_reply(FORMS[form](layout), *size)
    assert [thing.caption for thing in read.objects] == [thing.caption for thing in layout.objects]
    for thing, wanted in zip(read.objects, layout.objects, strict=True):
        assert tuple(thing.box) == pytest.approx(tuple(wanted.box), abs=0.002)
    if form != "MOSS-Image":  # it has no place for the background alone
        assert read.background == "a meadow"
    if form in ("JSON", "LLM-grounded Diffusion"):
        assert read.negative == "cups"


def test_a_layout_without_boxes_has_every_form():
    empty = Layout(512, 512, (), "a beach", "people")
    for form in FORMS.values():
        assert "a beach" in form(empty)


def test_ratios():
    assert [aspect_ratio(*size) for size in ((512, 512), (1344, 768), (832, 1216), (1000, 300))] == [
        "1:1", "16:9", "2:3", "10:3",
    ]  # fmt: skip


def test_the_whole_prompt_counts():
    assert whole_prompt(Layout(1, 1, LAYOUT.objects[:2])) == "two red cats"
    assert whole_prompt(Layout(1, 1, (), "a beach.")) == "a beach"
