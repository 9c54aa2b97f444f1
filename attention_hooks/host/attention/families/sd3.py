"""Stable Diffusion 3 and 3.5: text and picture attend to each other in one joint attention (Esser et al., 2024). The
text is CLIP's positions, then T5's; a word has its place in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn as nn
from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT
from torch import Tensor

from .override import Layout, OverrideFamily, joint


class StableDiffusion3(OverrideFamily):
    """The second attention of 3.5 medium, among the picture alone, is shorter and does not count."""

    NAME = "Stable Diffusion 3 and 3.5"
    NETWORK = MMDiT
    BLOCK = "joint"

    def matches(self, network: nn.Module) -> bool:
        return super().matches(network) and hasattr(network, "joint_blocks")

    def layers(self, network: Any) -> Sequence[nn.Module]:
        return network.joint_blocks

    def heads(self, network: Any) -> int:
        return network.num_heads

    def layout(self, network: Any, x: Tensor, context: Tensor) -> Layout:
        """[registers, text, picture]"""
        height, width = (-(-side // network.patch_size) for side in x.shape[-2:])
        return joint(network.register_length, context.shape[1], (height, width))


sd3 = StableDiffusion3()
