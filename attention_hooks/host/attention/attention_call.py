"""One call of ComfyUI's attention function, as an override of it is given it, whatever shapes the network uses.

The contract, in ComfyUI 0.16 to 0.45: `override(func, q, k, v, heads, mask=None, **keywords)`, where `heads` and `mask`
come by place or by name. Of k and v there may be fewer heads than of q (`enable_gqa`). Containers of tensors are
unpacked before an override without `container_function` is called. What is called on gets every argument in the form
in which it came, those that nobody here knows too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import comfy.ldm.modules.attention as comfy_attention
import torch
from torch import Tensor, nn

from ....errors import PromptUnderstandingError
from ...capture.probabilities import split_heads

OVERRIDE = "optimized_attention_override"
WHOLE = slice(None)


def preferred_attention(layer: nn.Module) -> Any:
    """What a checkpoint asks its layer to attend with (INT8; ComfyUI 0.38 and newer), as the host's functions take it
    by the name `preferred_attention`; None where it asks for nothing."""
    asked = (child for child in layer.modules() if type(child).__name__ == "ComfyAttention")
    return next((child for child in asked if child.function is not None), None)


@dataclass(frozen=True)
class AttentionCall:
    """q, k, v are [rows n heads*d] or [rows n heads d], or with `skip_reshape` [rows heads n d]."""

    func: Callable[..., Tensor]
    q: Tensor
    k: Tensor
    v: Tensor
    places: Sequence[Any] = ()
    """What came by place behind v."""
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def heads(self) -> int:
        """Of q."""
        return self.places[0] if self.places else self.keywords["heads"]

    @property
    def mask(self) -> Tensor | None:
        return self.places[1] if len(self.places) > 1 else self.keywords.get("mask")

    @property
    def rows(self) -> int:
        return self.q.shape[0]

    @property
    def queries(self) -> int:
        return self.q.shape[self._axis]

    @property
    def keys(self) -> int:
        return self.k.shape[self._axis]

    def q_of(self, rows: slice, where: slice = WHOLE) -> Tensor:
        """[rows heads n d], float32 or better."""
        return self._by_heads(self.q, rows, where)

    def k_of(self, rows: slice, where: slice = WHOLE) -> Tensor:
        return self._by_heads(self.k, rows, where)

    def v_of(self, rows: slice, where: slice = WHOLE) -> Tensor:
        return self._by_heads(self.v, rows, where)

    def add(self, out: Tensor, rows: slice, where: slice, change: Tensor) -> None:
        """Adds `change` [rows n heads*d] to these rows and places of what the call gave."""
        change = change.to(out.dtype)
        if self.keywords.get("skip_output_reshape"):
            out[rows, :, where] += change.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        else:
            out[rows, where] += change

    @property
    def _axis(self) -> int:
        """Which dimension counts the places."""
        return 2 if self.keywords.get("skip_reshape") else 1

    def _by_heads(self, x: Tensor, rows: slice, where: slice) -> Tensor:
        if self.keywords.get("skip_reshape"):
            x = split_heads(x[rows, :, where], x.shape[1])
        else:
            x = x[rows, where].flatten(2)
            x = split_heads(x, x.shape[-1] * self.heads // self.q[0, 0].numel())
        return x if x.shape[1] == self.heads else torch.repeat_interleave(x, self.heads // x.shape[1], 1)


class Override:
    """An override of the attention function that keeps the one that was there before, and calls it."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.previous: Callable[..., Tensor] | None = options.get(OVERRIDE)

    def __call__(
        self, func: Callable[..., Tensor], q: Tensor, k: Tensor, v: Tensor, *places: Any, **keywords: Any
    ) -> Tensor:
        return self.attend(AttentionCall(func, q, k, v, places, keywords))

    def attend(self, call: AttentionCall) -> Tensor:
        return self.go_on(call)

    def go_on(self, call: AttentionCall, layer: nn.Module | None = None) -> Tensor:
        """As if this override were not there. ComfyUI leaves out what `layer` prefers as soon as there is one."""
        preferred = None if layer is None else preferred_attention(layer)
        attention = call.func if preferred is None else preferred.function
        if self.previous is not None:
            attention = partial(self.previous, call.func)
        return attention(call.q, call.k, call.v, *call.places, **call.keywords)


def require_override() -> None:
    """Raises where this ComfyUI asks no override any more, or asks it in another way."""
    fault = _fault(comfy_attention.optimized_attention)
    if fault:
        raise PromptUnderstandingError(
            f"This ComfyUI's attention was tried before the run, and {fault}. So the pack cannot follow the attention "
            "of a transformer model here. Update Prompt Understanding, or take its nodes off this MODEL."
        )


@cache
def _fault(attention: Callable[..., Tensor]) -> str:
    """One attention of two places over three, tried through an override; "" when it was asked as it should be."""
    asked: list[AttentionCall] = []

    class Tried(Override):
        def attend(self, call: AttentionCall) -> Tensor:
            asked.append(call)
            return self.go_on(call)

    q, k = torch.ones(1, 2, 4), torch.ones(1, 3, 4)
    out = attention(q, k, k, 2, transformer_options={OVERRIDE: Tried({})})
    if len(asked) != 1:
        return f"an override of it was asked {len(asked)} times instead of once"
    call = asked[0]
    if (call.heads, call.queries, call.keys) != (2, 2, 3) or not torch.allclose(out, torch.ones_like(q)):
        return "an override of it was given other tensors than expected"
    return ""
