"""Qwen-Image and Qwen-Image-Edit: two streams that attend to each other in every block, the text's first. Reference
pictures stand behind the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn as nn
from comfy.ldm.qwen_image.model import QwenImageTransformer2DModel
from torch import Tensor

from .override import Layout, RotatedFamily, joint


class QwenImage(RotatedFamily):
    NAME = "Qwen-Image"
    NETWORK = QwenImageTransformer2DModel
    BLOCK = "joint"

    def layers(self, network: Any) -> Sequence[nn.Module]:
        return network.transformer_blocks

    def heads(self, network: Any) -> int:
        return network.transformer_blocks[0].attn.heads

    def layout(self, network: Any, x: Tensor, context: Tensor) -> Layout:
        height, width = (-(-side // network.patch_size) for side in x.shape[-2:])
        return joint(0, context.shape[1], (height, width))


qwen_image = QwenImage()
