"""Between the tensors samplers keep and those the papers and the network speak of."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class LatentUnits:
    """Between the sampler's x and the papers' z = x / sqrt(1 + sigma²); z is what the network is shown.

    A step in z of alpha·dL/dz is a step in x of alpha·(1 + sigma²)·dL/dx. Flow models keep x itself: the factor is 1.
    """

    def __init__(self, model_sampling: Any, sigma: Tensor) -> None:
        one = torch.ones((1, 1, 1, 1), device=sigma.device)
        self._scale = 1 / float(model_sampling.calculate_input(sigma.flatten()[:1].float(), one).flatten()[0])

    def to_z(self, x: Tensor) -> Tensor:
        return x / self._scale

    def to_x(self, z: Tensor) -> Tensor:
        return z * self._scale


class NoiseMaskView:
    """The latent as the model will see it: where a noise mask protects the picture, ComfyUI paints over the sampler's x
    (KSamplerX0Inpaint). The gradient is zero there, so what is protected is never moved."""

    def __init__(self, model_k: Any, sigma: Tensor, mask: Tensor | None, model_options: dict[str, Any]) -> None:
        self._model_k, self._sigma, self._mask = model_k, sigma, mask
        if mask is not None and "denoise_mask_function" in model_options:
            extra = {"model": model_k.inner_model, "sigmas": model_k.sigmas}
            self._mask = model_options["denoise_mask_function"](sigma, mask, extra_options=extra)

    def __call__(self, x: Tensor) -> Tensor:
        """x [batch C H W] -> the same, differentiable in x."""
        if self._mask is None:
            return x
        model_k, mask = self._model_k, self._mask.clone()
        with torch.no_grad():
            kept = model_k.inner_model.inner_model.scale_latent_inpaint(
                x=x.detach(),
                sigma=self._sigma.clone(),
                noise=model_k.noise.clone(),
                latent_image=model_k.latent_image.clone(),
            )
        return x * mask + kept * (1 - mask)
