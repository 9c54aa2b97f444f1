"""Small transformer networks and SD3's text encoders, of ComfyUI's own classes, with random weights."""

from __future__ import annotations

import comfy.model_base
import comfy.sd
import comfy.supported_models
import comfy.supported_models_base
import comfy.text_encoders.sd3_clip
import torch
from tiny import _patcher

CONTEXT = 32
POOLED = 2048
SD3_HEADS = SD3_BLOCKS = 2


@torch.inference_mode()
def tiny_sd3(dtype: torch.dtype = torch.float32, medium: bool = False):
    """Two joint blocks. `medium`: SD3.5 medium's norms of q and k, and its second attention in the first block."""
    width = 64 * SD3_HEADS
    config = {
        "in_channels": 16, "patch_size": 2, "depth": SD3_HEADS, "input_size": None, "adm_in_channels": POOLED,
        "num_patches": 24**2, "pos_embed_max_size": 24, "pos_embed_scaling_factor": None,
        "context_embedder_config": {
            "target": "torch.nn.Linear", "params": {"in_features": CONTEXT, "out_features": width},
        },
    }  # fmt: skip
    if medium:
        config |= {"qk_norm": "rms", "x_block_self_attn_layers": [0]}
    family = comfy.supported_models.SD3(config)
    family.set_inference_dtype(dtype, None)
    model = comfy.model_base.SD3(family)
    model.diffusion_model.pos_embed.normal_(generator=torch.Generator().manual_seed(9))
    return _patcher(model)


@torch.inference_mode()
def tiny_pixart(dtype: torch.dtype = torch.float32):
    """Two blocks, four heads. Its sizes begin above 256 pixels: the host divides by zero below."""
    config = {
        "image_model": "pixart_alpha", "in_channels": 4, "hidden_size": 48, "num_heads": 4, "depth": 2,
        "caption_channels": CONTEXT, "pe_interpolation": 1.0,
    }  # fmt: skip
    family = comfy.supported_models.PixArtAlpha(config)
    family.set_inference_dtype(dtype, None)
    return _patcher(comfy.model_base.PixArt(family))


@torch.inference_mode()
def tiny_z_image(dtype: torch.dtype = torch.float32):
    """Two blocks behind two refiners, four heads of q for two of k and v; text and picture filled up to 32s."""
    config = {
        "image_model": "lumina2", "in_channels": 16, "dim": 256, "n_heads": 4, "n_kv_heads": 2, "n_layers": 2,
        "n_refiner_layers": 1, "axes_dims": [16, 24, 24], "axes_lens": [128, 64, 64], "qk_norm": True,
        "cap_feat_dim": CONTEXT, "multiple_of": 16, "ffn_dim_multiplier": 1.0, "z_image_modulation": True,
        "time_scale": 1000.0, "pad_tokens_multiple": 32,
    }  # fmt: skip
    family = comfy.supported_models.ZImage(config)
    family.set_inference_dtype(dtype, None)
    model = comfy.model_base.Lumina2(family)
    if dtype == torch.float64:
        # ComfyUI rotates in float32 whatever else it computes in, which finite differences would see.
        model.diffusion_model.rope_embedder.register_forward_hook(lambda module, args, out: out.double())
    return _patcher(model)


@torch.inference_mode()
def tiny_qwen_image(dtype: torch.dtype = torch.float32):
    """Two blocks of two streams, two heads."""
    config = {
        "image_model": "qwen_image", "num_layers": 2, "attention_head_dim": 24, "num_attention_heads": 2,
        "joint_attention_dim": CONTEXT, "axes_dims_rope": (8, 8, 8),
    }  # fmt: skip
    family = comfy.supported_models.QwenImage(config)
    family.set_inference_dtype(dtype, None)
    model = comfy.model_base.QwenImage(family)
    if dtype == torch.float64:
        model.diffusion_model.pe_embedder.register_forward_hook(lambda module, args, out: out.double())
    return _patcher(model)


@torch.inference_mode()
def tiny_sd3_clip():
    """The real tokenizers and the real SD3ClipModel at T5's true width, with layers of zeros that only pass the words
    on: then a position of the conditioning depends on one token alone."""
    options = {
        "clip_l_model_config": {
            "num_hidden_layers": 3,
            "hidden_size": 32,
            "num_attention_heads": 2,
            "intermediate_size": 8,
        },
        "clip_g_model_config": {
            "num_hidden_layers": 3,
            "hidden_size": 64,
            "num_attention_heads": 2,
            "intermediate_size": 8,
        },
        "t5xxl_model_config": {"num_layers": 1, "d_ff": 8, "d_kv": 1, "num_heads": 4},
        "dtype": torch.float32,
    }
    target = comfy.supported_models_base.ClipTarget(
        comfy.text_encoders.sd3_clip.SD3Tokenizer, comfy.text_encoders.sd3_clip.sd3_clip(dtype_t5=torch.float32)
    )
    clip = comfy.sd.CLIP(target, parameters=1, model_options=options)
    generator = torch.Generator().manual_seed(4)
    for name, parameter in clip.cond_stage_model.named_parameters():
        if "embed" in name or "shared" in name:
            # One random number a token, over the whole width: filling T5's table itself takes a gigabyte of noise.
            column = torch.randn(parameter.shape[0], 1, generator=generator)
            parameter.copy_(column * torch.linspace(-1, 1, parameter.shape[1]).roll(7).sin()[None])
        elif "norm" in name and name.endswith("weight"):
            parameter.fill_(1.0)
        else:
            parameter.zero_()
    return clip
