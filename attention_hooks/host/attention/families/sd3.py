"""Stable Diffusion 3 and 3.5: text and picture attend to each other in one joint attention (Esser et al., 2024).

Read are the rows of the picture over the columns of the text, with the softmax over the text alone: how a place shares
out among the words what it gives to the text. So the maps mean what they mean in a UNet; over all columns, thousands of
picture tokens would hold most of the mass. The text is CLIP's positions, then T5's; a word has its place in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch.nn as nn
from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT
from torch import Tensor

from ....capture.probabilities import joint_probs, split_heads
from ....capture.sites import ModelSite
from ....types import AttentionSite
from ..edited_attention import Edits
from ..layer_call import positive_rows
from ..recorder import Recorder
from .calls import Options, around_each_call

OVERRIDE = "optimized_attention_override"
EDITS_SELF_ATTENTION = False


def matches(diffusion_model: nn.Module) -> bool:
    return isinstance(diffusion_model, MMDiT) and hasattr(diffusion_model, "joint_blocks")


def sites(diffusion_model: Any) -> list[ModelSite]:
    patch, heads = diffusion_model.patch_size, diffusion_model.num_heads
    return [ModelSite(_site(number), patch, heads) for number in range(len(diffusion_model.joint_blocks))]


def attention(diffusion_model: Any, site: AttentionSite) -> nn.Module:
    return diffusion_model.joint_blocks[site.number]


def attach(diffusion_model: Any, recorder: Recorder, transformer_options: Options) -> None:
    _override(diffusion_model, lambda options, layout: JointReader(options, layout, recorder), transformer_options)


def edit(diffusion_model: Any, crossing: Edits, keeping: Edits, transformer_options: Options) -> None:
    _override(diffusion_model, lambda options, layout: JointEditor(options, layout, crossing), transformer_options)


@dataclass(frozen=True)
class Layout:
    """Of one joint attention: [registers, text, picture]."""

    heads: int
    text: slice
    hw: tuple[int, int]

    @property
    def length(self) -> int:
        return self.text.stop + self.hw[0] * self.hw[1]


def _override(
    diffusion_model: Any, make: Callable[[Options, Layout], JointCalls], transformer_options: Options
) -> None:
    @contextmanager
    def calls(x: Tensor, context: Tensor, options: Options) -> Iterator[Options]:
        height, width = (-(-side // diffusion_model.patch_size) for side in x.shape[-2:])
        first = diffusion_model.register_length
        text = slice(first, first + context.shape[1])
        override = make(options, Layout(diffusion_model.num_heads, text, (height, width)))
        yield {**options, OVERRIDE: override}

    around_each_call(transformer_options, calls)


class JointCalls:
    """An attention override for one model call. The network does not say which block is at work, so joint calls are
    counted; the second attention of SD3.5 medium, among the picture alone, is shorter and does not count."""

    def __init__(self, options: Options, layout: Layout) -> None:
        self.options, self.layout = options, layout
        self.previous = options.get(OVERRIDE)
        self._block = 0

    def __call__(
        self, func: Callable[..., Tensor], q: Tensor, k: Tensor, v: Tensor, *args: Any, **kwargs: Any
    ) -> Tensor:
        joint = q.shape[1] == self.layout.length
        site = _site(self._block)
        self._block += joint
        if joint:
            self.before(site, q, k)
        attention = func if self.previous is None else partial(self.previous, func)
        out = attention(q, k, v, *args, **kwargs)
        return self.after(site, q, k, v, out) if joint else out

    def before(self, site: AttentionSite, q: Tensor, k: Tensor) -> None: ...

    def after(self, site: AttentionSite, q: Tensor, k: Tensor, v: Tensor, out: Tensor) -> Tensor:
        return out


class JointReader(JointCalls):
    def __init__(self, options: Options, layout: Layout, recorder: Recorder) -> None:
        super().__init__(options, layout)
        self._recorder = recorder

    def before(self, site: AttentionSite, q: Tensor, k: Tensor) -> None:
        if self._recorder.reads(site):
            self._recorder.read(
                site, q.shape[0], lambda rows: self._text_part(q, k, rows), self.layout.hw, self.options
            )

    def _text_part(self, q: Tensor, k: Tensor, rows: slice) -> tuple[Tensor, Tensor, int]:
        """The context stands in front of the picture."""
        return q[rows, self.layout.text.stop :], k[rows, self.layout.text], self.layout.heads


class JointEditor(JointCalls):
    """Edits what the picture gives to the text, out of everything it attends to; what it gives to itself stays."""

    def __init__(self, options: Options, layout: Layout, edits: Edits) -> None:
        super().__init__(options, layout)
        self._edits = edits

    def after(self, site: AttentionSite, q: Tensor, k: Tensor, v: Tensor, out: Tensor) -> Tensor:
        edited, text, heads = self._edits.get(site), self.layout.text, self.layout.heads
        if edited is None:
            return out
        if self.previous is not None:
            out = out.clone()
        for uuid, rows in positive_rows(q.shape[0], self.options):
            if uuid in edited.rows.lengths:
                probs = joint_probs(q[rows, text.stop :], k[rows], heads, text)
                values = split_heads(v[rows, text].flatten(2), heads)
                change = edited.added(probs, values, uuid, self.layout.hw, self.options)
                if change is not None:
                    out[rows, text.stop :] += change.to(out.dtype)
        return out


def _site(number: int) -> AttentionSite:
    return AttentionSite("joint", number)
