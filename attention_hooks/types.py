"""The data that crosses the borders between the engine's rooms. Frozen, plain, and importing nothing of ours.

Words: a `site` is a place in the network, `hw` is height then width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True, order=True)
class AttentionSite:
    """Address of one cross-attention layer, printable and greppable: "input.7.0" is block input 7, transformer 0."""

    block: str
    number: int
    index: int = 0

    def __str__(self) -> str:
        return f"{self.block}.{self.number}.{self.index}"


@dataclass(frozen=True)
class TokenMaps:
    """Cross-attention of ONE image, averaged over heads and sites.

    `probs` [tokens height width] float32, the probabilities after softmax over all tokens; for every place they sum
    to 1
    over the tokens. `previous` are the maps of the step before, detached; None at the first guided step. `progress` 0…1
    of the step they are of.
    """

    probs: Tensor
    previous: Tensor | None = field(default=None, repr=False)
    progress: float = 0.0

    @property
    def hw(self) -> tuple[int, int]:
        return self.probs.shape[-2], self.probs.shape[-1]

    def at(self, positions: Sequence[int]) -> Tensor:
        """[len(positions) height width]"""
        return self.probs[list(positions)]
