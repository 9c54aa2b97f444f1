"""Small networks of ComfyUI's own classes with random weights, made inside inference mode as ComfyUI makes them."""

from __future__ import annotations

import comfy.conds
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.supported_models
import torch


def unet_config(channels: int = 32, multipliers: tuple[int, ...] = (1, 2, 4), context: int = 32) -> dict:
    levels = len(multipliers)
    return {
        "image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": channels,
        "num_res_blocks": [1] * levels, "channel_mult": list(multipliers), "transformer_depth": [1] * levels,
        "transformer_depth_output": [1] * (2 * levels),
        "transformer_depth_middle": 1, "context_dim": context, "use_spatial_transformer": True,
        "use_linear_in_transformer": False, "legacy": False, "adm_in_channels": None, "use_temporal_attention": False,
        "use_temporal_resblock": False,
    }  # fmt: skip


def fill(module: torch.nn.Module, seed: int = 0) -> None:
    """Random weights: ComfyUI leaves the memory of a new layer as it finds it."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        value = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim > 1:
            value /= parameter[0].numel() ** 0.5
        else:
            is_norm = "norm" in name or name.endswith(("in_layers.0.weight", "out_layers.0.weight", "out.0.weight"))
            value = 0.05 * value + float(is_norm)
        parameter.copy_(value)


def _patcher(model: comfy.model_base.BaseModel) -> comfy.model_patcher.ModelPatcher:
    fill(model.diffusion_model)
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.ModelPatcher(model.to(device), device, torch.device("cpu"))


@torch.inference_mode()
def tiny_sd(
    dtype: torch.dtype = torch.float32,
    manual_cast: torch.dtype | None = None,
    model_type: comfy.model_base.ModelType = comfy.model_base.ModelType.EPS,
    **config,
) -> comfy.model_patcher.ModelPatcher:
    """An SD1-shaped model in a ModelPatcher: cross-attention at the latent's full, half and quarter size."""
    family = comfy.supported_models.SD15(unet_config(**config))
    family.unet_config |= {"num_heads": 4, "num_head_channels": -1}
    family.set_inference_dtype(dtype, manual_cast)
    return _patcher(comfy.model_base.BaseModel(family, model_type))


@torch.inference_mode()
def tiny_sdxl() -> comfy.model_patcher.ModelPatcher:
    """SDXL's plan: no attention at full size, several transformers a block below, linear projections, size vectors."""
    config = unet_config() | {
        "transformer_depth": [0, 1, 2], "transformer_depth_output": [0, 0, 1, 1, 2, 2], "transformer_depth_middle": 2,
        "use_linear_in_transformer": True, "adm_in_channels": 2816, "num_classes": "sequential",
        "num_head_channels": 32,
    }  # fmt: skip
    family = comfy.supported_models.SDXL(config)
    family.set_inference_dtype(torch.float32, None)
    return _patcher(comfy.model_base.SDXL(family))


def conditioning(length: int = 77, context: int = 32, seed: int = 1, rows: int = 1, **options) -> list:
    with torch.inference_mode():
        generator = torch.Generator().manual_seed(seed)
        return [[torch.randn(rows, length, context, generator=generator), dict(options)]]
