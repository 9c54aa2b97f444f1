"""Gradients through a model that ComfyUI loaded for inference.

ComfyUI samples under `torch.inference_mode()`. Its weights are inference tensors, which autograd refuses to save, and
on NVIDIA they may be views of memory that the next layer overwrites, which autograd would not notice. So while a
gradient is taken, every layer with weights is an autograd Function that saves no weight and fetches it again on the way
back: right for every loader, dtype, LoRA and offload, and the shared model is left as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import comfy.ops
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..sampling.forwards import forwards_kept


@contextmanager
def gradients(*networks: nn.Module) -> Iterator[None]:
    """Within: autograd works through these networks. On leaving, also by an interrupt, no layer is changed."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for network in networks:
            stack.enter_context(forwards_kept(network))
        for layer in (layer for network in networks for layer in network.modules()):
            frozen = _frozen_forward(layer)
            if frozen is not None:
                layer.forward = frozen
        yield


def _frozen_forward(layer: nn.Module) -> Callable[..., Tensor] | None:
    """The layer's forward as a Function that saves no weight; None when the layer can stay as it is."""
    if not isinstance(layer, comfy.ops.CastWeightBiasOp) or getattr(layer, "weight", None) is None:
        return None
    function = _function_for(layer)
    if function is None:
        return None
    original = layer.forward

    def forward(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if not x.requires_grad:
            # Weights of older hosts ask for a gradient themselves, and autograd would save them for it.
            with torch.no_grad():
                return original(x, *args, **kwargs)
        if args or kwargs or not torch.is_grad_enabled():
            return original(x, *args, **kwargs)
        return function.apply(x, layer, original)

    return forward


def _function_for(layer: nn.Module) -> Any:
    if hasattr(layer, "in_features"):
        return _FrozenLinear
    if isinstance(layer, nn.Conv2d) and layer.padding_mode == "zeros" and not isinstance(layer.padding, str):
        return _FrozenConv2d
    if isinstance(layer, (nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, nn.Conv1d, nn.Conv2d)):
        return _Recomputed
    return None


@contextmanager
def _weights(layer: nn.Module, like: Tensor) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Weight and bias as this call would use them: cast, on the device of `like`, LoRA applied."""
    weight, bias, stream = comfy.ops.cast_bias_weight(layer, like, offloadable=True)
    try:
        yield _plain(weight), bias
    finally:
        comfy.ops.uncast_bias_weight(layer, weight, bias, stream)


def _plain(weight: Tensor) -> Tensor:
    """Quantised classes of the host as the numbers they stand for."""
    return weight.dequantize() if hasattr(weight, "params") and hasattr(weight, "dequantize") else weight


def own_tensor(x: Tensor) -> Tensor:
    """A normal tensor on the same memory: neither a view, which autograd lets nobody write into behind a Function, nor
    an inference tensor, which it does not save."""
    if type(x) not in (Tensor, nn.Parameter) or x.layout != torch.strided:
        return x
    with torch._C.DisableTorchFunction():
        alias = torch.empty(0, dtype=x.dtype, device=x.device)
        return alias.set_(x.untyped_storage(), x.storage_offset(), x.size(), x.stride())


class _FrozenLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: nn.Module, original: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.layer = layer
        return own_tensor(original(x.detach()))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        with torch.no_grad(), _weights(ctx.layer, gradient) as (weight, _):
            return gradient @ weight, None, None


class _FrozenConv2d(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: nn.Conv2d, original: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.layer, ctx.shape = layer, x.shape
        return own_tensor(original(x.detach()))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        layer = ctx.layer
        # Only the shape of the input matters for its own gradient, so the input itself is not kept.
        x_like = gradient.new_empty(1).expand(ctx.shape)
        with torch.no_grad(), _weights(layer, gradient) as (weight, _):
            dx, _, _ = torch.ops.aten.convolution_backward(
                gradient, x_like, weight, None, layer.stride, layer.padding, layer.dilation,
                False, [0, 0], layer.groups, [True, False, False],
            )  # fmt: skip
        return dx, None, None


class _Recomputed(torch.autograd.Function):
    """For the small layers: keep the input, run the layer again on the way back with fresh copies of its weights."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: nn.Module, original: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.layer = layer
        ctx.save_for_backward(x)
        return own_tensor(original(x.detach()))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        with torch.enable_grad(), _weights(ctx.layer, x) as (weight, bias):
            x = x.detach().requires_grad_()
            y = _call(ctx.layer, x, weight.clone(), None if bias is None else bias.clone())
            (dx,) = torch.autograd.grad(y, x, gradient)
        return dx, None, None


def _call(layer: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if isinstance(layer, nn.GroupNorm):
        return F.group_norm(x, layer.num_groups, weight, bias, layer.eps)
    if isinstance(layer, nn.LayerNorm):
        return F.layer_norm(x, layer.normalized_shape, weight, bias, layer.eps)
    if isinstance(layer, nn.RMSNorm):
        return F.rms_norm(x, layer.normalized_shape, weight, layer.eps)
    return layer._conv_forward(x, weight, bias)
