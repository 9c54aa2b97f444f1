"""The state of one sampling run: made when sampling starts, gone when it ends, also by an error or an interrupt."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from ...capture.record import RunRecord
from ..conditioning.prompt_entries import positive_entries
from ..settings import Settings
from .part import MakePart, Parts, RunStart, StepOpening
from .progress import progress_of


class SamplingRun:
    """Lets its parts act, in their order, at what the seam tells of. Knows none of them by name."""

    def __init__(
        self,
        settings: Settings,
        parts: Sequence[MakePart],
        guider: Any,
        sigmas: Tensor,
        model_options: dict[str, Any],
        noise: Tensor,
    ) -> None:
        self._log = settings.log
        self._model = guider.inner_model
        # uni_pc writes into the schedule, so the numbers are taken now.
        *self.levels, self._last_level = (float(sigma) for sigma in sigmas)
        self.progress = [progress_of(self._model.model_sampling, level) for level in self.levels]
        self.record = RunRecord(total_steps=len(self.levels))
        self._started = time.perf_counter()
        positive = positive_entries(guider)
        self.positive = frozenset(entry["uuid"] for entry in positive)
        """Entries of the picture's prompts."""
        start = RunStart(
            settings, guider, positive, noise, model_options, tuple(self.levels), tuple(self.progress),
            self.record,
        )  # fmt: skip
        self._parts = Parts()
        for make in parts:
            part = make(start, self._parts)
            self._parts = self._parts if part is None else Parts((*self._parts, part))

    @property
    def alike(self) -> int:
        """How many rows one after the other must be given the same noise."""
        return self._parts.alike

    def options(self, model_options: dict[str, Any], level: float, opens_step: bool) -> dict[str, Any]:
        """For one model call: `model_options` itself where nothing acts."""
        return self._parts.options(model_options, level, opens_step)

    def pass_options(self, model_options: dict[str, Any], level: float, opens_step: bool) -> dict[str, Any]:
        """For one pass over the network."""
        return self._parts.pass_options(model_options, level, opens_step)

    def open_step(self, x: Tensor, opening: StepOpening, move: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """The latent to go on with. `move(x, to)` puts a part's latent where the sampler keeps its own."""
        for part in self._parts:
            to = part.open_step(x, opening)
            x = x if to is None else move(x, to)
        return x

    @contextmanager
    def during_opening(self, opening: StepOpening) -> Iterator[None]:
        """Around the model call that opens a step."""
        with ExitStack() as stack:
            for part in self._parts:
                stack.enter_context(part.during_opening(opening))
            yield

    def finish(self, samples: Tensor) -> Tensor:
        """The latent of the run. Hands the record to the log, marked with it as the sampler node will hand it on."""
        for part in self._parts:
            ended = part.finish(samples, self._last_level, self.record)
            samples = samples if ended is None else ended
        self.record.sampling_seconds = time.perf_counter() - self._started
        self._log.add(self.record, self._model.process_latent_out(samples.to(torch.float32)))
        return samples
