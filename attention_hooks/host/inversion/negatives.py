"""A MODEL that samples with negative prompts of its own: another one at every step, or the prompt of the inversion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import comfy.sampler_helpers
import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ....errors import PromptUnderstandingError
from ..conditioning.batch_rows import images_of
from ..install import with_direct_inversion
from ..settings import Conditioning, Inversion
from .invert import KEY
from .null_text import with_embedding

SAMPLERS = {"sample_euler"}
"""Those whose steps are DDIM's: `euler`, and `ddim`, which is the same function."""
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Negatives:
    """Settings of the patch; the run's own conditioning is made from them when it starts."""

    inversion: Inversion = field(repr=False)
    conditioning: Conditioning | None = field(default=None, repr=False)
    """What takes the place of the sampler's negative input; None leaves that as it is."""
    embeddings: Tensor | None = field(default=None, repr=False)
    """[steps batch tokens channels] in place of the conditioning's own; None keeps that."""
    cfg: float | None = None
    """What the embeddings are for; None: they fit any."""


def with_negatives(model: Any, negatives: Negatives) -> Any:
    """A clone of `model`. A second one of these takes the first one's place."""
    clone = with_direct_inversion(model, None)
    for kind, wrapper in (
        (WrappersMP.OUTER_SAMPLE, _replacing(negatives)),
        (WrappersMP.SAMPLER_SAMPLE, _stepping(negatives)),
    ):
        clone.remove_wrappers_with_key(kind, KEY)
        clone.add_wrapper_with_key(kind, KEY, wrapper)
    return clone


def _replacing(negatives: Negatives) -> Callable[..., Tensor]:
    """Before anything is loaded: checks the run, then puts our negative conditioning into the guider of this run, where
    ComfyUI processes it as its own (areas, ControlNet, pooled vectors)."""

    def outer_sample(
        executor: Any, noise: Tensor, latent: Tensor, sampler: Any, sigmas: Tensor, *args: Any, **kwargs: Any
    ) -> Tensor:
        guider = executor.class_obj
        check_run(negatives, guider, noise, latent, sampler, sigmas)
        images = images_of(guider, len(latent), negatives.inversion)
        if negatives.conditioning is not None:
            guider.conds["negative"] = comfy.sampler_helpers.convert_cond(_picked(negatives.conditioning, images))
        return executor(noise, latent, sampler, sigmas, *args, **kwargs)

    return outer_sample


def _stepping(negatives: Negatives) -> Callable[..., Tensor]:
    """Then: one copy of that entry for every step, each switched on at its own noise level by ComfyUI's time ranges."""

    def sampler_sample(
        executor: Any,
        guider: Any,
        sigmas: Tensor,
        extra_args: Any,
        callback: Any,
        noise: Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> Tensor:
        if negatives.embeddings is not None:
            ranges = step_ranges(negatives.inversion.sigmas)
            images = images_of(guider, len(noise), negatives.inversion)
            embeddings = negatives.embeddings.index_select(1, images).to(sigmas.device)
            guider.conds["negative"] = [
                with_embedding({**entry, "timestep_start": start, "timestep_end": end}, embedding)
                for entry in guider.conds["negative"]
                for embedding, (start, end) in zip(embeddings, ranges, strict=True)
            ]
        return executor(guider, sigmas, extra_args, callback, noise, *args, **kwargs)

    return sampler_sample


def _picked(conditioning: Conditioning, images: Tensor) -> Conditioning:
    """A row for each latent, where there is one for each image; a single one serves all."""
    return [[_rows(tensor, images), {**options, **_pooled(options, images)}] for tensor, options in conditioning]


def _pooled(options: dict[str, Any], images: Tensor) -> dict[str, Tensor]:
    pooled = options.get("pooled_output")
    return {} if pooled is None else {"pooled_output": _rows(pooled, images)}


def _rows(tensor: Tensor, images: Tensor) -> Tensor:
    return tensor if len(tensor) == 1 else tensor.index_select(0, images.to(tensor.device))


def step_ranges(sigmas: Tensor) -> list[tuple[float, float]]:
    """(from, down to) around each noise level of a schedule, meeting half-way between two. Every level lies in one."""
    levels = sigmas.tolist()[:-1]
    borders = [float("inf"), *((a + b) / 2 for a, b in zip(levels, levels[1:], strict=False)), 0.0]
    return list(zip(borders, borders[1:], strict=False))


def check_run(negatives: Negatives, guider: Any, noise: Tensor, latent: Tensor, sampler: Any, sigmas: Tensor) -> None:
    """Raises PromptUnderstandingError for a run that cannot come back to the image."""
    inversion = negatives.inversion
    if "negative" not in getattr(guider, "conds", {}):
        raise PromptUnderstandingError(
            f"Bring Image Back changes the negative prompt, and the guider {type(guider).__name__} has none. Use "
            "KSampler (Advanced), or SamplerCustomAdvanced with CFGGuider."
        )
    name = getattr(getattr(sampler, "sampler_function", None), "__name__", type(sampler).__name__)
    if name not in SAMPLERS:
        raise PromptUnderstandingError(
            f"The image was inverted by DDIM steps, and the sampler is {name.removeprefix('sample_')}, which steps "
            "otherwise or adds noise. Choose the sampler 'euler' or 'ddim'."
        )
    if not _part_of(sigmas, inversion.sigmas):
        raise PromptUnderstandingError(
            f"The image was inverted in {inversion.steps} steps of the scheduler {inversion.scheduler!r}, from noise "
            f"level {inversion.sigmas[0]:.3f}; the sampler was set to {len(sigmas) - 1} steps from "
            f"{float(sigmas[0]):.3f} that are not among them. Set the same steps and scheduler in both, denoise 1; or "
            "connect the SIGMAS output of Invert Image to SamplerCustomAdvanced."
        )
    if noise.any():
        raise PromptUnderstandingError(
            "The sampler adds noise to a latent that is inverted already. Set add_noise to 'disable' in KSampler "
            "(Advanced), or connect DisableNoise to SamplerCustomAdvanced; the plain KSampler always adds noise."
        )
    _check_size(latent, inversion)
    cfg = getattr(guider, "cfg", None)
    if negatives.cfg is not None and cfg is not None and abs(cfg - negatives.cfg) > TOLERANCE:
        raise PromptUnderstandingError(
            f"The negative prompts were optimised for cfg {negatives.cfg:g}, and the sampler's cfg is {cfg:g}. Set "
            "both to the same value."
        )


def _part_of(sigmas: Tensor, whole: Tensor) -> bool:
    """Whether a run goes along a piece of the schedule, as KSampler (Advanced) does between start and end step."""
    sigmas, count = sigmas.detach().cpu().float(), len(sigmas)
    pieces = (whole[i : i + count] for i in range(len(whole) - count + 1))
    return any(torch.allclose(sigmas, piece, rtol=TOLERANCE, atol=TOLERANCE) for piece in pieces)


def _check_size(latent: Tensor, inversion: Inversion) -> None:
    size = list(inversion.shape[1:])
    if list(latent.shape[1:]) != size:
        raise PromptUnderstandingError(
            f"The inversion is of latent size {size}, and the sampler was given latents of size "
            f"{list(latent.shape[1:])}. Connect the LATENT output of Invert Image."
        )
