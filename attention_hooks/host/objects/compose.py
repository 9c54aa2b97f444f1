"""What was drawn alone goes to its boxes: start noise and latents of the whole picture, and how it is to look there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ....errors import PromptUnderstandingError
from ....layouts.moving import laid_together, moved, steps_to
from ....layouts.raster import mask
from ...losses.attention_transfer import AttentionTransfer, Reference
from ...optimize.schedule import SLACK
from ..settings import ComposedObjects
from .draw import DrawnObjects


def compose(
    drawn: DrawnObjects, until: float, masks: Tensor | None = None
) -> tuple[ComposedObjects, AttentionTransfer]:
    """`masks` [objects height width], of any size: where each object is in its single picture, if the maps are not to
    say. Every object moves by whole places of its attention maps, and so by whole cells of the latent."""
    kept = _kept_steps(drawn, until)
    starts, start_masks, latents, shapes, references = [], [], [], [], []
    for one, own in zip(drawn.objects, _masks(drawn, masks), strict=True):
        unit = max(1, one.mask.shape[0] // one.maps.shape[1])
        down, right = steps_to(one.thing.box, own, unit)
        latents.append(moved(one.latents[:kept], unit * down, unit * right))
        shapes.append(moved(own, unit * down, unit * right))
        starts.append(latents[-1][0])
        start_masks.append(mask([one.thing.box], own.shape))
        references.append(Reference(one.thing, drawn.progress[: drawn.made], moved(one.maps, down, right)))
    together, covered = laid_together(latents, shapes)
    together[0], start_mask = laid_together(starts, start_masks)
    levels = drawn.levels[:kept]
    composed = ComposedObjects(together, start_mask, covered, levels, len(drawn.levels), until)
    return composed, AttentionTransfer(tuple(references))


def _kept_steps(drawn: DrawnObjects, until: float) -> int:
    kept = sum(at <= until + SLACK for at in drawn.progress)
    if kept > drawn.made:
        raise PromptUnderstandingError(
            f"The objects are to be kept until {until:g}, and Generate Objects drew only the first {drawn.made} of "
            f"{len(drawn.levels)} steps. Raise its 'until', or lower 'keep_objects_until'."
        )
    return max(kept, 1)


def _masks(drawn: DrawnObjects, masks: Tensor | None) -> Sequence[Tensor]:
    if masks is None:
        return [one.mask for one in drawn.objects]
    if len(masks) != len(drawn.objects):
        raise PromptUnderstandingError(
            f"{len(masks)} masks were given for {len(drawn.objects)} objects. Segment the single pictures of Generate "
            "Objects in their order, one mask for each."
        )
    size = drawn.objects[0].mask.shape
    scaled = torch.nn.functional.interpolate(masks[:, None].float(), size=size, mode="area")[:, 0]
    return list(scaled.cpu() > 0.5)
