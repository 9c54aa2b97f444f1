"""Boxes that a person drew -> Layout: ComfyUI's BOUNDING_BOX values and elements, or the outlines of masks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..errors import PromptUnderstandingError
from ..prompts.types import ParsedPrompt
from .asked import read_asked
from .reading.checks import Placed, checked
from .types import Box, Layout


def given_boxes(value: Any, width: int, height: int) -> list[tuple[Box, str]]:
    """(box, caption or "") of a BOUNDING_BOX, a list of them, one for each frame, or elements of Create Bounding Boxes.

    Raises PromptUnderstandingError for anything else.
    """
    return [_given(entry, width, height) for entry in _first_frame(value)]


def _first_frame(value: Any) -> Sequence[Any]:
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, (list, tuple)):
        raise PromptUnderstandingError(
            f"Boxes were expected, but a value of the kind {type(value).__name__} is connected. Connect 'bboxes' or "
            "'elements' of Create Bounding Boxes, or another BOUNDING_BOX."
        )
    if value and isinstance(value[0], (list, tuple)):
        return value[0]
    return value


def _given(entry: Any, width: int, height: int) -> tuple[Box, str]:
    if isinstance(entry, dict) and "bbox" in entry:
        top, left, bottom, right = _numbers(entry["bbox"], 1000, 1000, 1000, 1000)
        return Box(left, top, right, bottom), _words(entry)
    if isinstance(entry, dict) and {"x", "y", "width", "height"} <= entry.keys():
        values = [entry[name] for name in ("x", "y", "width", "height")]
        left, top, across, down = _numbers(values, width, height, width, height)
        return Box(left, top, left + across, top + down), _words(entry.get("metadata"))
    raise PromptUnderstandingError(
        f"{str(entry)[:80]!r} is no box: x, y, width and height are needed, or 'bbox' with top, left, bottom, right."
    )


def _numbers(values: Any, *sides: float) -> list[float]:
    try:
        numbers = [float(value) / side for value, side in zip(values, sides, strict=True)]
    except (TypeError, ValueError):
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        raise PromptUnderstandingError(f"{str(values)[:80]!r} is no box: four numbers are needed.")
    return numbers


def _words(entry: Any) -> str:
    """What Create Bounding Boxes keeps of a box: its description, and its text."""
    if not isinstance(entry, dict):
        return ""
    text, description = (str(entry.get(name) or "").strip() for name in ("text", "desc"))
    return description or (f"letters that say {text}" if text else "")


def by_hand(
    boxes: Iterable[tuple[Box, str]],
    captions: str,
    width: int,
    height: int,
    background: str = "",
    negative: str = "",
    prompt: ParsedPrompt | None = None,
) -> Layout:
    """`captions` are lines, one a box, in their order; an empty line keeps what the box itself says.

    Raises PromptUnderstandingError for a box without a caption, or captions without a box.
    """
    asked = None if prompt is None else read_asked(prompt)
    placed = [*_captioned(list(boxes), captions)]
    objects, notes = checked(placed, asked)
    around = background.strip() or (asked.background if asked else "") or "A realistic scene"
    denied = negative.strip() or (asked.negative if asked else "")
    return Layout(width, height, objects, around, denied, tuple(notes))


def _captioned(boxes: Sequence[tuple[Box, str]], captions: str) -> Iterator[Placed]:
    lines = [line.strip() for line in captions.strip("\n").split("\n")] if captions.strip() else []
    if len(lines) > len(boxes):
        raise PromptUnderstandingError(
            f"There are {len(lines)} captions and {len(boxes)} boxes. Write one line for each box, in the order of "
            "the boxes."
        )
    for number, (box, own) in enumerate(boxes, 1):
        caption = (lines[number - 1] if number <= len(lines) else "") or own
        if not caption:
            raise PromptUnderstandingError(
                f"Box {number} of {len(boxes)} has no caption. Write what is in it into line {number} of 'captions', "
                "or into the box in Create Bounding Boxes."
            )
        yield Placed(caption, box, number)
