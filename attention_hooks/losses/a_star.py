"""A-STAR: subjects keep out of each other's place, and keep the place they had.

Agarwal et al. 2023, arXiv:2306.14544, section 3. With A the map of a subject at this step and B where it was bright at
the step before:
  segregation, over pairs of subjects:  sum of min(A_m, A_n) / sum of (A_m + A_n),  0 apart … 1/2 on top of each other;
  retention, over subjects:  1 - sum of min(A, B) / sum of (A + B),  no gradient through B, none at the first step.
The paper leaves open how maps are normalised and where B begins. Ours: smoothed as in Attend-and-Excite, divided by
their brightest place, B above `threshold`.
"""

from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from ...prompts.types import ParsedPrompt
from ..types import TokenMaps
from .base import knob, register
from .blur import blur
from .checks import need_subjects, need_tokens


@register("a_star")
@dataclass(frozen=True)
class AStar:
    segregation: float = knob(
        1.0, "How strongly subjects are kept out of each other's place.", min=0.0, max=10.0, step=0.1
    )
    retention: float = knob(
        1.0, "How strongly a subject is held in the place it had one step before.", min=0.0, max=10.0, step=0.1
    )
    threshold: float = knob(
        0.5,
        "What counts as a subject's place: brighter than this share of its brightest spot. Our choice; the paper does "
        "not say.",
        min=0.05,
        max=0.95,
        step=0.05,
    )
    blur_sigma: float = knob(0.5, "Blur of the maps, in map pixels. 0 is off.", min=0.0, max=3.0, step=0.1)

    def __call__(self, maps: TokenMaps, prompt: ParsedPrompt) -> Tensor:
        subjects = self.subject_maps(maps.probs, prompt)
        loss = self.segregation * self._overlap(subjects)
        if maps.previous is not None:
            loss = loss + self.retention * self._lost(subjects, maps.previous, prompt).sum()
        return loss

    def per_subject(self, maps: TokenMaps, prompt: ParsedPrompt) -> Tensor:
        """[subjects] its overlap with all others plus what it has lost of its place."""
        subjects = self.subject_maps(maps.probs, prompt)
        shared = torch.stack([self._overlap_of(i, subjects) for i in range(len(subjects))])
        if maps.previous is None:
            return self.segregation * shared
        return self.segregation * shared + self.retention * self._lost(subjects, maps.previous, prompt)

    def subject_maps(self, probs: Tensor, prompt: ParsedPrompt) -> Tensor:
        """[subjects height width] in 0…1, the pieces of a word added."""
        maps = blur(torch.stack([probs[list(s.noun.positions)].sum(0) for s in prompt.subjects]), self.blur_sigma)
        return maps / maps.flatten(1).amax(1)[:, None, None]

    def _overlap(self, subjects: Tensor) -> Tensor:
        pairs = [_soft_iou(a, b) for a, b in combinations(subjects, 2)]
        return torch.stack(pairs).sum() if pairs else subjects.sum() * 0

    def _overlap_of(self, i: int, subjects: Tensor) -> Tensor:
        others = [_soft_iou(subjects[i], other) for j, other in enumerate(subjects) if j != i]
        return torch.stack(others).sum() if others else subjects[i].sum() * 0

    def _lost(self, subjects: Tensor, previous: Tensor, prompt: ParsedPrompt) -> Tensor:
        """[subjects] 1 - overlap with where each was bright at the step before."""
        with torch.no_grad():
            bright = (self.subject_maps(previous, prompt) > self.threshold).to(subjects)
        return torch.stack([1 - _soft_iou(now, before) for now, before in zip(subjects, bright, strict=True)])

    def labels(self, prompt: ParsedPrompt) -> tuple[str, ...]:
        return tuple(subject.text for subject in prompt.subjects)

    def idle(self, prompt: ParsedPrompt) -> str | None:
        if self.retention or (self.segregation and len(prompt.subjects) > 1):
            return None
        if self.segregation:
            return (
                f"A-STAR did nothing: it keeps subjects apart, and there is only {prompt.subjects[0].text!r}. Name a "
                "second thing, or raise 'retention'."
            )
        return "A-STAR did nothing: both its weights, segregation and retention, are 0."

    def check(self, prompt: ParsedPrompt) -> None:
        need_subjects("A-STAR", prompt)
        need_tokens(subject.noun for subject in prompt.subjects)


def _soft_iou(a: Tensor, b: Tensor) -> Tensor:
    """Sum of the smaller over the sum of both: the paper's form, 0 … 1/2."""
    return torch.minimum(a, b).sum() / (a + b).sum()
