"""PixArt alpha and sigma: plain cross-attention to T5 in every block, without `transformer_options`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn as nn
from comfy.ldm.pixart.pixartms import PixArtMS
from torch import Tensor

from .hook import HookFamily


class PixArt(HookFamily):
    NAME = "PixArt"
    NETWORK = PixArtMS
    BLOCK = "block"

    def layers(self, network: Any) -> Sequence[nn.Module]:
        return [block.cross_attn for block in network.blocks]

    def heads(self, network: Any) -> int:
        return network.num_heads

    def inputs(self, args: tuple[Any, ...]) -> tuple[Tensor, Tensor]:
        """The network lays the texts of the batch in one row."""
        x, text = args[:2]
        return x, text.reshape(x.shape[0], -1, text.shape[-1])

    def queries(self, module: Any, x: Tensor) -> Tensor:
        return module.q_linear(x)

    def keys_values(self, module: Any, text: Tensor) -> tuple[Tensor, Tensor]:
        return module.kv_linear(text).split(module.d_model, -1)

    def projected(self, module: Any, change: Tensor) -> Tensor:
        """Without the bias, which is in the output already; by the layer's own forward, for its weight may be
        elsewhere."""
        return module.proj(change) - module.proj(torch.zeros_like(change[:1, :1]))


pixart = PixArt()
