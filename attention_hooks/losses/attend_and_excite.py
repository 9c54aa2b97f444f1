"""Attend-and-Excite: every subject must own at least one bright spot.

Chefer et al. 2023, arXiv:2301.13826, section 3 and algorithm 1. Loss: max over subjects of (1 - brightest pixel of
its map).
Differs from the authors' code: a word of several pieces is one subject, its pieces' probabilities added; maps need not
be square; the softmax runs over the real words unless told otherwise (the authors' own cure for SD2, where the end mark
swamps everything).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...prompts.types import ParsedPrompt
from ..types import TokenMaps
from .base import knob, register
from .blur import blur
from .checks import need_subjects, need_tokens

PROMPT_WORDS = "words of the prompt"
ALL_BUT_START = "all but the start mark"


@register("attend_and_excite")
@dataclass(frozen=True)
class AttendAndExcite:
    softmax_over: str = knob(
        PROMPT_WORDS,
        "Which tokens compete for a place. The words of the prompt suit every model; 'all but the start mark' is "
        "what the paper's code does on SD1.x, where subjects come back more gently.",
        options=(PROMPT_WORDS, ALL_BUT_START),
    )
    sharpness: float = knob(
        100.0,
        "How strongly the brightest word wins a place. 100 as in the paper's code.",
        min=1.0,
        max=1000.0,
        step=1.0,
    )
    blur_sigma: float = knob(
        0.5, "Blur of the maps before the brightest spot is taken, in map pixels: avoids one-pixel answers. 0 is off.",
        min=0.0, max=3.0, step=0.1,
    )  # fmt: skip

    def __call__(self, maps: TokenMaps, prompt: ParsedPrompt) -> Tensor:
        # Only the weakest subject pulls. Summing would let a strong subject pay for a missing one.
        return self.per_subject(maps, prompt).amax()

    def per_subject(self, maps: TokenMaps, prompt: ParsedPrompt) -> Tensor:
        """[subjects] 1 - the brightest pixel of each subject's smoothed map, in 0…1."""
        positions = self.competing(prompt)
        probs = (self.sharpness * maps.at(positions)).softmax(0)  # [competing height width]
        rank = {position: i for i, position in enumerate(positions)}
        subject_maps = [
            probs[[rank[p] for p in subject.noun.positions if p in rank]].sum(0) for subject in prompt.subjects
        ]
        return 1 - blur(torch.stack(subject_maps), self.blur_sigma).flatten(1).amax(1)

    def competing(self, prompt: ParsedPrompt) -> list[int]:
        """Positions the softmax runs over."""
        if self.softmax_over == ALL_BUT_START:
            # The official slice [1:-1] also drops the very last position.
            return [token.position for token in prompt.tokens if token.kind != "start"][:-1]
        return list(prompt.word_positions)

    def labels(self, prompt: ParsedPrompt) -> tuple[str, ...]:
        return tuple(subject.text for subject in prompt.subjects)

    def idle(self, prompt: ParsedPrompt) -> str | None:
        return None

    def check(self, prompt: ParsedPrompt) -> None:
        need_subjects("Attend-and-Excite", prompt)
        need_tokens(subject.noun for subject in prompt.subjects)
