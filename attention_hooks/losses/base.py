"""What a loss is, and the registry that nodes and benchmarks read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any, Protocol, TypeVar, runtime_checkable

from torch import Tensor

from ...prompts.types import ParsedPrompt
from ..types import TokenMaps


@runtime_checkable
class AttentionLoss(Protocol):
    """A frozen dataclass of knobs. Pure, differentiable, no `.item()`, no device moves, no randomness.

    Zero means satisfied. The optimiser only ever moves along the gradient of `loss(maps, prompt)`.
    """

    def __call__(self, maps: TokenMaps, prompt: ParsedPrompt) -> Tensor:
        """Maps of one image -> scalar."""
        ...

    def per_subject(self, maps: TokenMaps, prompt: ParsedPrompt) -> Tensor:
        """[subjects], in the order of `labels(prompt)`: what the report shows."""
        ...

    def labels(self, prompt: ParsedPrompt) -> tuple[str, ...]:
        """A name for each value of `per_subject`."""
        ...

    def check(self, prompt: ParsedPrompt) -> None:
        """Raise PromptUnderstandingError when this prompt cannot be worked on and the user should know at once."""
        ...

    def idle(self, prompt: ParsedPrompt) -> str | None:
        """A sentence saying why this prompt leaves nothing to do, or None. The picture then stays exactly as it was."""
        ...


REGISTRY: dict[str, type] = {}

L = TypeVar("L", bound=type)


def register(name: str) -> Callable[[L], L]:
    """Class decorator. The name is written into reports and tables: add, don't rename."""

    def add(loss: L) -> L:
        if name in REGISTRY:
            raise ValueError(f"A loss named {name!r} is registered already: {REGISTRY[name].__module__}.")
        loss.name = name
        REGISTRY[name] = loss
        return loss

    return add


def knob(default: Any, tooltip: str, **limits: Any) -> Any:
    """A dataclass field that becomes a widget: `min`, `max`, `step`, or `options` for a choice."""
    return field(default=default, metadata={"tooltip": tooltip, **limits})
