"""Replies of every form to the same boxes; what is repaired, what is refused, and with which line."""

import pytest
from pack.errors import PromptUnderstandingError
from pack.layouts.reading.reply import Wish, read_reply
from pack.prompts import read_prompt

CAT, DOG = (0.125, 0.5, 0.5, 0.875), (0.625, 0.25, 0.875, 0.75)
"""On 800 x 400: the cat x 100 to 400 and y 200 to 350, the dog x 500 to 700 and y 100 to 300."""
FORMS = {
    "the paper's": """Objects: [('a cat', [100, 200, 300, 150]), ('a dog', [500, 100, 200, 200])]
Background prompt: a meadow
Negative prompt: cups""",
    "the paper's in Markdown, one a line": """Here you are!

**Objects:**
- ('a cat', [100, 200, 300, 150])
- ('a dog', [500, 100, 200, 200])

**Background prompt:** a meadow
**Negative prompt:** cups""",
    "Korean labels": """객체: [('a cat', [100, 200, 300, 150]), ('a dog', [500, 100, 200, 200])]
배경 프롬프트: a meadow
부정 프롬프트: cups""",
    "JSON with names": """{"background": "a meadow", "negative": "cups", "objects": [
  {"caption": "a cat", "x": 100, "y": 200, "width": 300, "height": 150},
  {"caption": "a dog", "x": 500, "y": 100, "width": 200, "height": 200}]}""",
    "JSON in prose and a fence, corners, comments, trailing commas": """Sure. [Note] the boxes:
```json
{
  // the scene
  "background_prompt": "a meadow",
  "negative_prompt": "cups", /* none of those */
  "objects": [
    {"name": "a cat", "bbox": [100, 200, 400, 350],},
    {"name": "a dog", "bbox": [500, 100, 700, 300],},
  ],
}
```
Have fun [1]!""",
    "single quotes and bare keys": """{background: 'a meadow', negative: 'cups', objects: [
  {label: 'a cat', box: {left: 100, top: 200, right: 400, bottom: 350}},
  {label: 'a dog', box: {left: 500, top: 100, right: 700, bottom: 300}}]}""",
    "curly quotes and full-width signs": """｛“background”：“a meadow”，“negative”：“cups”，“objects”：［
｛“caption”：“a cat”，“x1”：100，“y1”：200，“x2”：400，“y2”：350｝，
｛“caption”：“a dog”，“x1”：500，“y1”：100，“x2”：700，“y2”：300｝］｝""",
    "fractions": """{"background": "a meadow", "negative": "cups",
 "a cat": [0.125, 0.5, 0.5, 0.875], "a dog": [0.625, 0.25, 0.875, 0.75]}""",
    "0 to 1000, top first, said in the text": """The boxes are [y1, x1, y2, x2], normalized to 0-1000:
{"background": "a meadow", "negative": "cups",
 "objects": [{"label": "a cat", "box": [500, 125, 875, 500]}, {"label": "a dog", "box": [250, 625, 750, 875]}]}""",
    "Gemini's box_2d": """{"background": "a meadow", "negative": "cups", "objects": [
{"box_2d": [500, 125, 875, 500], "label": "a cat"}, {"box_2d": [250, 625, 750, 875], "label": "a dog"}]}""",
    "per cent": """{"background": "a meadow", "negative": "cups", "objects": [
{"caption": "a cat", "x": "12.5%", "y": "50%", "width": "37.5%", "height": "37.5%"},
{"caption": "a dog", "x": "62.5%", "y": "25%", "width": "25%", "height": "50%"}]}""",
    "centres": """{"background": "a meadow", "negative": "cups", "objects": [
{"caption": "a cat", "cx": 250, "cy": 275, "w": 300, "h": 150},
{"caption": "a dog", "cx": 600, "cy": 200, "w": 200, "h": 200}]}""",
    "a list of lines": """background: a meadow
1. a cat: [100, 200, 400, 350]
2. a dog: [500, 100, 700, 300]
negative: cups""",
    "a table": """Background: a meadow

| thing | x1 | y1 | x2 | y2 |
|-------|----|----|----|----|
| a cat | 100 | 200 | 400 | 350 |
| a dog | 500 | 100 | 700 | 300 |

Negative: cups""",
    "behind a thought": """<think>Perhaps Objects: [('a bird', [1, 2, 3, 4])]? No.</think>
Objects: [('a cat', [100, 200, 300, 150]), ('a dog', [500, 100, 200, 200])]
Background prompt: a meadow
Negative prompt: cups""",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_layout(form):
    layout = read_reply(FORMS[form], 800, 400)
    assert [thing.caption for thing in layout.objects] == ["a cat", "a dog"]
    assert [tuple(thing.box) for thing in layout.objects] == [pytest.approx(CAT), pytest.approx(DOG)]
    assert (layout.background, layout.negative) == ("a meadow", "cups")


def notes(text, *args, **kwargs):
    return " ".join(read_reply(text, *args, **kwargs).notes)


def box(text, width=512, height=512, **kwargs):
    return tuple(round(side, 3) for side in read_reply(text, width, height, **kwargs).objects[0].box)


# --- order and unit ---


def test_the_order_that_was_read_is_said():
    assert "x, y, width, height in pixels" in notes(FORMS["the paper's"], 800, 400)
    assert "top, left, bottom, right in thousandths" in notes(FORMS["Gemini's box_2d"], 800, 400)


def test_corners_that_would_leave_the_canvas_as_widths_are_corners():
    assert box("Objects: [('a cat', [300, 200, 500, 500])]") == (0.586, 0.391, 0.977, 0.977)


def test_a_width_smaller_than_its_left_is_a_width():
    assert box('[{"caption": "a cat", "bbox": [300, 300, 100, 200]}]') == (0.586, 0.586, 0.781, 0.977)


def test_where_both_fit_the_other_is_named():
    text = '[{"caption": "a cat", "bbox": [100, 100, 300, 300]}]'
    assert "would fit too: set 'order'" in notes(text, 512, 512)


def test_the_prompt_decides_where_both_fit():
    """As top, left, … the cat is left of the dog; as left, top, … it is above."""
    text = '[{"caption": "a cat", "bbox": [200, 10, 400, 200]}, {"caption": "a dog", "bbox": [190, 260, 410, 500]}]'
    prompt = read_prompt("a cat to the left of a dog")
    assert "top, left, bottom, right" in notes(text, 512, 512, prompt)
    assert "left, top, right, bottom" in notes(text, 512, 512, read_prompt("a cat above a dog"))


def test_the_user_has_the_last_word():
    text = '[{"caption": "a cat", "bbox": [100, 200, 300, 250]}]'
    assert box(text, wish=Wish("yxyx", "thousand")) == (0.2, 0.1, 0.25, 0.3)
    assert box(text, wish=Wish("xywh", "pixel")) == (0.195, 0.391, 0.781, 0.879)


def test_pixels_on_a_canvas_of_the_replys_own():
    text = '{"canvas": {"width": 1024, "height": 1024}, "objects": [{"caption": "a cat", "bbox": [512, 0, 1024, 512]}]}'
    assert box(text) == (0.5, 0.0, 1.0, 0.5)


def test_thousandths_on_a_small_canvas_are_seen():
    assert box('[{"caption": "a cat", "bbox": [500, 100, 980, 900]}]') == (0.5, 0.1, 0.98, 0.9)


def test_another_shape_of_canvas_is_told():
    text = '{"size": "512x512", "objects": [{"caption": "a cat", "x": 0, "y": 0, "width": 256, "height": 256}]}'
    assert "512 × 512, the picture is 1024 × 512" in notes(text, 1024, 512)
    wide = '{"aspect_ratio": "16:9", "objects": [{"caption": "a cat", "box_2d": [0, 0, 500, 500]}]}'
    assert "1.78 times as wide as high" in notes(wide, 512, 512) and "stretched" not in notes(wide, 1344, 768)


# --- repairs ---

WIDE = "Objects: [('a cat', [{}]), ('a dog', [300, 100, 100, 100])]"


@pytest.mark.parametrize(
    "numbers, note, left",
    [
        ("0, 0, 512, 512", "covers the whole canvas", 1),
        ("10, 10, 0, 50", "is empty", 1),
        ("300, 100, 100, 100", "", 2),
        ("600, 600, 100, 100", "moved and scaled together|outside", None),
        ("-10, 100, 100, 100", "were cut there", 2),
        ("400, 100, 300, 100", "moved and scaled together to 73 %", 2),
    ],
)
def test_safe_repairs_are_made_and_said(numbers, note, left):
    layout = read_reply(WIDE.format(numbers), 512, 512, wish=Wish("xywh", "pixel"))
    said = " ".join(layout.notes)
    assert any(part in said for part in note.split("|"))
    assert left is None or len(layout.objects) == left
    assert all(0 <= side <= 1 for thing in layout.objects for side in thing.box)


def test_scaling_together_keeps_places():
    """700 pixels wide is 512 / 700 of it: the dog's 300 becomes 219."""
    layout = read_reply(WIDE.format("400, 100, 300, 100"), 512, 512, wish=Wish("xywh", "pixel"))
    assert layout.objects[1].box.left == pytest.approx(300 / 700)


def test_swapped_corners_are_turned():
    text = '[{"caption": "a cat", "left": 400, "top": 100, "right": 200, "bottom": 300}]'
    assert box(text) == (0.391, 0.195, 0.781, 0.586) and "wrong way round" in notes(text, 512, 512)


def test_identical_boxes():
    same = "Objects: [('a cat', [10, 10, 100, 100]), ('a cat', [10, 10, 100, 100])]"
    assert len(read_reply(same, 512, 512).objects) == 1 and "twice" in notes(same, 512, 512)
    other = "Objects: [('a cat', [10, 10, 100, 100]), ('a dog', [10, 10, 100, 100])]"
    assert len(read_reply(other, 512, 512).objects) == 2 and "largely cover" in notes(other, 512, 512)


def test_a_reply_that_breaks_off():
    text = "Objects: [('a cat', [10, 20, 100, 100]), ('a dog', [250, 20, 24"
    assert [thing.caption for thing in read_reply(text, 512, 512).objects] == ["a cat"]
    assert "breaks off" in notes(text, 512, 512)
    text = '{"objects": [{"caption": "a cat", "x": 1, "y": 2, "width": 100, "height": 100}, {"caption": "a do'
    assert [thing.caption for thing in read_reply(text, 512, 512).objects] == ["a cat"]


def test_an_apostrophe_in_a_caption():
    text = "Objects: [('a child's toy', [10, 20, 100, 100]), ('a dog\\'s bone', [250, 20, 240, 100])]"
    assert [thing.caption for thing in read_reply(text, 512, 512).objects] == ["a child's toy", "a dog's bone"]


def test_no_objects_is_a_layout():
    for objects in ("[]", "No objects", "None"):
        layout = read_reply(f"Objects: {objects}\nBackground prompt: a beach\nNegative prompt: people", 512, 512)
        assert (layout.objects, layout.background, layout.negative) == ((), "a beach", "people")


def test_long_captions():
    layout = read_reply(f'[{{"caption": "{"very " * 100}large cat", "bbox": [10, 10, 200, 200]}}]', 512, 512)
    assert "102 words" in layout.notes[1] + layout.notes[0] and len(layout.objects[0].caption) <= 400


# --- beside the prompt ---


def test_counts_strangers_and_denials():
    prompt = read_prompt("three frogs and a red car, no cups")
    text = """Objects: [('a frog', [10, 10, 100, 100]), ('a green frog', [150, 10, 100, 100]),
 ('a red car', [10, 200, 200, 100]), ('a tree', [300, 200, 100, 200]), ('a cup', [450, 450, 50, 50])]"""
    layout = read_reply(text, 512, 512, prompt)
    said = " ".join(layout.notes)
    assert "asks for 3 of 'a frog', the layout has 2" in said and "Not in the prompt: a tree" in said
    assert "line 2" in layout.objects[2].source and "'a cup' was left out" in said
    assert [thing.subject for thing in layout.objects] == [0, 0, 1, None] and layout.negative == "cups"


def test_two_of_a_noun_are_told_apart_by_their_colour():
    prompt = read_prompt("a red car and a blue car")
    text = "Objects: [('a blue car', [10, 10, 100, 100]), ('a red car', [150, 10, 100, 100])]"
    assert [thing.subject for thing in read_reply(text, 512, 512, prompt).objects] == [1, 0]


# --- refusals ---


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "It is empty"),
        ("I am sorry, I cannot help with that.", "I am sorry"),
        ("Objects: [('a cat', [1, 2, 3])]", "Line 1: the box of 'a cat' has 3 numbers"),
        ("Objects: [\n('a cat', [1, 2, 3, 4]),\n('a dog', [1, 2, 3, 4, 5])]", "Line 3: the box of 'a dog' has 5"),
        ('[{"caption": "a cat", "bbox": [1, 2, "x", 4]}]', "not four numbers"),
        ('{\n"objects": [\n{"bbox": [1, 2, 30, 40]}]}', "Line 3: the box"),
        ('{"objects": [\n{"caption": "", "bbox": [1, 2, 30, 40]}]}', "Line 2: a box has no caption"),
        ("Objects: [('a cat', [1e9, 2, 3, 4])]", "Line 1: a number"),
        ("Objects: [('a cat', [9000, 9000, 100, 100])]", "times the canvas away"),
        ("x" * 300_000, "300,000 letters"),
    ],
)
def test_what_is_no_layout_is_refused_with_its_line(text, words):
    with pytest.raises(PromptUnderstandingError, match="(?s)" + words.replace("(", r"\(")):
        read_reply(text, 512, 512)


def test_two_hundred_boxes_are_refused():
    many = ", ".join(f"('a cat', [{i % 20 * 25}, {i // 20 * 50}, 20, 40])" for i in range(200))
    with pytest.raises(PromptUnderstandingError, match="200 boxes"):
        read_reply(f"Objects: [{many}]", 512, 512)
