"""A super-resolution stage as in Imagen (Saharia et al., 2022, section 2.4): the picture of the stage before, corrupted
to a chosen level, conditions this one, and the level is told to it (noise-conditioning augmentation).

ComfyUI's x4 upscaler model corrupts the picture where the model's conditions are made, by its `noise_augmentor`. The
stage replaces that on a clone, so that the corruption has a seed of its own: the same from level to level and whatever
the sampler's seed is. ComfyUI's own conditioning node ties it to the sampler's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import comfy.model_base
import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor, nn

from ....errors import PromptUnderstandingError

KEY = "prompt_understanding_stage"
SMALLEST = 16
"""Pixels a side: below, nothing is left at the networks' lowest level."""


@dataclass(frozen=True)
class Stage:
    """What a stage was set up for."""

    pictures: int
    picture_hw: tuple[int, int]
    latent_hw: tuple[int, int]


def super_resolution_stage(
    model: Any, positive: list[Any], negative: list[Any], image: Tensor, level: float, seed: int
) -> tuple[Any, list[Any], list[Any], dict[str, Tensor]]:
    """`image` [pictures height width 3] in 0…1, `level` 0 (as it is) … 1 (the most the model was trained on).

    -> a clone of `model`, both conditionings with the picture and the level, and an empty latent of the stage's size.
    Raises PromptUnderstandingError for a model that takes no level, a picture that is too small, a level out of range.
    """
    factor = _latent_pixels_per_pixel(model)
    level = _in_range(level)
    picture = _picture(image)
    pictures, _, height, width = picture.shape
    stage = Stage(pictures, (height, width), (height * factor, width * factor))
    clone = model.clone()
    clone.add_object_patch("noise_augmentor", SeededCorruption(model.model.noise_augmentor, seed))
    clone.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
    clone.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, _same_size(stage))
    channels = model.get_model_object("latent_format").latent_channels
    latent = torch.zeros(pictures, channels, *stage.latent_hw)
    told = {"concat_image": picture, "noise_augmentation": level}
    return clone, _with(positive, told), _with(negative, told), {"samples": latent}


class SeededCorruption(nn.Module):
    """Stands in for a model's noise augmentor: its forward process, with noise drawn from our seed on the CPU, so that
    it is the same on every machine and leaves torch's own generator alone."""

    def __init__(self, augmentor: nn.Module, seed: int) -> None:
        super().__init__()
        # A second stage on the same MODEL takes the first one's place.
        self.inner: Any = augmentor.inner if isinstance(augmentor, SeededCorruption) else augmentor
        self.seed = seed

    @property
    def max_noise_level(self) -> int:
        return self.inner.max_noise_level

    def forward(self, x: Tensor, noise_level: Tensor, seed: int | None = None) -> tuple[Tensor, Tensor]:
        """x [pictures 3 height width] -> the same corrupted, and the level (0…max_noise_level) as it was."""
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(self.seed))
        return self.inner.q_sample(x, noise_level, noise.to(x)), noise_level


def _latent_pixels_per_pixel(model: Any) -> int:
    base = model.model
    if not isinstance(base, comfy.model_base.SD_X4Upscaler):
        raise PromptUnderstandingError(
            f"A Super-Resolution Stage needs a model that is told how noisy its low-resolution picture is, and this "
            f"MODEL is of the kind {type(base).__name__}, which has no such input. Load Stable Diffusion's x4 upscaler "
            "(x4-upscaler-ema.safetensors), or use Load Shapes Upscaler."
        )
    # The x4 upscaler's latent is as large as the picture it is given; its VAE makes four pixels of each.
    return getattr(base, "low_resolution_factor", 1)


def _in_range(level: float) -> float:
    if not math.isfinite(level) or not 0 <= level <= 1:
        raise PromptUnderstandingError(
            f"The noise level of a Super-Resolution Stage was set to {level:g}, and it lies between 0 (the picture as "
            "it is) and 1 (the most the model knows). 0.1 to 0.3 are usual."
        )
    return level


def _picture(image: Tensor) -> Tensor:
    """[pictures 3 height width] in -1…1, transparency left out."""
    if image.ndim != 4 or image.shape[-1] < 3 or min(image.shape[1:3]) < SMALLEST:
        raise PromptUnderstandingError(
            f"A Super-Resolution Stage was given a picture of {image.shape[-2]} x {image.shape[-3]} pixels and "
            f"{image.shape[-1]} channels, and it needs three colours and at least {SMALLEST} pixels a side. Connect "
            "the IMAGE of the stage before (from VAE Decode)."
        )
    return image[..., :3].movedim(-1, 1) * 2 - 1


def _with(conditioning: list[Any], told: dict[str, Any]) -> list[Any]:
    return [[tensor, {**options, **told}] for tensor, options in conditioning]


def _same_size(stage: Stage) -> Callable[..., Any]:
    """An OUTER_SAMPLE wrapper: ComfyUI would stretch the picture to whatever latent the sampler is given."""

    def outer_sample(executor: Any, noise: Tensor, *args: Any, **kwargs: Any) -> Any:
        height, width = noise.shape[-2:]
        if (height, width) != stage.latent_hw or noise.shape[0] % stage.pictures:
            raise PromptUnderstandingError(
                f"This Super-Resolution Stage was set up for {stage.pictures} picture(s) of {_size(stage.picture_hw)} "
                f"pixels, which needs a latent of {_size(stage.latent_hw)}, and the sampler was given {noise.shape[0]} "
                f"of {width} x {height}. Connect the stage's own LATENT to the sampler."
            )
        return executor(noise, *args, **kwargs)

    return outer_sample


def _size(hw: tuple[int, int]) -> str:
    return f"{hw[1]} x {hw[0]}"
