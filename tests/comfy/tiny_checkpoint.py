"""A checkpoint file that ComfyUI's own loader takes for Stable Diffusion 1.5, with random weights and fewer layers.

ComfyUI knows SD1.5 by 320 channels, 768 wide context and plain convolutions in the transformers; how many levels and
blocks there are is free. The text encoder keeps CLIP-L's shape, but its layers are zero and only pass the words on.
"""

from __future__ import annotations

from pathlib import Path

import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.taesd.taesd import TAESD
from safetensors.torch import save_file
from tiny import fill, unet_config

WIDTH, LAYERS, WORDS, LENGTH = 768, 12, 49408, 77


@torch.inference_mode()
def write_sd15(path: Path) -> Path:
    """About 300 MB in half precision; two seconds."""
    weights = {
        **_prefixed("model.diffusion_model.", _unet()),
        **_prefixed("cond_stage_model.transformer.text_model.", _clip()),
        **_prefixed("first_stage_model.", _vae()),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: weight.half().contiguous().clone() for name, weight in weights.items()}, str(path))
    return path


def _prefixed(prefix: str, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {prefix + name: weight for name, weight in weights.items()}


def _unet() -> dict[str, torch.Tensor]:
    return sd15_unet().state_dict()


@torch.inference_mode()
def sd15_unet() -> UNetModel:
    """Cross-attention at the latent's full, half and quarter size, as the real one."""
    config = unet_config(channels=320, multipliers=(1, 1, 1), context=WIDTH)
    unet = UNetModel(**config, num_heads=8, num_head_channels=-1)
    fill(unet)
    return unet


def _vae() -> dict[str, torch.Tensor]:
    vae = TAESD(latent_channels=4)
    fill(vae)
    return vae.state_dict()


def _clip() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    weights = {
        "embeddings.token_embedding.weight": torch.randn(WORDS, WIDTH, generator=generator),
        "embeddings.position_embedding.weight": torch.randn(LENGTH, WIDTH, generator=generator) / 10,
        **_linear("final_layer_norm", torch.ones(WIDTH)),
    }
    for number in range(LAYERS):
        layer = f"encoder.layers.{number}."
        for name in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"):
            weights |= _linear(layer + name, torch.zeros(WIDTH, WIDTH))
        weights |= _linear(layer + "mlp.fc1", torch.zeros(4 * WIDTH, WIDTH))
        weights |= _linear(layer + "mlp.fc2", torch.zeros(WIDTH, 4 * WIDTH))
        weights |= _linear(layer + "layer_norm1", torch.ones(WIDTH))
        weights |= _linear(layer + "layer_norm2", torch.ones(WIDTH))
    return weights


def _linear(name: str, weight: torch.Tensor) -> dict[str, torch.Tensor]:
    return {f"{name}.weight": weight, f"{name}.bias": torch.zeros(weight.shape[0])}
