"""Ask ComfyUI for the memory a gradient pass needs before it fills the card with weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..settings import Settings

# ComfyUI budgets a forward of the conditional and unconditional rows. The pass keeps the activations of the conditional
# ones as well; twice the rows covers it (SD1.5 at 512², float32, measured by the benchmark's memory column).
ROWS = 2


def wrapper(settings: Settings) -> Callable[..., Any]:
    def prepare_sampling(executor: Any, model: Any, noise_shape: Any, conds: Any, *args: Any, **kwargs: Any) -> Any:
        if settings.guidances:
            noise_shape = type(noise_shape)([noise_shape[0] * ROWS, *noise_shape[1:]])
        return executor(model, noise_shape, conds, *args, **kwargs)

    return prepare_sampling
