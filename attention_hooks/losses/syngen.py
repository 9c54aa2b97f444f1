"""SynGen: a modifier looks where its noun looks, and both keep away from every other word.

Rassin et al. 2023, arXiv:2306.08877, section 3. On maps normalised over the places, with the symmetric distance
D(a, b) = KL(a‖b)/2 + KL(b‖a)/2, the largest over pieces where a word has several, and u every word outside the group:
  positive, for each modifier m of a noun n:  D(m, n)
  negative, for each such pair:  -1/2 · [mean over u of D(n, u) + mean over u of D(m, u)]
Differs from the authors' code: groups come from a parser without its defects (only the first noun of a clause, indices
kept from the prompt before), and the negative distance levels off at `far`, because it has no floor of its own.
Unlike other losses of this pack it can be negative: the further words are apart, the lower.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...prompts.types import ParsedPrompt, Subject
from ..types import TokenMaps
from .base import knob, register
from .checks import need_subjects, need_tokens

# A probability so small that its logarithm still fits every type: the distance between words that share no place.
FLOOR = 1e-12

NEVER, OTHERWISE_IDLE, ALWAYS = "leave them", "when no noun has a modifier", "keep them apart too"


@register("syngen")
@dataclass(frozen=True)
class SynGen:
    together: float = knob(
        1.0,
        "How strongly a modifier is drawn to its noun. 1 as in the paper.",
        min=0.0,
        max=10.0,
        step=0.1,
    )
    apart: float = knob(
        1.0,
        "How strongly both are kept away from the other words. 1 as in the paper; lower if things fly to the edges.",
        min=0.0,
        max=10.0,
        step=0.1,
    )
    far: float = knob(
        10.0,
        "Distance at which words count as apart, and are pushed no further. 0: no limit, as in the paper.",
        min=0.0,
        max=100.0,
        step=0.5,
    )
    lone_nouns: str = knob(
        NEVER,
        "Nouns that nothing describes ('a cat and a frog'): left as they are, or kept away from the other words too, "
        "which the paper offers as an option.",
        options=(NEVER, OTHERWISE_IDLE, ALWAYS),
    )

    def __call__(self, maps: TokenMaps, prompt: ParsedPrompt) -> Tensor:
        return self.per_subject(maps, prompt).sum()

    def per_subject(self, maps: TokenMaps, prompt: ParsedPrompt) -> Tensor:
        """[groups] each group's share of the loss."""
        words = prompt.word_positions
        distance = symmetric_distances(maps.at(words))
        row = {position: i for i, position in enumerate(words)}
        groups = [self._of_group(subject, distance, row) for subject in self.groups(prompt)]
        # Nothing left to bind, as in an edit that took the modifiers away: no values, and still part of the graph.
        return torch.stack(groups) if groups else distance.flatten()[:0]

    def _of_group(self, subject: Subject, distance: Tensor, row: dict[int, int]) -> Tensor:
        noun, *modifiers = ([row[p] for p in word.positions] for word in (subject.noun, *subject.modifiers))
        own = {*noun, *(i for modifier in modifiers for i in modifier)}
        others = [i for i in row.values() if i not in own]
        if not modifiers:
            return -self.apart * self._mean_to(others, noun, distance)
        loss = distance.new_zeros(())
        for modifier in modifiers:
            near = distance[modifier][:, noun].amax()
            away = self._mean_to(others, noun, distance) + self._mean_to(others, modifier, distance)
            loss = loss + self.together * near - self.apart * away / 2
        return loss

    def _mean_to(self, others: Sequence[int], pieces: Sequence[int], distance: Tensor) -> Tensor:
        """Mean over the other words of the distance to this one; 0 when its group is the whole prompt."""
        if not others:
            return distance.new_zeros(())
        furthest = distance[list(pieces)][:, list(others)].amax(0)
        if self.far:
            furthest = self.far * (1 - torch.exp(-furthest / self.far))
        return furthest.mean()

    def groups(self, prompt: ParsedPrompt) -> tuple[Subject, ...]:
        described = tuple(subject for subject in prompt.subjects if subject.modifiers)
        if self.lone_nouns == ALWAYS or (self.lone_nouns == OTHERWISE_IDLE and not described):
            return prompt.subjects
        return described

    def labels(self, prompt: ParsedPrompt) -> tuple[str, ...]:
        return tuple(subject.text for subject in self.groups(prompt))

    def idle(self, prompt: ParsedPrompt) -> str | None:
        if not (self.together or self.apart):
            return "SynGen did nothing: both its weights, together and apart, are 0."
        if self.groups(prompt):
            return None
        nouns = ", ".join(subject.noun.text for subject in prompt.subjects)
        return (
            f"SynGen did nothing: it binds modifiers to nouns, and nothing describes {nouns}. Describe one ('a red "
            f"car'), set 'lone_nouns' to {OTHERWISE_IDLE!r}, or use Attend-and-Excite."
        )

    def check(self, prompt: ParsedPrompt) -> None:
        need_subjects("SynGen", prompt)
        need_tokens(word for subject in self.groups(prompt) for word in (subject.noun, *subject.modifiers))


def symmetric_distances(maps: Tensor) -> Tensor:
    """[words height width] -> [words words] D(a, b) of the maps as distributions over places."""
    p = maps.flatten(1) + FLOOR
    p = p / p.sum(1, keepdim=True)
    log_p = p.log()
    cross = p @ log_p.T
    kl = cross.diagonal()[:, None] - cross
    return (kl + kl.T) / 2
