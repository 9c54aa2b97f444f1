"""Networks in the shape of SD1.5 with random weights: right for cost, meaningless as pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.supported_models
import torch
from torch import Tensor, nn

from ..prompts.types import ParsedPrompt, Subject, Token, TokenSpan, Word

TOKENS, CONTEXT = 77, 768
HEADS = 8
MULTIPLIERS = (1, 2, 4, 4)


@dataclass(frozen=True)
class Size:
    """`channels` of the first level (SD1.5: 320) and height and width of the latent (64 for 512 px)."""

    channels: int
    latent: int

    def __str__(self) -> str:
        return f"{self.channels} channels, latent {self.latent}x{self.latent}"


SD15 = Size(320, 64)
SMALL = Size(128, 32)
TINY = Size(32, 16)
"""For `--quick`: its shares of convolution and attention are not SD1.5's, so its ratios say nothing about it."""


def unet_config(size: Size) -> dict[str, Any]:
    """SD1.5's layout: two residual blocks a level, cross-attention at all but the lowest, in the middle as well."""
    return {
        "image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": size.channels,
        "num_res_blocks": [2] * 4, "channel_mult": list(MULTIPLIERS),
        "transformer_depth": [1] * 6 + [0] * 2, "transformer_depth_output": [1] * 9 + [0] * 3,
        "transformer_depth_middle": 1, "context_dim": CONTEXT, "num_heads": HEADS, "num_head_channels": -1,
        "use_spatial_transformer": True, "use_linear_in_transformer": False, "legacy": False, "adm_in_channels": None,
        "use_temporal_attention": False, "use_temporal_resblock": False,
    }  # fmt: skip


@torch.inference_mode()
def network(size: Size) -> comfy.model_patcher.ModelPatcher:
    """Float32 on a CPU, half precision on a GPU."""
    device = comfy.model_management.get_torch_device()
    family = comfy.supported_models.SD15(unet_config(size))
    # The class sets these two for real checkpoints, whose config does not hold them.
    family.unet_config.update(num_heads=HEADS, num_head_channels=-1)
    family.set_inference_dtype(torch.float32 if device.type == "cpu" else torch.float16, None)
    model = comfy.model_base.BaseModel(family, comfy.model_base.ModelType.EPS)
    _fill(model.diffusion_model)
    return comfy.model_patcher.ModelPatcher(model.to(device), device, torch.device("cpu"))


def _fill(module: nn.Module) -> None:
    """ComfyUI leaves the memory of new layers as it finds it."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in module.named_parameters():
        if parameter.ndim > 1:
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / parameter[0].numel() ** 0.5)
        else:
            parameter.fill_(1.0 if _is_norm(module, name) else 0.0)


def _is_norm(module: nn.Module, name: str) -> bool:
    owner, kind = name.rsplit(".", 1)
    return kind == "weight" and isinstance(module.get_submodule(owner), (nn.GroupNorm, nn.LayerNorm))


def prompt() -> ParsedPrompt:
    """ "a cat and a frog" as CLIP counts it."""
    pieces = ("a", "cat", "and", "a", "frog")
    words = [Token(i + 1, piece, "word") for i, piece in enumerate(pieces)]
    padding = [Token(i, "", "pad") for i in range(len(pieces) + 2, TOKENS)]
    tokens = (Token(0, "", "start"), *words, Token(len(pieces) + 1, "", "end"), *padding)
    text = " ".join(pieces)
    subjects = tuple(_subject(text, noun, position) for noun, position in (("cat", 2), ("frog", 5)))
    return ParsedPrompt(text, text, "l", TOKENS, tokens, tuple(s.noun for s in subjects), subjects)


def _subject(text: str, noun: str, position: int) -> Subject:
    start = text.index(noun)
    return Subject(Word(noun, start, start + len(noun), (TokenSpan(noun, position, position + 1),)))


def embeddings(seed: int) -> Tensor:
    """[1 tokens context], in place of a text encoder's."""
    return torch.randn(1, TOKENS, CONTEXT, generator=torch.Generator().manual_seed(seed))
