"""Stable Diffusion 3 and 3.5: text and picture attend to each other in one joint attention (Esser et al., 2024).

Read are the rows of the picture over the columns of the text, with the softmax over the text alone: how a place shares
out among the words what it gives to the text. So the maps mean what they mean in a UNet; over all columns, thousands of
picture tokens would hold most of the mass. The text is CLIP's positions, then T5's; a word has its place in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch.nn as nn
from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT
from torch import Tensor

from ...capture.sites import ModelSite
from ...types import AttentionSite
from ..recorder import Recorder
from .calls import Options, around_each_call

OVERRIDE = "optimized_attention_override"


def matches(diffusion_model: nn.Module) -> bool:
    return isinstance(diffusion_model, MMDiT) and hasattr(diffusion_model, "joint_blocks")


def sites(diffusion_model: Any) -> list[ModelSite]:
    patch, heads = diffusion_model.patch_size, diffusion_model.num_heads
    return [ModelSite(_site(number), patch, heads) for number in range(len(diffusion_model.joint_blocks))]


def attention(diffusion_model: Any, site: AttentionSite) -> nn.Module:
    return diffusion_model.joint_blocks[site.number]


def attach(diffusion_model: Any, recorder: Recorder, transformer_options: Options) -> None:
    @contextmanager
    def reading(x: Tensor, context: Tensor, options: Options) -> Iterator[Options]:
        if not recorder.open:
            yield options
            return
        hw = tuple(-(-side // diffusion_model.patch_size) for side in x.shape[-2:])
        first = diffusion_model.register_length
        text = slice(first, first + context.shape[1])
        yield {**options, OVERRIDE: JointReader(recorder, options, diffusion_model.num_heads, text, hw)}

    around_each_call(transformer_options, reading)


class JointReader:
    """An attention override for one model call. The network does not say which block is at work, so joint calls are
    counted; the second attention of SD3.5 medium, among the picture alone, is shorter and does not count."""

    def __init__(self, recorder: Recorder, options: Options, heads: int, text: slice, hw: tuple[int, int]) -> None:
        self._recorder, self._options, self._heads = recorder, options, heads
        self._text, self._hw = text, hw
        self._previous = options.get(OVERRIDE)
        self._block = 0

    def __call__(
        self, func: Callable[..., Tensor], q: Tensor, k: Tensor, v: Tensor, *args: Any, **kwargs: Any
    ) -> Tensor:
        if q.shape[1] == self._text.stop + self._hw[0] * self._hw[1]:
            site, self._block = _site(self._block), self._block + 1
            if self._recorder.reads(site):
                self._recorder.read(site, q.shape[0], lambda rows: self._text_part(q, k, rows), self._hw, self._options)
        if self._previous is not None:
            return self._previous(func, q, k, v, *args, **kwargs)
        return func(q, k, v, *args, **kwargs)

    def _text_part(self, q: Tensor, k: Tensor, rows: slice) -> tuple[Tensor, Tensor, int]:
        """The context stands in front of the picture."""
        return q[rows, self._text.stop :], k[rows, self._text], self._heads


def _site(number: int) -> AttentionSite:
    return AttentionSite("joint", number)
