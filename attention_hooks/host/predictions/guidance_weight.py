"""Another guidance weight at every step, told to ComfyUI as the sampler's own: so it skips the negative prompt where
the weight is 1, and other patches see the weight that counts."""

from __future__ import annotations

from typing import Any

import comfy.samplers
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ....errors import PromptUnderstandingError
from ...predictions.guidance_weight import GuidanceWeight
from ..sampling.progress import progress_of
from ..settings import KEY

WEIGHT_KEY = f"{KEY}.guidance_weight"


def with_guidance_weight(model: Any, schedule: GuidanceWeight) -> Any:
    """A clone of `model`. Two schedules on one MODEL multiply out: the second starts from what the first leaves."""
    clone = model.clone()

    def predict_noise(executor: Any, x: Tensor, sigma: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        guider = executor.class_obj
        _check(guider)
        full = guider.cfg
        progress = progress_of(guider.inner_model.model_sampling, float(sigma.flatten()[0]))
        guider.cfg = schedule.at(progress, full)
        try:
            return executor(x, sigma, *args, **kwargs)
        finally:
            guider.cfg = full

    clone.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, WEIGHT_KEY, predict_noise)
    return clone


def _check(guider: Any) -> None:
    plain = type(guider).predict_noise is comfy.samplers.CFGGuider.predict_noise
    if not plain or not guider.conds.get("negative"):
        raise PromptUnderstandingError(
            f"The guider {type(guider).__name__} has no single guidance weight with a negative prompt, so none can be "
            "scheduled. Use KSampler, or SamplerCustomAdvanced with CFGGuider or Composable Guider."
        )
