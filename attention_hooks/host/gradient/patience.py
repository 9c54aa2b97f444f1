"""What a pass falls back to when another pack's patch stands in autograd's way: slower, so only where one failed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from .autograd import own_tensor

T = TypeVar("T")


class Patience:
    """Of one run: what its passes have met. What one has met, all later ones are ready for."""

    def __init__(self) -> None:
        self.cures: list[Callable[[], AbstractContextManager[Any]]] = []

    def run(self, attempt: Callable[[], T]) -> T:
        """Raises what `attempt` raises when there is no cure for it, or none that has not been tried."""
        while True:
            try:
                with ExitStack() as stack:
                    for cure in self.cures:
                        stack.enter_context(cure())
                    return attempt()
            except RuntimeError as error:
                cure = next((cure for text, cure in CURES if text in str(error)), None)
                if cure is None or cure in self.cures:
                    raise
                self.cures.append(cure)


def saved_as_copies() -> AbstractContextManager[Any]:
    """What autograd saves for the way back is copied, so that a patch may write into it afterwards, as FreeU_V2 does.
    More memory."""
    return torch.autograd.graph.saved_tensors_hooks(lambda saved: saved.detach().clone(), lambda copy: copy)


class ThawedInferenceTensors(TorchFunctionMode):
    """Lets autograd meet inference tensors that are not layer weights: those of other packs' patches, adapters, loose
    parameters. Each is seen through a normal tensor on the same memory.

    Slower, and blind to memory that is overwritten, so it is used only where a pass has failed without it.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if torch.is_grad_enabled():
            args = torch.utils._pytree.tree_map_only(Tensor, _thaw, args)
            kwargs = torch.utils._pytree.tree_map_only(Tensor, _thaw, kwargs or {})
        return func(*args, **(kwargs or {}))


def _thaw(tensor: Tensor) -> Tensor:
    return own_tensor(tensor) if tensor.is_inference() else tensor


CURES: tuple[tuple[str, Callable[[], AbstractContextManager[Any]]], ...] = (
    ("Inference tensors cannot be saved", ThawedInferenceTensors),
    ("Cannot set version_counter for inference tensor", ThawedInferenceTensors),
    ("modified by an inplace operation", saved_as_copies),
)
"""(what autograd complains of, what helps)"""
