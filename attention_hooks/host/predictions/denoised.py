"""What is done to the denoised picture of each step, after guidance: as post-CFG functions, which ComfyUI keeps in a
list, so that they chain with those of other packs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

PixelEdit = Callable[[Tensor], Tensor]
"""Pixels [batch channels height width] in -1…1 (and beyond) -> the same."""
GuidedEdit = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Denoised as guided, without the prompt, with the prompt -> denoised."""


def has_pixel_values(model: Any) -> bool:
    """Whether a MODEL's latent is the picture itself: three channels, not downscaled. Its latent format then turns it
    into pixels in -1…1."""
    latent = model.model.latent_format
    # A format that does not say is an autoencoder's.
    return latent.latent_channels == 3 and getattr(latent, "spacial_downscale_ratio", 8) == 1


def with_pixel_edit(model: Any, edit: PixelEdit) -> Any:
    """A clone of `model`, which must have pixel values. Pixels that `edit` leaves alone keep their exact bits."""
    return _with_post_cfg(model, partial(_edit_pixels, edit))


def with_guided_edit(model: Any, edit: GuidedEdit, above: float) -> Any:
    """A clone of `model` whose prediction is edited in steps guided by a weight greater than `above` (at least 1)."""
    return _with_post_cfg(model, partial(_edit_guided, edit, above))


def _with_post_cfg(model: Any, function: Callable[[dict[str, Any]], Tensor]) -> Any:
    clone = model.clone()
    clone.set_model_sampler_post_cfg_function(function)
    return clone


def _edit_pixels(edit: PixelEdit, step: dict[str, Any]) -> Tensor:
    denoised, model = step["denoised"], step["model"]
    pixels = model.process_latent_out(denoised)
    edited = edit(pixels)
    return torch.where(edited == pixels, denoised, model.process_latent_in(edited))


def _edit_guided(edit: GuidedEdit, above: float, step: dict[str, Any]) -> Tensor:
    if step["cond_scale"] <= above:
        # At weight 1 ComfyUI leaves the unconditional prediction out.
        return step["denoised"]
    return edit(step["denoised"], step["uncond_denoised"], step["cond_denoised"])
