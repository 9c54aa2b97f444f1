"""Moves the latent along the gradients of the losses. Knows neither attention nor ComfyUI: `evaluate` does the looking.

Works in the papers' latent z (variance preserving). Symbols: alpha_t step size, L loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .schedule import Refinement, Schedule


@dataclass(frozen=True)
class Evaluation:
    """Losses of some images at one z, and the gradient of their weighted sum."""

    losses: Mapping[str, Tensor]
    """Technique -> [images]."""
    subjects: Mapping[str, Tensor]
    """Technique -> [images values]."""
    gradient: Tensor
    """[images ...] d(sum of weight·loss)/dz; zero where every weight is zero."""


Evaluate = Callable[[Tensor, Tensor, Mapping[str, float]], Evaluation]
"""(z of the chosen images, their indices, weight per technique) -> Evaluation. One forward and one backward."""


@dataclass
class StepResult:
    """What one guided step did to a batch."""

    z: Tensor
    losses: dict[str, Tensor]
    subjects: dict[str, Tensor]
    refinements: Tensor
    """[batch] int"""
    skipped: Tensor
    """[batch] bool: a gradient was not finite, so the image was left where it was."""


class LatentOptimizer:
    """The loop of algorithm 1 in Chefer et al. 2023, for any number of losses at once and a batch of images.

    State of one run: which images are done for good and the progress of the step before.
    """

    def __init__(self, schedules: Mapping[str, Schedule], batch: int) -> None:
        # Sorted, so that the order in which nodes were chained cannot change a single bit of the sum.
        self._schedules = dict(sorted(schedules.items()))
        self._before: float | None = None
        self._done = torch.zeros(batch, dtype=torch.bool)

    def acts_at(self, progress: float) -> bool:
        return any(schedule.step_at(progress) for schedule in self._schedules.values()) and not bool(self._done.all())

    def step(self, z: Tensor, progress: float, evaluate: Evaluate) -> StepResult:
        """One guided step at `progress`: refine the images whose loss is above its target, then the ordinary update."""
        steps = {name: s.step_at(progress) for name, s in self._schedules.items()}
        refinements = {name: s.refinement_at(progress, self._before) for name, s in self._schedules.items()}
        self._before = progress
        state = _StepState(z.clone(), len(self._done))
        state.look(self._open_images(), steps, evaluate)
        due = {name: r for name, r in refinements.items() if r is not None}
        self._refine(state, progress, due, steps, evaluate)
        state.move(self._open_images())
        self._close_satisfied(state)
        return state.result()

    def _open_images(self) -> Tensor:
        return (~self._done).nonzero().flatten()

    def _refine(
        self,
        state: _StepState,
        progress: float,
        due: Mapping[str, Refinement],
        steps: Mapping[str, float],
        evaluate: Evaluate,
    ) -> None:
        """Images that have reached their targets leave the batch; so does one that cannot be moved. The authors'
        code looks at the loss from before its last update, and goes one too far; this stops when it is met."""
        most = {name: self._schedules[name].rounds_at(progress) for name in due}
        open_images = self._open_images()
        for round_index in range(max(most.values(), default=0)):
            wanted = {n: steps[n] for n in due if round_index < most[n]}
            open_images = state.unmet(open_images, {n: due[n].target for n in wanted})
            if not len(open_images):
                return
            if set(wanted) != {n for n, step in steps.items() if step}:
                # Only the losses that ask for refinement pull in it: a constant-step loss would run away in 20 rounds.
                state.look(open_images, wanted, evaluate)
            state.move(open_images)
            state.refinements[open_images] += 1
            state.look(open_images, steps, evaluate)

    def _close_satisfied(self, state: _StepState) -> None:
        """Images every loss of which is good enough need no more looking at. Off unless a schedule asks for it."""
        enough = {name: s.enough for name, s in self._schedules.items()}
        if all(value > 0 and name in state.losses for name, value in enough.items()):
            met = torch.stack([state.losses[name] <= value for name, value in enough.items()]).all(0)
            self._done |= met


class _StepState:
    """z and what is known about it, image by image, within one step."""

    def __init__(self, z: Tensor, batch: int) -> None:
        self.z = z
        self.losses: dict[str, Tensor] = {}
        self.subjects: dict[str, Tensor] = {}
        self.refinements = torch.zeros(batch, dtype=torch.long)
        self.skipped = torch.zeros(batch, dtype=torch.bool)
        self._gradient = torch.zeros_like(z)

    def look(self, images: Tensor, weights: Mapping[str, float], evaluate: Evaluate) -> None:
        seen = evaluate(self.z[images.to(self.z.device)], images, weights)
        for known, new in ((self.losses, seen.losses), (self.subjects, seen.subjects)):
            for name, values in new.items():
                values = values.detach().float().cpu()
                table = known.setdefault(name, torch.full((len(self.z), *values.shape[1:]), float("nan")))
                table[images] = values
        finite = seen.gradient.flatten(1).isfinite().all(1)
        self.skipped[images] = ~finite.cpu()
        kept = torch.where(finite.view(-1, *[1] * (self.z.ndim - 1)), seen.gradient, torch.zeros_like(seen.gradient))
        self._gradient[images.to(self.z.device)] = kept.to(self._gradient)

    def move(self, images: Tensor) -> None:
        """z <- z - sum of alpha·dL/dz: the step sizes are the weights of the losses already."""
        images = images.to(self.z.device)
        self.z[images] -= self._gradient[images]

    def unmet(self, images: Tensor, targets: Mapping[str, float]) -> Tensor:
        """Those of `images` that some loss still holds above its target and that can be moved."""
        above = torch.stack([self.losses[name] > target for name, target in targets.items()]).any(0)
        return images[(above & ~self.skipped)[images]] if len(images) else images

    def result(self) -> StepResult:
        return StepResult(self.z, self.losses, self.subjects, self.refinements, self.skipped)


def techniques(names: Sequence[str]) -> list[str]:
    """Distinct names for a stack that may hold one technique twice: "syngen", "syngen 2"."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return result
