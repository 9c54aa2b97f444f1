"""Z-Image and Lumina 2: text and picture in one sequence (ComfyUI's NextDiT). Refiners that see the text or the picture
alone come first; they attend over less and do not count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn as nn
from comfy.ldm.lumina.model import NextDiT
from torch import Tensor

from .override import Layout, RotatedFamily, joint


class ZImage(RotatedFamily):
    NAME = "Z-Image and Lumina 2"
    NETWORK = NextDiT
    BLOCK = "layer"

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


z_image = ZImage()
