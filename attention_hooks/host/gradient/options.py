"""The options of a pass that autograd works through: a run's own, without what such a pass must not share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import comfy.ldm.modules.attention as comfy_attention
import torch
from torch import Tensor, nn

from ....errors import PromptUnderstandingError
from ..sampling.caches import drop_caches
from ..sampling.neighbours import swapped_forwards
from ..sampling.passes import marked


def differentiable_options(model_options: dict[str, Any], network: nn.Module, x: Tensor) -> dict[str, Any]:
    """A copy of a run's model options for one pass over `x`."""
    options = marked(model_options, x)
    options.pop("multigpu_clones", None)
    transformer = options["transformer_options"]
    drop_caches(transformer.get("wrappers", {}))
    patches = transformer.setdefault("patches", {})
    # Control adds to the skip tensors in place; autograd must find those it saved unchanged.
    patches["input_block_patch_after_skip"] = [*patches.get("input_block_patch_after_skip", []), _own_copy]
    transformer["optimized_attention_override"] = partial(_differentiable_attention, network)
    return options


def _own_copy(h: Tensor, _options: dict[str, Any]) -> Tensor:
    return h.clone()


def _differentiable_attention(network: nn.Module, func: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
    """torch's attention for this pass: the sage, flash and chunked back-ends have no backward."""
    if not torch.is_grad_enabled():
        raise no_gradient(network)
    return comfy_attention.attention_pytorch(*args, **kwargs)


def no_gradient(network: nn.Module) -> PromptUnderstandingError:
    return PromptUnderstandingError(
        "A gradient was asked for, but a patch of another node pack switches gradients off in some layers, so guidance "
        "and Bring Image Back would go by a part of the model only. The layers that were changed are: "
        f"{swapped_forwards(network) or 'not known'}. Remove that pack's node (Token Perturbation Guidance is one that "
        "does so), or go without guidance on this MODEL."
    )
