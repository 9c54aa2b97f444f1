"""Keeps strong guidance from driving a picture out of its range.

Static and dynamic thresholding: Saharia et al.: Photorealistic Text-to-Image Diffusion Models with Deep Language
Understanding (Imagen), 2022, arXiv 2205.11487, section 2.3; the cap is DeepFloyd IF's. They need values that have a
range, pixels in -1…1. A latent has none: for it there is the per-channel form, which takes the range from a weaker
guidance of the same step (the idea of the pack sd-dynamic-thresholding, there called "mimic").
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...errors import PromptUnderstandingError

NO_CAP = math.inf


def static_threshold(pixels: Tensor) -> Tensor:
    """Pixels [batch channels height width] clipped to -1…1."""
    return pixels.clamp(-1, 1)


def dynamic_threshold(pixels: Tensor, percentile: float, cap: float = NO_CAP) -> Tensor:
    """s is the percentile (0…1) of an image's absolute values, at least 1 and at most `cap`; the image is clipped to
    -s…s and divided by s.

    Pixels [batch channels height width]. An image within -1…1 comes out as it is; cap 1 is the static clip.
    """
    s = upper_quantile(pixels.abs().flatten(1).float(), percentile).clamp(1, cap)
    s = s.to(pixels.dtype).view(-1, *[1] * (pixels.ndim - 1))
    return pixels.clamp(-s, s) / s


def rescale_channels(
    denoised: Tensor, unconditional: Tensor, conditional: Tensor, mimic: float, percentile: float
) -> Tensor:
    """Brings every channel of every image of a strongly guided prediction to the range that guidance of weight
    `mimic` would have had. All [batch channels height width].

    Around each channel's mean: r is the largest value at weight `mimic`, q the percentile of the guided ones; what lies
    beyond M = max(r, q) is clipped, and M becomes r. A channel within r is left as it is, bit for bit.
    """
    mimicked = unconditional + mimic * (conditional - unconditional)
    mean = denoised.mean((-2, -1), keepdim=True)
    centred = denoised - mean
    r = _centred(mimicked).abs().amax((-2, -1), keepdim=True)
    q = upper_quantile(centred.abs().flatten(2).float(), percentile)[..., None, None].to(denoised.dtype)
    m = torch.maximum(r, q)
    scaled = centred.clamp(-m, m) * (r / m).nan_to_num(1.0)
    return torch.where(scaled == centred, denoised, scaled + mean)


def upper_quantile(values: Tensor, percentile: float) -> Tensor:
    """Linear between the two neighbouring values, as `torch.quantile`, which gives up beyond 16 million of them.

    Values [... count] -> [...].
    """
    place = percentile * (values.shape[-1] - 1)
    below = math.floor(place)
    low, high = (values.kthvalue(k + 1).values for k in (below, math.ceil(place)))
    return torch.lerp(low, high, place - below)


def check_percentile(percentile: float) -> None:
    if not 0 < percentile <= 1:
        raise PromptUnderstandingError(
            f"A percentile of {percentile:g} was asked for; it lies above 0 and is at most 1. 0.995 clips the "
            "strongest half per cent of an image's values, 1 clips none."
        )


def check_cap(cap: float) -> None:
    if not cap >= 1:
        raise PromptUnderstandingError(
            f"A cap of {cap:g} was asked for, but an image's range is never divided by less than 1. Use 1 (the static "
            "clip) or more; 1.5 is DeepFloyd's."
        )


def _centred(values: Tensor) -> Tensor:
    return values - values.mean((-2, -1), keepdim=True)
