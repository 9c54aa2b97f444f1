"""The seam: puts a run in front of every model call of the stock samplers.

The latent has to move where the sampler itself keeps it. A proxy around the model that the sampler function is given
sees that tensor, with or without a noise mask; anything further in sees a copy. (ComfyUI's own wrappers that look
nearer, PREDICT_NOISE and APPLY_MODEL, do not reach it.)
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from ....errors import PromptUnderstandingError
from ..settings import Settings
from .part import MakePart, StepOpening
from .passes import ModelCall
from .run import SamplingRun
from .shared_noise import NoiseWatch, refuse_churn, shared_noise, takes_noise

# Samplers whose second stage lies exactly on the next noise level of the schedule: model calls from one step's callback
# to the next step's first call. For all others that first call is recognised by its noise level alone.
CALLS_PER_STEP = {
    "sample_heun": 2,
    "sample_exp_heun_2_x0": 2,
    "sample_exp_heun_2_x0_sde": 2,
    "sample_dpm_2_ancestral": 2,
    "sample_dpmpp_2s_ancestral": 2,
    "sample_dpmpp_2s_ancestral_cfg_pp": 2,
    "sample_heunpp2": 3,
}
# These hand over a temporary and go on computing with it: moved in place, the move would cancel itself with the wrong
# sign.
TAKES_A_COPY = {"sample_unipc", "sample_unipc_bh2"}
# These choose their own noise levels, so no step of theirs can be told from the schedule.
LEAVES_THE_SCHEDULE = {"dpm_fast_function": "dpm_fast", "dpm_adaptive_function": "dpm_adaptive"}

SIGMA_TOLERANCE = 1e-4


def wrapper(settings: Settings, parts: Sequence[MakePart]) -> Callable[..., Tensor]:
    """A SAMPLER_SAMPLE wrapper for one set of settings and the parts that may act on them. Everything of a run is made
    here and gone when it returns."""

    def sampler_sample(
        executor: Any, guider: Any, sigmas: Tensor, extra_args: dict[str, Any], callback: Any, *args: Any, **kwargs: Any
    ) -> Tensor:
        sampler = executor.class_obj
        name = sampler_name(sampler)
        noise = args[0] if args else kwargs["noise"]
        run = SamplingRun(settings, parts, guider, sigmas, extra_args["model_options"], noise)
        gate = StepGate(run.levels, CALLS_PER_STEP.get(name, 1))
        # A copy for this run: the SAMPLER object is cached and shared, and there is nothing to put back.
        own = copy.copy(sampler)
        own.sampler_function = _guided(sampler.sampler_function, run, gate, takes_a_copy=name in TAKES_A_COPY)
        executor.class_obj, executor.original = own, own.sample
        samples = executor(guider, sigmas, extra_args, gate.watching(callback), *args, **kwargs)
        return run.finish(samples)

    return sampler_sample


def sampler_name(sampler: Any) -> str:
    """Name of its sampler function. Raises for samplers that cannot be guided."""
    if not hasattr(sampler, "sampler_function"):
        raise PromptUnderstandingError(
            f"The sampler {type(sampler).__name__} does not step through ComfyUI's sampler functions, so guidance and "
            "capture cannot follow it. Use a sampler from KSampler or KSamplerSelect, such as euler or dpmpp_2m."
        )
    name = getattr(sampler.sampler_function, "__name__", "")
    if name in LEAVES_THE_SCHEDULE:
        raise PromptUnderstandingError(
            f"The sampler {LEAVES_THE_SCHEDULE[name]} chooses its own noise levels, so guidance and capture cannot "
            "tell its steps. Use another sampler, such as euler, heun or dpmpp_2m."
        )
    return name


def _guided(
    sampler_function: Callable[..., Tensor], run: SamplingRun, gate: StepGate, takes_a_copy: bool
) -> Callable[..., Tensor]:
    # Other packs, and ComfyUI itself, look samplers up by this name.
    name = getattr(sampler_function, "__name__", "guided")

    def guided(model: Any, x: Tensor, sigmas: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        noise_watch = None
        if run.alike > 1:
            refuse_churn(name, kwargs)
            if takes_noise(sampler_function):
                seed = kwargs.get("extra_args", {}).get("seed")
                given = kwargs.get("noise_sampler")
                kwargs["noise_sampler"] = shared_noise(name, x, sigmas, seed, run.alike, given)
            else:
                noise_watch = NoiseWatch(name, sampler_function)
        return sampler_function(GuidedModel(model, run, gate, takes_a_copy, noise_watch), x, sigmas, *args, **kwargs)

    guided.__name__ = name
    return guided


class GuidedModel:
    """Stands in for the model of a k-diffusion sampler: lets the run act on the latent, then calls on."""

    def __init__(
        self, model: Any, run: SamplingRun, gate: StepGate, takes_a_copy: bool, noise_watch: NoiseWatch | None = None
    ) -> None:
        self._model, self._run, self._gate, self._takes_a_copy = model, run, gate, takes_a_copy
        self._noise_watch = noise_watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, x: Tensor, sigma: Tensor, **kwargs: Any) -> Tensor:
        level = float(sigma.flatten()[0])
        step = self._gate.step_of(level)
        call = ModelCall(x, level, step is not None, self._run.positive)
        options = self._run.options(kwargs.get("model_options", {}), level, opens_step=step is not None)
        kwargs["model_options"] = call.watched(options, self._run.pass_options)
        if step is None:
            return self._model(x, sigma, **kwargs)
        if self._noise_watch is not None:
            self._noise_watch.check()
        progress = self._run.progress[step]
        opening = StepOpening(step, progress, level, sigma, self._model, kwargs.get("denoise_mask"))
        x = self._run.open_step(x, opening, self._moved)
        with self._run.during_opening(opening):
            return self._model(x, sigma, **kwargs)

    def _moved(self, x: Tensor, to: Tensor) -> Tensor:
        return to if self._takes_a_copy else x.copy_(to)


class StepGate:
    """Tells the one model call of each step that sees the sampler's real state from its trial calls."""

    def __init__(self, sigmas: Sequence[float], calls_per_step: int) -> None:
        self._sigmas = sigmas
        self._calls_per_step = calls_per_step
        self._calls = 0
        self._last = -1

    def step_of(self, sigma: float) -> int | None:
        """Index of the step that this call opens, or None."""
        self._calls += 1
        step = self._on_schedule(sigma)
        if step is None or step <= self._last or (self._last >= 0 and self._calls < self._calls_per_step):
            return None
        self._last = step
        return step

    def watching(self, callback: Any) -> Callable[..., Any]:
        """The step callback fires right after the first model call of a step."""

        def watched(*args: Any, **kwargs: Any) -> Any:
            self._calls = 0
            return callback(*args, **kwargs) if callback is not None else None

        return watched

    def _on_schedule(self, sigma: float) -> int | None:
        near = (i for i, s in enumerate(self._sigmas) if math.isclose(s, sigma, rel_tol=SIGMA_TOLERANCE))
        return next(near, None)
