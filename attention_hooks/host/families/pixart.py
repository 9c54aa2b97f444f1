"""PixArt alpha and sigma: plain cross-attention to T5 in every block, which ComfyUI offers no patch for. It is read by
hooks on the attention modules that live for one model call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch.nn as nn
from comfy.ldm.pixart.pixartms import PixArtMS
from torch import Tensor

from ...capture.sites import ModelSite
from ...types import AttentionSite
from ..recorder import Recorder
from .calls import Options, around_each_call


def matches(diffusion_model: nn.Module) -> bool:
    return isinstance(diffusion_model, PixArtMS)


def sites(diffusion_model: Any) -> list[ModelSite]:
    patch, heads = diffusion_model.patch_size, diffusion_model.num_heads
    return [ModelSite(AttentionSite("block", i), patch, heads) for i in range(len(diffusion_model.blocks))]


def attention(diffusion_model: Any, site: AttentionSite) -> nn.Module:
    return diffusion_model.blocks[site.number].cross_attn


def attach(diffusion_model: Any, recorder: Recorder, transformer_options: Options) -> None:
    @contextmanager
    def reading(x: Tensor, context: Tensor, options: Options) -> Iterator[Options]:
        height, width = (side // diffusion_model.patch_size for side in x.shape[-2:])
        with ExitStack() as stack:
            for site, module in recorder.modules.items() if recorder.open else ():
                hook = _hook(recorder, site, (height, width), options)
                stack.callback(module.register_forward_pre_hook(hook).remove)
            yield options

    around_each_call(transformer_options, reading)


def _hook(recorder: Recorder, site: AttentionSite, hw: tuple[int, int], options: Options) -> Callable[..., None]:
    def read(module: Any, args: tuple[Any, ...]) -> None:
        x, text = args[:2]
        # The network lays the texts of the batch in one row.
        text = text.reshape(x.shape[0], -1, text.shape[-1])

        def project(rows: slice) -> tuple[Tensor, Tensor, int]:
            keys = module.kv_linear(text[rows])[..., : module.d_model]
            return module.q_linear(x[rows]), keys, module.num_heads

        recorder.read(site, x.shape[0], project, hw, options)

    return read
