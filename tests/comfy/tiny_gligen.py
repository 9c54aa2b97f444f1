"""A GLIGEN adapter file in the format of gligen_sd14_textbox_pruned, random weights, for the tiny Stable Diffusion."""

from __future__ import annotations

from pathlib import Path

import comfy.gligen
import torch
from safetensors.torch import save_file
from tiny import fill

WIDTH, HEADS = 768, 8
GATE = 0.5
"""The real adapter's gates have opened in training; a fresh one's are shut."""


@torch.inference_mode()
def write_gligen(path: Path, unet: torch.nn.Module) -> Path:
    """One gated self-attention for every transformer of `unet`, in its place, and the net that reads the boxes."""
    weights = {}
    for name, module in unet.named_modules():
        if name.endswith(".attn2"):
            wide = module.to_q.in_features
            fuser = comfy.gligen.GatedSelfAttentionDense(wide, WIDTH, HEADS, wide // HEADS)
            fill(fuser)
            fuser.alpha_attn.fill_(GATE)
            weights |= {f"{name.removesuffix('attn2')}fuser.{key}": value for key, value in fuser.state_dict().items()}
    net = comfy.gligen.PositionNet(WIDTH, WIDTH)
    fill(net)
    weights |= {f"position_net.{key}": value for key, value in net.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: weight.contiguous().clone() for name, weight in weights.items()}, str(path))
    return path
