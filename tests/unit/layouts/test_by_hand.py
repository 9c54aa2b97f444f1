"""Boxes drawn by hand: ComfyUI's values in every shape they come in."""

import pytest
from pack.errors import PromptUnderstandingError
from pack.layouts.by_hand import by_hand, given_boxes
from pack.layouts.types import Box
from pack.prompts import read_prompt

ONE = {"x": 100, "y": 50, "width": 300, "height": 200}
WANTED = (0.125, 0.125, 0.5, 0.625)
"""On 800 x 400."""


@pytest.mark.parametrize("value", [ONE, [ONE], [[ONE], [{**ONE, "x": 0}]], ({**ONE, "score": 0.5},)])
def test_bounding_boxes_in_every_shape(value):
    ((box, caption),) = given_boxes(value, 800, 400)
    assert tuple(box) == pytest.approx(WANTED) and caption == ""


def test_elements_are_thousandths_top_first_and_bring_captions():
    elements = [
        {"type": "obj", "bbox": [125, 125, 625, 500], "desc": "a red cat"},
        {"type": "text", "bbox": [0, 0, 100, 100], "text": "OPEN", "desc": ""},
    ]
    (cat, words), (_, letters) = given_boxes(elements, 800, 400)
    assert tuple(cat) == pytest.approx(WANTED) and (words, letters) == ("a red cat", "letters that say OPEN")


def test_the_editors_boxes_keep_their_description():
    assert given_boxes([[{**ONE, "metadata": {"desc": "a dog", "text": ""}}]], 800, 400)[0][1] == "a dog"


@pytest.mark.parametrize(
    "value", [3, "boxes", [3], [{"x": 1}], [{"bbox": [1, 2, 3]}], [{**ONE, "x": "a"}], {**ONE, "y": None}]
)
def test_what_is_no_box_is_refused(value):
    with pytest.raises(PromptUnderstandingError):
        given_boxes(value, 800, 400)


def test_captions_are_lines_and_an_empty_one_keeps_the_boxs_own():
    boxes = [(Box(0, 0, 0.4, 0.4), "a cat"), (Box(0.5, 0.5, 1, 1), "a dog"), (Box(0.5, 0, 1, 0.4), "a bird")]
    layout = by_hand(boxes, "a lion\n\n", 512, 512)
    assert [thing.caption for thing in layout.objects] == ["a lion", "a dog", "a bird"]
    assert layout.background == "A realistic scene"


def test_too_few_and_too_many_captions():
    with pytest.raises(PromptUnderstandingError, match="Box 2 of 2 has no caption"):
        by_hand([(Box(0, 0, 0.4, 0.4), ""), (Box(0.5, 0, 1, 1), "")], "a cat", 512, 512)
    with pytest.raises(PromptUnderstandingError, match="3 captions and 1 boxes"):
        by_hand([(Box(0, 0, 0.4, 0.4), "")], "a cat\na dog\na bird", 512, 512)


def test_the_prompt_gives_subject_background_and_denial():
    prompt = read_prompt("an oil painting of a cat and a dog, no birds")
    layout = by_hand([(Box(0, 0, 0.4, 0.4), "the dog")], "", 512, 512, prompt=prompt)
    assert layout.objects[0].subject == 1 and layout.negative == "birds" and "oil painting" in layout.background
    assert any("asks for 1 of 'a cat', the layout has 0" in note for note in layout.notes)


def test_repairs_are_those_of_replies():
    layout = by_hand([(Box(0.2, 0.2, 1.02, 0.6), "a cat"), (Box(0, 0, 1, 1), "sky")], "", 512, 512)
    assert len(layout.objects) == 1 and layout.objects[0].box.right == 1.0
    assert any("covers the whole canvas" in note for note in layout.notes)
