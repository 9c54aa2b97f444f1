"""Layout guidance of LLM-grounded Diffusion: a word looks into its box, and nowhere else.

Lian et al. 2024, arXiv:2305.13655, section 3.2 and the authors' code. For each word v of an object with the cells b:
  E_v = inside · (1 - mean of the brightest share of A_v in b) + outside · mean of the brightest share of A_v not in b;
an object's energy is the mean over its words, the loss the mean over objects. Two boxes of one thing ("two cats") are
one b.
Differs from the authors' code: they take the brightest places of each head alone and add up the heads, so that their
numbers grow with the heads of the model; here maps are averaged over heads first. All heads are then drawn to the same
places (their own may differ), the value lies in 0 … inside + outside whatever the model, and their threshold of 5 for
SD1.5's eight heads is 0.625. No map is kept for each head.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...layouts.placed import Placed, need_named, placed
from ...layouts.raster import mask
from ...layouts.types import Layout
from ...prompts.types import ParsedPrompt
from ..types import TokenMaps
from .base import knob, register
from .checks import need_tokens

TOGETHER, EACH = "one place, as in the paper", "each must be filled"


@register("box_energy")
@dataclass(frozen=True)
class BoxEnergy:
    layout: Layout
    inside: float = knob(
        1.0, "How strongly a thing is drawn into its box. 1 as in the paper.", min=0.0, max=10.0, step=0.1
    )
    outside: float = knob(
        4.0, "How strongly it is kept from showing up elsewhere. 4 as in the paper.", min=0.0, max=20.0, step=0.1
    )
    share: float = knob(
        0.2,
        "The share of the places in the box, and of those around it, that count: the brightest fifth in the paper. "
        "More fills the box, less leaves the thing its shape.",
        min=0.01,
        max=1.0,
        step=0.01,
    )
    several_boxes: str = knob(
        TOGETHER,
        "What several boxes of one thing are, as of 'three frogs': one place of which the brightest part counts, so "
        "that one box may stay empty; or boxes of which each must be filled, which counts better.",
        options=(TOGETHER, EACH),
    )

    def __call__(self, maps: TokenMaps, prompt: ParsedPrompt) -> Tensor:
        energies = self.per_subject(maps, prompt)
        # Nothing left in an edited prompt: zero, and still part of the graph.
        return energies.mean() if len(energies) else maps.probs.sum() * 0

    def per_subject(self, maps: TokenMaps, prompt: ParsedPrompt) -> Tensor:
        """[objects] the energy of each thing, its boxes taken together."""
        energies = [self._energy(maps, thing) for thing in placed(self.layout, prompt)]
        return torch.stack(energies) if energies else maps.probs.flatten()[:0]

    def _energy(self, maps: TokenMaps, thing: Placed) -> Tensor:
        words = maps.at(thing.positions).flatten(1)  # [words places]
        box = mask(thing.boxes, maps.hw).flatten().to(words.device)
        parts = [mask([one], maps.hw).flatten().to(words.device) for one in thing.boxes]
        filled = [self._brightest(words[:, part]) for part in (parts if self.several_boxes == EACH else [box])]
        there, elsewhere = torch.stack(filled).mean(0), self._brightest(words[:, ~box])
        return (self.inside * (1 - there) + self.outside * elsewhere).mean()

    def _brightest(self, words: Tensor) -> Tensor:
        """[words places] -> [words] mean over the brightest share of the places, at least one; 0 where there is no
        place at all."""
        places = words.shape[1]
        if not places:
            return words.new_zeros(len(words))
        return words.topk(max(1, int(self.share * places)), dim=1).values.mean(1)

    def labels(self, prompt: ParsedPrompt) -> tuple[str, ...]:
        return tuple(thing.subject.text for thing in placed(self.layout, prompt))

    def idle(self, prompt: ParsedPrompt) -> str | None:
        if not self.layout.objects:
            return "Layout Guidance did nothing: the layout has no boxes."
        if not (self.inside or self.outside):
            return "Layout Guidance did nothing: both its weights, inside and outside, are 0."
        return None

    def check(self, prompt: ParsedPrompt) -> None:
        need_named(self.layout, prompt)
        need_tokens(word for thing in placed(self.layout, prompt) for word in thing.words)
