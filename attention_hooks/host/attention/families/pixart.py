"""PixArt alpha and sigma: plain cross-attention to T5 in every block, which ComfyUI offers no patch for. It is read and
edited by hooks on the attention modules that live for one model call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.nn as nn
from comfy.ldm.pixart.pixartms import PixArtMS
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from ....capture.probabilities import attention_probs, split_heads
from ....capture.sites import ModelSite
from ....types import AttentionSite
from ..edited_attention import EditedAttention, Edits
from ..layer_call import positive_rows
from ..recorder import Recorder
from .calls import Options, around_each_call

EDITS_SELF_ATTENTION = False


def matches(diffusion_model: nn.Module) -> bool:
    return isinstance(diffusion_model, PixArtMS)


def sites(diffusion_model: Any) -> list[ModelSite]:
    patch, heads = diffusion_model.patch_size, diffusion_model.num_heads
    return [ModelSite(AttentionSite("block", i), patch, heads) for i in range(len(diffusion_model.blocks))]


def attention(diffusion_model: Any, site: AttentionSite) -> nn.Module:
    return diffusion_model.blocks[site.number].cross_attn


def attach(diffusion_model: Any, recorder: Recorder, transformer_options: Options) -> None:
    def hook(site: AttentionSite, module: Any, hw: tuple[int, int], options: Options) -> RemovableHandle:
        return module.register_forward_pre_hook(_reader(recorder, site, hw, options))

    _around(diffusion_model, hook, lambda: recorder.modules, transformer_options)


def edit(diffusion_model: Any, crossing: Edits, keeping: Edits, transformer_options: Options) -> None:
    def hook(site: AttentionSite, module: Any, hw: tuple[int, int], options: Options) -> RemovableHandle:
        return module.register_forward_hook(_editor(crossing[site], hw, options))

    _around(diffusion_model, hook, lambda: crossing, transformer_options)


def _around(
    diffusion_model: Any,
    hook: Callable[..., RemovableHandle],
    sites_now: Callable[[], Iterable[AttentionSite]],
    transformer_options: Options,
) -> None:
    """Hooks at these sites for the length of each model call."""

    @contextmanager
    def calls(x: Tensor, context: Tensor, options: Options) -> Iterator[Options]:
        height, width = (side // diffusion_model.patch_size for side in x.shape[-2:])
        with ExitStack() as stack:
            for site in sites_now():
                stack.callback(hook(site, attention(diffusion_model, site), (height, width), options).remove)
            yield options

    around_each_call(transformer_options, calls)


def _reader(recorder: Recorder, site: AttentionSite, hw: tuple[int, int], options: Options) -> Callable[..., None]:
    def read(module: Any, args: tuple[Any, ...]) -> None:
        x, text = _inputs(args)

        def project(rows: slice) -> tuple[Tensor, Tensor, int]:
            return module.q_linear(x[rows]), _keys_values(module, text[rows])[0], module.num_heads

        recorder.read(site, x.shape[0], project, hw, options)

    return read


def _editor(edited: EditedAttention, hw: tuple[int, int], options: Options) -> Callable[..., Tensor]:
    def edit_output(module: Any, args: tuple[Any, ...], out: Tensor) -> Tensor:
        x, text = _inputs(args)
        for uuid, rows in positive_rows(x.shape[0], options):
            if uuid in edited.rows.lengths:
                keys, values = _keys_values(module, text[rows])
                probs = attention_probs(module.q_linear(x[rows]), keys, module.num_heads)
                change = edited.added(probs, split_heads(values, module.num_heads), uuid, hw, options)
                if change is not None:
                    out = out.clone()
                    out[rows] += _projected(module, change.to(out.dtype))
        return out

    return edit_output


def _inputs(args: tuple[Any, ...]) -> tuple[Tensor, Tensor]:
    """[batch hw channels], [batch tokens channels]: the network lays the texts of the batch in one row."""
    x, text = args[:2]
    return x, text.reshape(x.shape[0], -1, text.shape[-1])


def _keys_values(module: Any, text: Tensor) -> tuple[Tensor, Tensor]:
    return module.kv_linear(text).split(module.d_model, -1)


def _projected(module: Any, change: Tensor) -> Tensor:
    """Without the bias, which is in the output already; by the layer's own forward, for its weight may be elsewhere."""
    return module.proj(change) - module.proj(torch.zeros_like(change[:1, :1]))
