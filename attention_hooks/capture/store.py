"""Collects the probabilities of one model call and averages them as they come: nothing keeps a list of layers."""

import torch
from torch import Tensor

from ..types import AttentionSite, TokenMaps
from .sizes import of_one_size


class MapStore:
    """Mean over all heads of all recorded sites, every head weighing the same (so layers with more heads weigh more,
    as in the official code of Attend-and-Excite, Prompt-to-Prompt and SynGen)."""

    def __init__(self) -> None:
        self._sums: dict[tuple[int, int], Tensor] = {}
        self._heads: dict[tuple[int, int], int] = {}

    def record(self, site: AttentionSite, probs: Tensor, hw: tuple[int, int]) -> None:
        """`probs` [rows heads hw tokens], rows of one prompt only; `hw` its height and width."""
        rows, heads, _, tokens = probs.shape
        head_sum = probs.sum(1).transpose(1, 2).reshape(rows, tokens, *hw)
        self._sums[hw] = self._sums[hw] + head_sum if hw in self._sums else head_sum
        self._heads[hw] = self._heads.get(hw, 0) + heads

    @property
    def empty(self) -> bool:
        return not self._sums

    def probs(self) -> Tensor:
        """[rows tokens height width]; sites of different sizes are brought to the largest."""
        total = torch.stack(of_one_size(list(self._sums.values()))).sum(0)
        return total / sum(self._heads.values())

    def token_maps(self, previous: Tensor | None = None) -> list[TokenMaps]:
        """One per row. `previous` [rows tokens height width] are the maps of the step before."""
        probs = self.probs()
        return [TokenMaps(row, None if previous is None else previous[i]) for i, row in enumerate(probs)]
