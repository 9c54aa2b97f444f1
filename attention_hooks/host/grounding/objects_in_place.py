"""The objects of a layout are put into the picture while it is being sampled: their noise at the start, their latents
at every step until the picture has taken shape ("latent composition", Lian et al. 2024, arXiv:2305.13655)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ....errors import PromptUnderstandingError
from ...capture.record import RunRecord
from ...optimize.schedule import SLACK
from ..sampling.part import Part, Parts, RunStart, StepOpening
from ..settings import ComposedObjects

SAME_LEVEL = 1e-3


def objects_part(start: RunStart, earlier: Parts) -> ObjectsInPlace | None:
    composed = start.settings.composed
    return ObjectsInPlace(composed, start) if composed else None


class ObjectsInPlace(Part):
    """Of one run: nothing but what it was given; every row of the batch gets the same objects."""

    def __init__(self, composed: ComposedObjects, start: RunStart) -> None:
        self._composed = composed
        _check(composed, start)

    def open_step(self, x: Tensor, opening: StepOpening) -> Tensor | None:
        composed = self._composed
        if opening.step == 0:
            return _put_in(x, composed.latents[0], composed.start_mask)
        if opening.progress > composed.until + SLACK:
            return None
        return _put_in(x, composed.latents[opening.step], composed.mask)

    def finish(self, samples: Tensor, level: float, record: RunRecord) -> None:
        if not self._composed.mask.any():
            record.notes.append("No object was put in: none of them left a trace when it was drawn alone.")


def _put_in(x: Tensor, latent: Tensor, mask: Tensor) -> Tensor:
    """x [batch C H W], `latent` [C H W] where `mask` [H W] is true."""
    return torch.where(mask.to(x.device), latent.to(x), x)


def _check(composed: ComposedObjects, start: RunStart) -> None:
    own, given = composed.latents.shape[1:], start.noise.shape[1:]
    if own != given:
        raise PromptUnderstandingError(
            f"The objects were drawn on a latent of {_size(own)}, and the sampler was given one of {_size(given)}. "
            "Give the Empty Latent Image the size of the layout's canvas, or plan the layout for this size."
        )
    levels = [level for level, at in zip(start.levels, start.progress, strict=True) if at <= composed.until + SLACK]
    if len(levels) > len(composed.levels) or not all(map(_same, levels, composed.levels)):
        raise PromptUnderstandingError(
            f"The objects were drawn in {composed.steps} steps from noise level {composed.levels[0]:.4g}, and the "
            f"sampler takes {len(start.levels)} from {start.levels[0]:.4g} on other levels, so their latents fit "
            "nowhere. Give the sampler the steps, scheduler and denoise that Generate Objects was given. (KSampler "
            "leaves a level out for uni_pc, dpm_2 and dpm_2_ancestral; with these use SamplerCustomAdvanced and one "
            "SIGMAS for both.)"
        )


def _same(level: float, other: float) -> bool:
    return math.isclose(level, other, rel_tol=SAME_LEVEL)


def _size(shape: Any) -> str:
    channels, height, width = shape
    return f"{width} x {height} with {channels} channels"
