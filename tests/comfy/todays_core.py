"""What ComfyUI 0.38 and newer do at the attention function, as far as an override meets it, put around the host under
test: q, k, v come in containers that one reader may empty, and a checkpoint may ask for an attention of its own."""

from __future__ import annotations

import functools

import comfy.ldm.modules.attention as attention
import comfy.ldm.modules.diffusionmodules.mmdit as mmdit
from torch import nn

OVERRIDE = "optimized_attention_override"


class Container:
    """Of one tensor, for one reader."""

    def __init__(self, tensor):
        self.tensor = tensor

    def take(self):
        assert self.tensor is not None, "taken twice"
        tensor, self.tensor = self.tensor, None
        return tensor


class ComfyAttention(nn.Module):
    """Beside each attention of a checkpoint that asks for one: coarser than the plain one, as INT8 is."""

    def __init__(self, plain):
        super().__init__()
        self.asked = 0
        self._plain = plain

    def function(self, q, k, v, heads, **keywords):
        self.asked += 1
        q, k, v = (x.take() if isinstance(x, Container) else x for x in (q, k, v))
        return (self._plain(q, k, v, heads, **keywords) * 64).round() / 64


def asking(func):
    """The host's order: an override first, then what the checkpoint prefers, then what the computer is best at."""

    @functools.wraps(func)
    def attend(q, k, v, *places, **keywords):
        preferred = keywords.pop("preferred_attention", None)
        contained = isinstance(q, Container)
        outside = "_inside_attn_wrapper" not in keywords
        keywords["_inside_attn_wrapper"] = True
        override = (keywords.get("transformer_options") or {}).get(OVERRIDE) if outside else None
        if override is not None and contained and hasattr(override, "container_function"):
            return override.container_function(q, k, v, *places, **keywords)
        if override is None and outside and preferred is not None and preferred.function is not None:
            return preferred.function(q, k, v, *places, **keywords)
        if contained:
            q, k, v = q.take(), k.take(), v.take()
        if override is not None:
            return override(attend, q, k, v, *places, **keywords)
        return func(q, k, v, *places, **keywords)

    return attend


def make_todays(monkeypatch, network):
    """Lets the host attend as today's does, for one test, and gives every attention layer of `network`, which is the
    test's own, a preference. -> these, in forward order."""
    plain = attention.attention_pytorch
    monkeypatch.setattr(attention, "optimized_attention", asking(plain))
    monkeypatch.setattr(mmdit, "optimized_attention", _joint_attention)
    monkeypatch.setattr(attention.CrossAttention, "forward", _cross_attention)
    monkeypatch.setattr(mmdit.JointBlock, "forward", functools.partialmethod(_joint_block, mmdit.JointBlock.forward))
    layers = [x for x in network.modules() if isinstance(x, (attention.CrossAttention, mmdit.JointBlock))]
    for layer in layers:
        layer.comfy_attention = ComfyAttention(plain)
    return [layer.comfy_attention for layer in layers]


def _cross_attention(layer, x, context=None, value=None, mask=None, transformer_options=None):
    context = x if context is None else context
    q, k, v = layer.to_q(x), layer.to_k(context), layer.to_v(context if value is None else value)
    out = attention.optimized_attention(
        Container(q), Container(k), Container(v), layer.heads, attn_precision=layer.attn_precision,
        preferred_attention=layer.comfy_attention, transformer_options=transformer_options or {},
    )  # fmt: skip
    return layer.to_out(out)


def _joint_block(layer, forward, *args, **keywords):
    _working.append(layer)
    try:
        return forward(layer, *args, **keywords)
    finally:
        _working.pop()


def _joint_attention(q, k, v, **keywords):
    return attention.optimized_attention(
        Container(q), Container(k), Container(v), preferred_attention=_working[-1].comfy_attention, **keywords
    )


_working = []
"""The joint block at work: its attention is called by a function that does not know it."""
