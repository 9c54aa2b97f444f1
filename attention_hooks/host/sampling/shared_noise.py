"""The same step noise for a source and its edits: ancestral and SDE samplers draw it row by row from the seed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from comfy.k_diffusion import sampling
from torch import Tensor

from ....errors import PromptUnderstandingError

# These draw from a Brownian tree over the schedule, all others independently at each step.
BROWNIAN = ("sample_dpmpp_sde", "sample_dpmpp_2m_sde", "sample_dpmpp_2m_sde_heun", "sample_dpmpp_3m_sde")
GPU = "_gpu"

NoiseSampler = Callable[[Tensor, Tensor], Tensor]


def takes_noise(sampler_function: Callable[..., Tensor]) -> bool:
    return "noise_sampler" in inspect.signature(sampler_function).parameters


def shared_noise(
    name: str, x: Tensor, sigmas: Tensor, seed: int | None, prompts: int, given: NoiseSampler | None = None
) -> NoiseSampler:
    """What the sampler called `name` would draw for one row of each group, given to all rows of the group.

    x [groups*prompts C H W]. One group gets what a batch of one would draw. `given` is a noise sampler that the SAMPLER
    brings along, for all rows."""
    if given is not None:
        return lambda sigma, sigma_next: given(sigma, sigma_next)[::prompts].repeat_interleave(prompts, 0)
    base = _noise_sampler(name, x[::prompts], sigmas, seed)
    return lambda sigma, sigma_next: base(sigma, sigma_next).repeat_interleave(prompts, 0)


def _noise_sampler(name: str, x: Tensor, sigmas: Tensor, seed: int | None) -> NoiseSampler:
    if name.removesuffix(GPU) not in BROWNIAN:
        return sampling.default_noise_sampler(x, seed=seed)
    lowest, highest = sigmas[sigmas > 0].min(), sigmas.max()
    on_cpu = not name.endswith(GPU)
    return sampling.BrownianTreeNoiseSampler(x, lowest, highest, seed=seed, cpu=on_cpu)


def refuse_churn(name: str, options: Mapping[str, Any]) -> None:
    """Raises for Karras' churn, which is drawn for every row and cannot be given from outside."""
    if options.get("s_churn"):
        raise _own_noise(name)


class NoiseWatch:
    """For other packs' samplers that take no noise from us: notices that one has drawn its own, which differs from row
    to row. (ComfyUI's own draw none; heunpp2 draws numbers that it does not use.)"""

    def __init__(self, name: str, sampler_function: Callable[..., Tensor]) -> None:
        self._name = name
        self._trusted = (sampler_function.__module__ or "").split(".")[0] == "comfy"
        self._states = [] if self._trusted else _random_states()

    def check(self) -> None:
        if not self._trusted and not all(map(torch.equal, self._states, _random_states())):
            raise _own_noise(self._name)


def _own_noise(name: str) -> PromptUnderstandingError:
    return PromptUnderstandingError(
        f"The sampler {name.removeprefix('sample_')} draws new noise while it samples and takes none from outside, so "
        "the source and its edits would be given different noise. Use a sampler without noise, such as euler (with "
        "s_churn 0) or dpmpp_2m, or one of ComfyUI's ancestral or SDE samplers."
    )


def _random_states() -> list[Any]:
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [])]
