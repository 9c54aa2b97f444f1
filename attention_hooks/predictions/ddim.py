"""DDIM and its inversion (Song 2021; Dhariwal & Nichol 2021; Mokady 2023), in the numbers ComfyUI's samplers keep.

Papers step z = x / sqrt(1 + sigma²), where sigma² = (1 - alpha-bar) / alpha-bar. In x DDIM is Euler's step: the noise
eps = (x - denoised) / sigma is kept, only its amount changes. It holds for models that predict eps, v or the picture,
as all of them give `denoised`.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Denoise = Callable[[Tensor, float], Tensor]
"""x [batch C H W], sigma -> the picture the model sees in it."""


def noise_in(x: Tensor, denoised: Tensor, sigma: float) -> Tensor:
    """eps, of variance 1 where the model is right."""
    return (x - denoised) / sigma


def ddim_step(x: Tensor, denoised: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """x at `sigma` -> x at `sigma_next`, up or down: denoised + sigma_next · eps, written as `euler` writes it."""
    return x + noise_in(x, denoised, sigma) * (sigma_next - sigma)


def same_z(x: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """What the network is shown of x at `sigma`, as an x at `sigma_next`."""
    return x * ((1 + sigma_next**2) / (1 + sigma**2)) ** 0.5


def invert_step(denoise: Denoise, x: Tensor, sigma: float, sigma_next: float, refinements: int = 0) -> Tensor:
    """x at `sigma` -> the x at `sigma_next` > `sigma` that `ddim_step` brings back to it, nearly.

    The noise that brings it back is that of the x we look for. The papers take that of the same z; each refinement
    takes it anew at what was found so far, for one more call of the model (fixed-point iteration, as AIDI, Pan 2023,
    and ReNoise, Garibi 2024). An image that a refinement takes further away goes back, and is left there.
    """

    def looked_up(place: Tensor) -> Tensor:
        return x + noise_in(place, denoise(place, sigma_next), sigma_next) * (sigma_next - sigma)

    best = same_z(x, sigma, sigma_next)
    found = looked_up(best)
    # ddim_step from a place misses x by exactly what separates the place from what is looked up there.
    error = _distance(found, best)
    for _ in range(refinements):
        further = looked_up(found)
        missed = _distance(further, found)
        nearer = missed < error
        best, error = found.where(nearer, best), missed.where(nearer, error)
        found = further.where(nearer, best)
    return found


def _distance(a: Tensor, b: Tensor) -> Tensor:
    """[batch 1 1 1]"""
    return (a - b).flatten(1).norm(dim=1).view(-1, *[1] * (a.ndim - 1))
