"""The text that asks any language model for a layout: task, rules, examples in our own words, canvas, prompt.

One form for the paper's (arXiv 2305.13655, section 3.1: objects, background prompt, negative prompt), one for JSON with
a schema. Examples are drawn for the canvas at hand, so that no model copies numbers of another one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .reading.checks import MOST_BOXES
from .types import Box

PAPER, JSON = "paper", "JSON"
FORMS = (JSON, PAPER)


@dataclass(frozen=True)
class Example:
    prompt: str
    objects: tuple[tuple[str, Box], ...]
    background: str
    negative: str = ""


EXAMPLES = (
    Example(
        "an oil painting of two rabbits under a big tree, no birds",
        (("a big tree", Box(0.22, 0.05, 0.8, 0.62)), ("a rabbit", Box(0.25, 0.66, 0.45, 0.92)),
         ("a rabbit", Box(0.55, 0.67, 0.74, 0.93))),
        "an oil painting of a grassy field", "birds",
    ),
    Example(
        "a red mug to the left of a laptop on a wooden desk",
        (("a red mug", Box(0.1, 0.4, 0.26, 0.58)), ("a laptop", Box(0.42, 0.24, 0.86, 0.58)),
         ("a wooden desk", Box(0.04, 0.6, 0.96, 0.98))),
        "a realistic photo of an office",
    ),
    Example("창문 없는 방에 있는 파란 소파", (("a blue sofa", Box(0.14, 0.44, 0.86, 0.88)),), "a room", "window"),
    Example("a quiet beach without people", (), "a quiet beach", "people"),
)  # fmt: skip
"""Two of one kind, a chain of relations, another language, a denial without any box."""

TASK = """You place objects on a canvas before a picture is drawn. You get a prompt; you answer with one bounding box
for each object, a background prompt and a negative prompt.

The canvas is {width} pixels wide and {height} pixels high. (0, 0) is the top left corner, x goes right, y goes down.

Rules
- One box for one object. Three dogs are three boxes, each with the caption "a dog".
- Captions are short, in English whatever the language of the prompt, singular, with the object's colour and look.
- Boxes stay on the canvas and do not cover each other, unless one object is inside or in front of another.
- Places are as the prompt says (left of, above, on, between ...).
- Sizes suit the objects: a mouse is smaller than a horse.
- Boxes are tight: the object fills its box. Large boxes are drawn better than tiny ones.
- The background prompt is in English. It says the style and the scene and names none of the boxed objects.
- The negative prompt lists, in English, what the prompt says is not there. Such things get no box.
- If the prompt leaves something open, choose what is plausible. Answer with the layout only, without explanation."""

PAPER_FORM = """Answer in three lines:
Objects: [('caption', [x, y, width, height]), ...]
Background prompt: ...
Negative prompt: ... (None if nothing is denied)
x and y are the top left corner of the box, all four are whole pixels."""

JSON_FORM = """Answer with one JSON object and nothing else:
{"background": "...", "negative": "...", "objects": [{"caption": "...", "x": 0, "y": 0, "width": 0, "height": 0}]}
x and y are the top left corner of the box, all four are whole pixels. "negative" is "" if nothing is denied."""


def instructions(prompt: str, width: int, height: int, form: str = JSON) -> str:
    """The complete text; the prompt is its end."""
    parts = [TASK.format(width=width, height=height), PAPER_FORM if form == PAPER else JSON_FORM]
    parts += [f"Prompt: {one.prompt}\n{_answer(one, width, height, form)}" for one in EXAMPLES]
    return "\n\n".join([*parts, f"Prompt: {' '.join(prompt.split())}\n"])


def schema(most: int = MOST_BOXES) -> dict[str, Any]:
    """JSON schema of the answer, for servers that hold a model to it."""
    number = {"type": "integer"}
    thing = {
        "type": "object",
        "properties": {"caption": {"type": "string"}, "x": number, "y": number, "width": number, "height": number},
        "required": ["caption", "x", "y", "width", "height"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "background": {"type": "string"},
            "negative": {"type": "string"},
            "objects": {"type": "array", "items": thing, "maxItems": most},
        },
        "required": ["background", "negative", "objects"],
        "additionalProperties": False,
    }


def schema_text() -> str:
    return json.dumps(schema(), indent=1)


def _answer(example: Example, width: int, height: int, form: str) -> str:
    boxes = [(caption, _pixels(box, width, height)) for caption, box in example.objects]
    if form == PAPER:
        listed = ", ".join(f"({caption!r}, {numbers})" for caption, numbers in boxes)
        denied = example.negative or "None"
        return f"Objects: [{listed}]\nBackground prompt: {example.background}\nNegative prompt: {denied}"
    names = ("caption", "x", "y", "width", "height")
    objects = [dict(zip(names, (caption, *numbers), strict=True)) for caption, numbers in boxes]
    return json.dumps({"background": example.background, "negative": example.negative, "objects": objects})


def _pixels(box: Box, width: int, height: int) -> list[int]:
    return [round(box.left * width), round(box.top * height), round(box.width * width), round(box.height * height)]
