"""The network of the Shapes upscaler: 64 x 64 -> 128 x 128, the second stage of a cascade as in Imagen (Saharia et al.,
2022).

The Shapes model's network without attention: convolutions only, so it runs at any size and reads no words. It sees the
low-resolution picture beside the latent, corrupted to a level that it is told (noise-conditioning augmentation), so
that it can be asked how far to trust that picture.
"""

from __future__ import annotations

from typing import Any

import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import timestep_embedding
from comfy.ldm.modules.diffusionmodules.upscaling import ImageConcatWithNoiseAugmentation
from torch import Tensor

from .network import LATENT_MEAN, LATENT_SCALE, ShapesUNet

SCALE = 2
LEVEL_FEATURES = 32
FOLD = 2
"""Pixels folded into one place, per side. At 4, as in the Shapes model, 96 numbers a place had to pass through 64
channels, and the enlarged picture was worse than a resized one."""
CORRUPTION = {"linear_start": 0.0001, "linear_end": 0.02}
"""The schedule of Stable Diffusion's x4 upscaler; ours goes all the way, to where nothing of the picture is left."""
LAST_LEVEL = 999

UPSCALER_CONFIG: dict[str, Any] = {
    "image_size": 64,
    "in_channels": 2 * 3 * FOLD**2,
    "out_channels": 3 * FOLD**2,
    "model_channels": 64,
    "num_res_blocks": [1, 1, 1],
    "channel_mult": [1, 1, 1],
    "num_heads": 1,
    "transformer_depth": [0, 0, 0],
    "transformer_depth_output": [0, 0, 0, 0, 0, 0],
    "transformer_depth_middle": -1,
    "num_classes": "sequential",
    "adm_in_channels": LEVEL_FEATURES,
    "legacy": False,
}


def signal_left(steps: int, start: float, end: float) -> Tensor:
    """[steps] cumulative alpha of a schedule whose betas are even in their square root."""
    betas = torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


SAMPLING = signal_left(1000, 0.00085, 0.012)
"""Stable Diffusion's, as ComfyUI samples a velocity model."""
CORRUPTED = signal_left(LAST_LEVEL + 1, *CORRUPTION.values())
PICTURE_STD, DETAIL_STD = 0.5, 0.04
"""Of the pictures around their mean, -1..1; and of what resizing lacks, in latent units. Measured roughly."""


class UpscalerUNet(ShapesUNet):
    """`x` [batch 6 height width]: latent and corrupted picture; `y` [batch]: the corruption level, 0..999. -> velocity.

    The corrupted picture, drawn towards the mean by as much as it is noise, is a first guess; the blocks are left with
    the residual, brought to variance one (Karras et al., 2022, on the residual in place of the picture). Before any
    training the model resizes bilinearly.
    """

    patch_size = FOLD

    def _forward(
        self, x: Tensor, timesteps: Any = None, context: Any = None, y: Any = None, *args: Any, **kwargs: Any
    ) -> Tensor:
        alpha, trust = (
            table.to(x.device)[index.flatten().long()][:, None, None, None]
            for table, index in ((SAMPLING, timesteps), (CORRUPTED, y))
        )
        latent, seen = x.float().chunk(2, 1)
        guess, error = first_guess(seen, trust)
        residual = latent - alpha.sqrt() * guess
        scale = (alpha * error**2 + 1 - alpha).sqrt()
        level = timestep_embedding(y.flatten(), LEVEL_FEATURES).to(x.dtype)
        shown = torch.cat((residual / scale, guess / LATENT_SCALE), 1).to(x.dtype)
        blocks = super()._forward(shown, timesteps, None, level, *args, **kwargs)
        expected = (alpha * (1 - alpha)).sqrt() * (1 - error**2) / scale**2 * residual - (1 - alpha).sqrt() * guess
        return (expected + error / scale * blocks.float()).to(x.dtype)


def first_guess(seen: Tensor, trust: Tensor) -> tuple[Tensor, Tensor]:
    """`seen` [batch 3 height width] in -1..1, of which `trust` is signal -> the latent it speaks for, and the standard
    deviation of its error."""
    mean = torch.tensor(LATENT_MEAN, device=seen.device)[:, None, None]
    gain = PICTURE_STD**2 / (PICTURE_STD**2 + (1 - trust) / trust)
    guess = gain * (seen / trust.sqrt() - mean) * LATENT_SCALE
    return guess, ((LATENT_SCALE * PICTURE_STD) ** 2 * (1 - gain) + DETAIL_STD**2).sqrt()


def error_scale(alpha: Tensor, trust: Tensor) -> Tensor:
    """What the velocity's error is divided by, so that every level counts the same in training."""
    error = first_guess(torch.zeros(1, 3, 1, 1, device=trust.device), trust)[1]
    return error / (alpha * error**2 + 1 - alpha).sqrt()


def corruption() -> ImageConcatWithNoiseAugmentation:
    """ComfyUI's own forward process: `q_sample(picture -1..1, level 0..999, noise)`."""
    return ImageConcatWithNoiseAugmentation(dict(CORRUPTION), LAST_LEVEL)
