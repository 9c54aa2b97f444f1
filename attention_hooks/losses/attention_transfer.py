"""Attention transfer of LLM-grounded Diffusion: in its box, a word looks as it did when its object was drawn alone.

Lian et al. 2024, arXiv:2305.13655, section 3.2. With A the map of the object's noun in the whole picture, A' that of
the object alone at the same step, moved to its box b, both divided by their sum in b:
  R = sum over the places of b of |A - A'|,  0 alike … 2 nothing in common; the loss is the mean over boxes.
Differs from the authors' code: maps are averaged over heads and sites first, as in the box energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...layouts.placed import need_named, subject_of
from ...layouts.raster import mask
from ...layouts.types import Layout, LayoutObject
from ...prompts.types import ParsedPrompt
from ..types import TokenMaps
from .base import register
from .checks import need_tokens

SAME_STEP = 1e-3
"""Of the progress: further apart, two steps are not the same."""
EMPTY = 1e-5


@dataclass(frozen=True)
class Reference:
    """How an object's word looked when it was drawn alone."""

    thing: LayoutObject
    progress: tuple[float, ...]
    maps: Tensor = field(repr=False, compare=False)
    """[steps height width], at each progress; moved to the box of the whole picture."""


@register("attention_transfer")
@dataclass(frozen=True)
class AttentionTransfer:
    references: tuple[Reference, ...]

    def __call__(self, maps: TokenMaps, prompt: ParsedPrompt) -> Tensor:
        values = self.per_subject(maps, prompt)
        return values.mean() if len(values) else maps.probs.sum() * 0

    def per_subject(self, maps: TokenMaps, prompt: ParsedPrompt) -> Tensor:
        """[boxes] R of each object; 0 at a step that the object was not drawn at."""
        values = [self._difference(maps, reference, prompt) for reference in self._named(prompt)]
        return torch.stack(values) if values else maps.probs.flatten()[:0]

    def _difference(self, maps: TokenMaps, reference: Reference, prompt: ParsedPrompt) -> Tensor:
        subject = subject_of(reference.thing, prompt)
        assert subject is not None
        now = maps.at(subject.noun.positions).sum(0)
        step = _nearest(reference.progress, maps.progress)
        if step is None or reference.maps.shape[1:] != now.shape:
            return now.sum() * 0
        box = mask([reference.thing.box], maps.hw).to(now.device)
        return (_share(now[box]) - _share(reference.maps[step].to(now)[box])).abs().sum()

    def _named(self, prompt: ParsedPrompt) -> list[Reference]:
        return [reference for reference in self.references if subject_of(reference.thing, prompt) is not None]

    def labels(self, prompt: ParsedPrompt) -> tuple[str, ...]:
        return tuple(reference.thing.caption for reference in self._named(prompt))

    def idle(self, prompt: ParsedPrompt) -> str | None:
        return None if self.references else "Attention transfer did nothing: no object was drawn alone."

    def check(self, prompt: ParsedPrompt) -> None:
        need_named(Layout(1, 1, tuple(reference.thing for reference in self.references)), prompt)
        subjects = [subject_of(reference.thing, prompt) for reference in self.references]
        need_tokens(subject.noun for subject in subjects if subject is not None)


def _nearest(moments: Sequence[float], progress: float) -> int | None:
    if not moments:
        return None
    nearest = min(range(len(moments)), key=lambda i: abs(moments[i] - progress))
    return nearest if abs(moments[nearest] - progress) <= SAME_STEP else None


def _share(values: Tensor) -> Tensor:
    return values / (values.sum() + EMPTY)
