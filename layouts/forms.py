"""A layout as the prompt of models that read boxes in their text, and as the forms that Read Layout takes back.

Facts of November 2026: docs.comfy.org (Ideogram 4, FLUX 3 Image Layout Prompt, MOSS-Image Layout Prompt) and
docs.bfl.ai/flux_3. No such model was at hand: what is tested is the form, and that every form is read back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from math import gcd
from typing import Any

from ..errors import PromptUnderstandingError
from .nouns import PEOPLE, counted
from .report import pixels
from .types import Box, Layout, LayoutObject

RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "5:4", "4:5", "21:9", "2:1", "1:2", "7:5", "5:7")
MOST_IN_FLUX = 24
"""Boxes that FLUX.3's table takes."""


def thousandths(box: Box) -> list[int]:
    """Top, left, bottom, right of 0 to 1000 of each axis."""
    return [round(1000 * side) for side in (box.top, box.left, box.bottom, box.right)]


def from_center(layout: Layout, box: Box) -> list[int]:
    """Top, left, bottom, right in pixels from the middle of the canvas."""
    rows, columns = (box.top, box.bottom), (box.left, box.right)
    top, bottom = (round((side - 0.5) * layout.height) for side in rows)
    left, right = (round((side - 0.5) * layout.width) for side in columns)
    return [top, left, bottom, right]


def whole_prompt(layout: Layout) -> str:
    """ "a meadow with three red cats and a dog": the prompt that the layout means, as the paper writes it."""
    counts: dict[str, int] = {}
    for thing in layout.objects:
        counts[thing.caption] = counts.get(thing.caption, 0) + 1
    names = [counted(number, caption) for caption, number in counts.items()]
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    background = layout.background.strip().rstrip(".,")
    return f"{background} with {listed}" if background and listed else background or listed


def aspect_ratio(width: int, height: int) -> str:
    """The usual ratio that is nearest, where one is near; else the exact one."""

    def off(ratio: str) -> float:
        across, down = map(int, ratio.split(":"))
        return abs(width / height - across / down) / (width / height)

    best = min(RATIOS, key=off)
    shared = gcd(width, height)
    return best if off(best) < 0.03 else f"{width // shared}:{height // shared}"


def ideogram(layout: Layout, text: str = "") -> str:
    """One line of JSON, aspect ratio first; boxes y1 x1 y2 x2 of 0 to 1000 of each axis."""
    elements = [{"type": "obj", "bbox": thousandths(thing.box), "desc": thing.caption} for thing in layout.objects]
    return _json({
        "aspect_ratio": aspect_ratio(layout.width, layout.height),
        "high_level_description": text or whole_prompt(layout),
        "compositional_deconstruction": {"background": layout.background, "elements": elements},
    })  # fmt: skip


def flux(layout: Layout, text: str = "") -> str:
    """Prose that cites every box as <obj_N>, and behind it the table of boxes."""
    if len(layout.objects) > MOST_IN_FLUX:
        raise PromptUnderstandingError(
            f"FLUX.3 reads at most {MOST_IN_FLUX} boxes, the layout has {len(layout.objects)}. Leave the small ones "
            "to the background."
        )
    rows = [
        {"id": f"obj_{number}", "bbox": thousandths(thing.box), "desc": thing.caption}
        for number, thing in enumerate(layout.objects, 1)
    ]
    prose = _citing(text.strip() or layout.background or "A scene", layout.objects)
    return f"{prose} {_json(rows)}" if rows else prose


def _citing(prose: str, objects: Sequence[LayoutObject]) -> str:
    """A prose that cites its boxes itself is left alone."""
    if not objects or "<obj_1>" in prose:
        return prose
    cited = [f"{thing.caption} <obj_{number}>" for number, thing in enumerate(objects, 1)]
    return f"{prose.rstrip('. ')}, with {', '.join(cited)}."


def moss(layout: Layout, text: str = "") -> str:
    """JSON with pixels from the middle of the canvas, y x y x; the picture must have exactly this size."""
    items = [
        {"label": _label(thing.caption), "caption": thing.caption, "bbox": from_center(layout, thing.box)}
        for thing in layout.objects
    ]
    return _json({
        "caption": text or whole_prompt(layout),
        "width": layout.width, "height": layout.height,
        "items": items,
        "bbox_format": {"coordinates": "abs_centralized", "order": "yxyx"},
    })  # fmt: skip


def _label(caption: str) -> str:
    return "character" if PEOPLE & set(caption.lower().split()) else "object"


def paper(layout: Layout, text: str = "") -> str:
    """The form of LLM-grounded Diffusion."""
    del text
    listed = ", ".join(f"({thing.caption!r}, {_sized(layout, thing)})" for thing in layout.objects)
    negative = layout.negative or "None"
    return f"Objects: [{listed}]\nBackground prompt: {layout.background}\nNegative prompt: {negative}"


def named_json(layout: Layout, text: str = "") -> str:
    """The JSON that Layout Instructions asks for: every number has its name."""
    del text
    names = ("caption", "x", "y", "width", "height")
    rows = [(thing.caption, *_sized(layout, thing)) for thing in layout.objects]
    return json.dumps({
        "canvas": {"width": layout.width, "height": layout.height},
        "background": layout.background, "negative": layout.negative,
        "objects": [dict(zip(names, row, strict=True)) for row in rows],
    }, ensure_ascii=False, indent=1)  # fmt: skip


def _sized(layout: Layout, thing: LayoutObject) -> list[int]:
    left, top, right, bottom = pixels(layout, thing)
    return [left, top, right - left, bottom - top]


def plain(layout: Layout, text: str = "") -> str:
    """For a model that reads no boxes."""
    return text or whole_prompt(layout)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


FORMS: dict[str, Callable[..., str]] = {
    "Ideogram 4": ideogram, "FLUX.3 Klein": flux, "MOSS-Image": moss, "words only": plain, "JSON": named_json,
    "LLM-grounded Diffusion": paper,
}  # fmt: skip
