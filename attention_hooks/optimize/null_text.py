"""Null-text optimisation (Mokady 2023): the negative embedding is moved until a guided step lands where inversion
came from. Knows neither attention nor ComfyUI: losses and gradients are given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Evaluate = Callable[[Tensor], tuple[Tensor, Tensor]]
"""embedding [batch tokens channels] -> losses [batch] and the gradient of their sum, shaped as the embedding."""

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's own, as in the official code."""


@dataclass(frozen=True)
class NullTextSchedule:
    """Of the official code: lr = 1e-2 · (1 - i / 100) and loss < 1e-5 + 2e-5 · i at step i of 50. For other step counts
    the same lines over the run's length, so that 50 steps give the official numbers."""

    rounds: int = 10
    """Updates a step, at most."""
    learning_rate: float = 1e-2
    enough: float = 1e-5
    """Mean squared error, in the papers' z, at which the first step is left; the last one is left at 101 times it."""

    def rate_at(self, step: int, steps: int) -> float:
        return self.learning_rate * (1 - step / (2 * steps))

    def enough_at(self, step: int, steps: int) -> float:
        return self.enough * (1 + 100 * step / steps)


@dataclass(frozen=True)
class StepFit:
    """How one step went, image by image."""

    embedding: Tensor
    """[batch tokens channels]"""
    losses: Tensor
    """[batch], of the last embedding that was evaluated: the returned one where an image is met."""
    rounds: int
    """Evaluations that were made."""


def fit_step(embedding: Tensor, evaluate: Evaluate, rate: float, enough: float, rounds: int) -> StepFit:
    """At most `rounds` of Adam, begun anew. An image whose loss is below `enough`, or whose gradient is not finite,
    stays where it is; the work ends when all do. (The official code makes one more update after its loss is met.)"""
    mean, square = torch.zeros_like(embedding), torch.zeros_like(embedding)
    moving = torch.ones(len(embedding), dtype=torch.bool, device=embedding.device)
    losses = torch.full((len(embedding),), float("nan"), device=embedding.device)
    for number in range(1, rounds + 1):
        now, gradient = evaluate(embedding)
        losses = torch.where(moving, now, losses)
        moving = moving & (losses >= enough) & gradient.flatten(1).isfinite().all(1)
        if not moving.any():
            return StepFit(embedding, losses, number)
        mean, square = BETA1 * mean + (1 - BETA1) * gradient, BETA2 * square + (1 - BETA2) * gradient**2
        slope = (mean / (1 - BETA1**number)) / ((square / (1 - BETA2**number)).sqrt() + EPSILON)
        embedding = torch.where(moving.view(-1, 1, 1), embedding - rate * slope, embedding)
    return StepFit(embedding, losses, rounds)
