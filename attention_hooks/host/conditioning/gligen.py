"""All boxes of a layout through ComfyUI's GLIGEN, for the first part of sampling only ("scheduled sampling", Li et al.
2023, arXiv:2301.07093).

ComfyUI's own node takes one box at a time, for the whole run, and gives the negative prompt the boxes too; as in the
authors' code it here gets the adapter's empty places.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from ....errors import PromptUnderstandingError
from ....layouts.types import Layout, LayoutObject
from ..settings import Conditioning

KEY = "gligen"
BOXES, EMPTY = "position", "empty"
"""How ComfyUI tells the two apart: by the first word, and by its absence."""
PIXELS_PER_CELL = 8
"""GLIGEN adapters exist for Stable Diffusion's VAE."""


def ground(
    positive: Conditioning, negative: Conditioning, clip: Any, gligen: Any, layout: Layout, until: float
) -> tuple[Conditioning, Conditioning]:
    """Both conditionings, with the boxes until this progress and as they were from there on. Raises for more boxes than
    the adapter takes."""
    most = gligen.model.max_objs
    if len(layout.objects) > most:
        raise PromptUnderstandingError(
            f"The layout has {len(layout.objects)} boxes, and this GLIGEN takes up to {most}. Leave some out of the "
            "layout, or use Layout Guidance, which takes any number."
        )
    if not layout.objects or until <= 0:
        return positive, negative
    boxes = [_place(clip, layout, thing) for thing in layout.objects]
    return (
        _until(positive, (BOXES, gligen, boxes), until),
        _until(negative, (EMPTY, gligen), until),
    )


def adapters(entries: Any) -> list[nn.Module]:
    """The networks that these entries bring along."""
    return list({id(entry[KEY][1]): entry[KEY][1].model for entry in entries if entry.get(KEY) is not None}.values())


def _place(clip: Any, layout: Layout, thing: LayoutObject) -> tuple[Any, float, float, float, float]:
    """Its words' pooled vector; height, width, y and x in cells of the latent, as ComfyUI takes them."""
    _, pooled = clip.encode_from_tokens(clip.tokenize(thing.caption), return_pooled="unprojected")
    rows, columns = layout.height / PIXELS_PER_CELL, layout.width / PIXELS_PER_CELL
    box = thing.box
    return pooled, box.height * rows, box.width * columns, box.top * rows, box.left * columns


def _until(conditioning: Conditioning, grounding: tuple[Any, ...], until: float) -> Conditioning:
    """Every entry twice: grounded before `until`, plain after it, each within the entry's own time."""
    result = []
    for tensor, options in conditioning:
        start, end = options.get("start_percent", 0.0), options.get("end_percent", 1.0)
        if start < until:
            result.append([tensor, {**options, KEY: grounding, "start_percent": start, "end_percent": min(end, until)}])
        if end > until:
            result.append([tensor, {**options, "start_percent": max(start, until), "end_percent": end}])
    return result
