"""What Structured and Composable Diffusion cost, as ratios to plain sampling: `python run.py bench -- --only
conditioning`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comfy.sample
import comfy.samplers
import torch

from ..attention_hooks.edits.structured import MODES, Phrase
from ..attention_hooks.host.editing.attention_values import with_value_edit
from ..attention_hooks.host.predictions.composition import Composition, with_composition
from . import networks
from .networks import Size
from .steps import CFG, NEGATIVE_SEED, POSITIVE_SEED, Sampling
from .timing import Task, alternate, timed

PROMPTS = (2, 3)
TARGETS = {"structured, one key set": 1.06, **{f"composable, {n} prompts": (n + 1) / 2 for n in PROMPTS}}


def measure(size: Size, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds of one Euler step each, in turns; ratios to the plain step of the same round."""
    sampling = Sampling.of(size)
    runs = {"plain": (sampling.model, _conditioning(POSITIVE_SEED))}
    for mode, edit in MODES.items():
        model = with_value_edit(sampling.model, networks.prompt(), edit(_phrases()))
        runs[f"structured, {mode}"] = (model, _conditioning(POSITIVE_SEED))
    for count in PROMPTS:
        composition = Composition()
        for number in range(count):
            composition = composition.with_prompt(_conditioning(POSITIVE_SEED + 10 * number), 1.0)
        model = with_composition(sampling.model, composition)
        runs[f"composable, {count} prompts"] = (model, composition.conditioning())
    tasks: list[Task] = [timed(name, _step(sampling, *run)) for name, run in runs.items()]
    for task in tasks:
        task()  # what a first call makes (compiled kernels, buffers) is nobody's cost
    timings = alternate(tasks, rounds, say)
    ratios = {name: vars(timings.ratio({name: 1}, {"plain": 1})) for name in runs if name != "plain"}
    return {"network": str(size), "rounds": rounds, "seconds": timings.medians(), "ratios": ratios}


def _step(sampling: Sampling, model: Any, positive: list[Any]) -> Callable[[], Any]:
    @torch.inference_mode()
    def step() -> Any:
        noise = sampling.noise()
        euler = comfy.samplers.sampler_object("euler")
        return comfy.sample.sample_custom(
            model, noise, CFG, euler, sampling.levels(), positive, _conditioning(NEGATIVE_SEED),
            torch.zeros_like(noise), disable_pbar=True, seed=0,
        )  # fmt: skip

    return step


def _conditioning(seed: int) -> list[Any]:
    return [[networks.embeddings(seed), {}]]


def _phrases() -> tuple[Phrase, ...]:
    """ "a cat" and "a frog" of the bench's prompt."""
    return tuple(Phrase("", at, networks.embeddings(7)[0, list(at)]) for at in ((1, 2), (4, 5)))
