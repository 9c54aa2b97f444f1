"""DDIM inversion in ComfyUI: from a real image's latent to the noise the stock sampler makes it from again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comfy.model_management
import comfy.model_sampling
import comfy.samplers
import latent_preview
import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ....errors import PromptUnderstandingError
from ...predictions.ddim import invert_step
from ..conditioning.marks import source_only
from ..install import with_direct_inversion
from ..sampling.caches import drop_caches
from ..sampling.progress import say
from ..settings import Conditioning, Inversion, settings_of
from .resume import Unfinished, content_of

KEY = "prompt_understanding_inversion"
"""Of the wrappers that inversion puts on a MODEL."""

UNFINISHED = Unfinished()


def invert(
    model: Any, positive: Conditioning, samples: Tensor, steps: int, scheduler: str, refinements: int = 0,
    node_id: str | None = None,
) -> tuple[Tensor, Inversion]:  # fmt: skip
    """`samples` [batch C H W] as a LATENT holds them -> the noisy latent, likewise, and the way there.

    Each step costs 1 + `refinements` calls of the model, without guidance (cfg 1). An interrupted run is gone on with.
    Raises PromptUnderstandingError where inversion makes no sense.
    """
    sampling = model.get_model_object("model_sampling")
    check_model(model, "Invert Image")
    _check_latent(model, samples)
    sigmas = schedule(sampling, scheduler, steps)
    positive = source_only(positive)
    key = content_of([model, positive, samples, sigmas, refinements])
    finished: list[Tensor] = UNFINISHED.steps_of(key)
    if finished:
        say(f"Going on after step {len(finished)} of {steps}.", node_id)
    noisy = run_guider(
        guider_of(model, {"positive": positive}), samples, sigmas.flip(0), _inverter(finished, refinements)
    )
    image = model.model.process_latent_in(samples.to(torch.float32))
    inversion = Inversion(torch.stack([*reversed(finished), image]), sigmas, scheduler, positive)
    UNFINISHED.done(key)
    return noisy, inversion


def guider_of(model: Any, conds: dict[str, Conditioning], cfg: float = 1.0) -> Any:
    """ComfyUI's own guider on a copy of `model` that no earlier inversion has patched."""
    plain = with_direct_inversion(model, None)
    plain.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
    plain.remove_wrappers_with_key(WrappersMP.SAMPLER_SAMPLE, KEY)
    # EasyCache and LazyCache reckon with levels that fall, and answer in the place of calls that inversion counts on.
    drop_caches(plain.wrappers)
    guider = comfy.samplers.CFGGuider(plain)
    guider.inner_set_conds(conds)
    guider.set_cfg(cfg)
    return guider


def run_guider(guider: Any, samples: Tensor, sigmas: Tensor, sampler_function: Callable[..., Tensor]) -> Tensor:
    """Our own stepping inside ComfyUI's: it loads the models, applies LoRA and hooks, shows progress and previews."""
    callback = latent_preview.prepare_callback(guider.model_patcher, len(sigmas) - 1)
    sampler = comfy.samplers.KSAMPLER(sampler_function)
    out = guider.sample(
        torch.zeros_like(samples), samples, sampler, sigmas, callback=callback, disable_pbar=True, seed=0
    )
    return out.to(device=comfy.model_management.intermediate_device(), dtype=torch.float32)


def schedule(model_sampling: Any, scheduler: str, steps: int) -> Tensor:
    """[steps+1] falling to 0, exactly as the stock samplers take it."""
    if steps < 1:
        raise PromptUnderstandingError(f"{steps} steps were asked for. An inversion takes at least one; 50 is usual.")
    sigmas = comfy.samplers.calculate_sigmas(model_sampling, scheduler, steps).to("cpu", torch.float32)
    if len(sigmas) < 2 or sigmas[-1] != 0 or not (sigmas.diff() < 0).all():
        raise PromptUnderstandingError(
            f"The scheduler {scheduler!r} with {steps} steps gives noise levels that do not fall step by step to zero, "
            "so there is no way back along them. Use fewer steps, or the scheduler 'normal' or 'ddim_uniform'."
        )
    return sigmas


def check_model(model: Any, who: str) -> None:
    """Raises where DDIM steps are not what the model samples by, or where other nodes steer it."""
    sampling = model.get_model_object("model_sampling")
    if not isinstance(sampling, comfy.model_sampling.EPS) or isinstance(sampling, comfy.model_sampling.IMG_TO_IMG):
        kind = getattr(model.model.model_type, "name", type(sampling).__name__)
        raise PromptUnderstandingError(
            f"{who} was given a model of the kind {type(model.model).__name__} ({kind}). DDIM inversion is for models "
            "that remove noise added to the picture (SD 1.x, 2.x, SDXL, the Shapes model); flow models such as SD3 or "
            "Flux go another way."
        )
    settings = settings_of(model)
    if settings is not None and settings.guidances:
        names = ", ".join(guidance.name for guidance in settings.guidances)
        raise PromptUnderstandingError(
            f"{who} was given a MODEL that is guided by {names}; the way back would not be the way of the image. "
            "Connect the model loader here, and put guidance after Bring Image Back."
        )


def _check_latent(model: Any, samples: Tensor) -> None:
    channels = model.get_model_object("latent_format").latent_channels
    if getattr(samples, "is_nested", False) or samples.ndim != 4 or samples.shape[1] != channels:
        raise PromptUnderstandingError(
            f"Invert Image was given a latent of shape {list(samples.shape)}, but this model's latents have {channels} "
            "channels: [images, channels, height, width]. Encode the image with the VAE of the same checkpoint."
        )
    if not samples.any():
        raise PromptUnderstandingError(
            "Invert Image was given an empty latent, and there is no image to invert in it. Connect Load Image and "
            "VAE Encode."
        )


def _inverter(finished: list[Tensor], refinements: int) -> Callable[..., Tensor]:
    """A sampler function that walks up the noise levels; `finished` gets x after each."""

    def sample_ddim_inversion(
        model: Any, x: Tensor, sigmas: Tensor, extra_args: dict[str, Any], callback: Any, disable: Any = None
    ) -> Tensor:
        levels, seen = sigmas.tolist(), x

        def denoise(place: Tensor, sigma: float) -> Tensor:
            nonlocal seen
            seen = model(place, place.new_full((len(place),), sigma), **extra_args)
            return seen

        x = finished[-1].to(x) if finished else x
        for i in range(len(finished), len(levels) - 1):
            comfy.model_management.throw_exception_if_processing_interrupted()
            x = invert_step(denoise, x, levels[i], levels[i + 1], refinements)
            if not x.isfinite().all():
                raise PromptUnderstandingError(
                    f"At step {i + 1} of the inversion the model's prediction was not a finite number. Run ComfyUI "
                    "with --force-fp32 or --bf16-unet, or check the image for broken pixels."
                )
            finished.append(x.to("cpu", torch.float32).clone())
            callback({"i": i, "x": x, "denoised": seen, "sigma": levels[i + 1], "sigma_hat": levels[i + 1]})
        return x

    return sample_ddim_inversion
