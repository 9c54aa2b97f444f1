"""ComfyUI for the trainer: found by COMFYUI_PATH, on the CPU unless a GPU is there, with layers that can be trained."""

from __future__ import annotations

import os
import sys

import torch
from torch import nn


def use_comfyui() -> None:
    """Puts ComfyUI on the path; call before anything that imports `comfy`."""
    path = os.environ.get("COMFYUI_PATH")
    if not path:
        raise SystemExit("COMFYUI_PATH is not set. Set it to the folder that holds ComfyUI's main.py.")
    sys.path.insert(0, path)
    from comfy.cli_args import args

    args.cpu = not torch.cuda.is_available()


class TrainableLayers:
    """torch's own layers under the names that ComfyUI's `operations` use: its own come without initial values."""

    Linear, Conv2d, GroupNorm, LayerNorm, Embedding = nn.Linear, nn.Conv2d, nn.GroupNorm, nn.LayerNorm, nn.Embedding

    @staticmethod
    def conv_nd(dims: int, *args, **kwargs) -> nn.Conv2d:
        return nn.Conv2d(*args, **kwargs)
