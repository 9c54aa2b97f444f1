"""Structured Diffusion: noun phrases, encoded alone, put back in their places of the full prompt's embedding.

Feng et al.: Training-Free Structured Diffusion Guidance for Compositional Text-to-Image Synthesis, ICLR 2023,
arXiv 2212.05032. c₀ is the full prompt's embedding, vⱼ the same with the phrase j in place. Pure functions of
sequences [... tokens channels].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Phrase:
    """One noun phrase: its positions in the full prompt's sequence, and its own embedding there."""

    text: str
    positions: tuple[int, ...]
    vectors: Tensor
    """[len(positions) channels]"""


def averaged(sequence: Tensor, phrases: Sequence[Phrase], strength: float = 1.0) -> Tensor:
    """Mean of {c₀, v₁ … vₙ}. `strength` below 1 (also of the functions below) stops on the way from the full prompt's
    embedding to the phrase's own.

    With one key set, mean over j of softmax(Q K ᵀ) V(vⱼ) = softmax(Q Kᵀ) V(mean of vⱼ), for V is linear: the paper's
    n + 1 products are one.
    """
    return _moved(sequence, phrases, strength / (len(phrases) + 1))


def replaced(sequence: Tensor, phrases: Sequence[Phrase], strength: float = 1.0) -> Tensor:
    """c₀ with all phrases in place; where two overlap, the later."""
    for phrase in phrases:
        sequence = _moved(sequence, [phrase], strength)
    return sequence


def alternatives(sequence: Tensor, phrases: Sequence[Phrase], strength: float = 1.0) -> list[Tensor]:
    """v₁ … vₙ."""
    return [_moved(sequence, [phrase], strength) for phrase in phrases]


def _moved(sequence: Tensor, phrases: Sequence[Phrase], share: float) -> Tensor:
    moved = sequence.clone()
    for phrase in phrases:
        place = list(phrase.positions)
        moved[..., place, :] += share * (phrase.vectors.to(sequence) - sequence[..., place, :])
    return moved


@dataclass(frozen=True)
class OneKeySet:
    """The paper's default: the full prompt's keys, the phrases as values beside it. Sequences [... tokens channels]."""

    phrases: tuple[Phrase, ...]
    strength: float = 1.0

    def values(self, value: Tensor) -> Tensor:
        return averaged(value, self.phrases, self.strength)

    def further_keys(self, context: Tensor) -> list[Tensor]:
        return []


@dataclass(frozen=True)
class SeveralKeySets:
    """The authors' option for prompts of the form "A and B": a key set of each phrase beside the full prompt's, and
    one set of values, in which all phrases are in place."""

    phrases: tuple[Phrase, ...]
    strength: float = 1.0

    def values(self, value: Tensor) -> Tensor:
        return replaced(value, self.phrases, self.strength)

    def further_keys(self, context: Tensor) -> list[Tensor]:
        return alternatives(context, self.phrases, self.strength)


MODES = {"one key set": OneKeySet, "several key sets": SeveralKeySets}
