"""Z-Image and Lumina 2: text and picture in one sequence (ComfyUI's NextDiT). Refiners that see the text or the picture
alone come first; they attend over less and do not count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import comfy.model_management
import torch.nn as nn
from comfy.ldm.lumina.model import NextDiT
from torch import Tensor

from ..attention_call import AttentionCall
from .override import Layout, OverrideFamily, joint


class ZImage(OverrideFamily):
    NAME = "Z-Image and Lumina 2"
    NETWORK = NextDiT
    BLOCK = "layer"
    UNLIKE_LENGTHS = False
    """Places of the picture are numbered on from those of the text."""

    def layers(self, network: Any) -> Sequence[nn.Module]:
        return network.layers

    def heads(self, network: Any) -> int:
        return network.n_heads

    def layout(self, network: Any, x: Tensor, context: Tensor) -> Layout:
        """[text, padding, picture, padding]: in Z-Image each is filled up to a multiple of 32."""
        height, width = (-(-side // network.patch_size) for side in x.shape[-2:])
        multiple = network.pad_tokens_multiple or 1
        padded = -(-context.shape[1] // multiple) * multiple
        return joint(0, context.shape[1], (height, width), padded, behind=-(height * width) % multiple)

    def number(self, call: AttentionCall, counted: int) -> int:
        """The network says it, in newer ComfyUI."""
        return call.keywords.get("transformer_options", {}).get("block_index", counted)

    @contextmanager
    def differentiable(self) -> Iterator[None]:
        """Its fused norms and rotations have no backward; ComfyUI leaves them out while it trains."""
        before = comfy.model_management.in_training
        comfy.model_management.in_training = True
        try:
            yield
        finally:
            comfy.model_management.in_training = before


z_image = ZImage()
