"""Keeps the latent that each step begins with, and the one that the run ends with."""

from __future__ import annotations

import torch
from torch import Tensor

from ...capture.record import RunRecord
from ..sampling.part import Part, Parts, RunStart, StepOpening


def trajectory_part(start: RunStart, earlier: Parts) -> TrajectoryRun | None:
    return TrajectoryRun() if start.settings.keep_trajectory else None


class TrajectoryRun(Part):
    def __init__(self) -> None:
        self._latents: list[Tensor] = []

    def open_step(self, x: Tensor, opening: StepOpening) -> None:
        # A copy: the sampler goes on with this tensor, and guidance moves it in place.
        self._latents.append(x.to("cpu", torch.float32, copy=True))

    def finish(self, samples: Tensor, level: float, record: RunRecord) -> None:
        record.trajectory = torch.stack([*self._latents, samples.to("cpu", torch.float32)])
