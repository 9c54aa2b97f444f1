"""Direct inversion: the source of an edit is not sampled but led along the way its image was inverted on, so it ends in
the image itself, at any cfg and without optimising anything. Its edits are sampled beside it.

Ju et al.: PnP Inversion: Boosting Diffusion-based Editing with 3 Lines of Code, ICLR 2024, arXiv 2310.01506. They add
the difference to the source's latent at every step; put in as a whole it leaves no rounding behind.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...capture.record import RunRecord
from ..conditioning.batch_rows import images_of, prompts_of
from ..sampling.part import Part, Parts, RunStart, StepOpening
from ..settings import Inversion


def direct_inversion_part(start: RunStart, earlier: Parts) -> DirectInversionRun | None:
    inversion = start.settings.direct_inversion
    return DirectInversionRun(inversion, start.guider, len(start.noise)) if inversion else None


class DirectInversionRun(Part):
    """Of one run: which rows are sources, and where each of them stands at every noise level."""

    def __init__(self, inversion: Inversion, guider: Any, rows: int) -> None:
        prompts = prompts_of(guider)
        self._sources = torch.arange(0, rows, prompts)
        self._latents = inversion.latents[:, images_of(guider, rows, inversion)[::prompts]]
        """[steps+1 sources C H W]"""
        self._sigmas = inversion.sigmas

    def open_step(self, x: Tensor, opening: StepOpening) -> Tensor:
        return self._put_in(x, opening.level)

    def finish(self, samples: Tensor, level: float, record: RunRecord) -> Tensor:
        return self._put_in(samples, level)

    def _put_in(self, x: Tensor, level: float) -> Tensor:
        """x [rows C H W] at a level of the schedule -> the same with the sources where they belong."""
        place = int((self._sigmas - level).abs().argmin())
        return x.index_copy(0, self._sources.to(x.device), self._latents[place].to(x))
