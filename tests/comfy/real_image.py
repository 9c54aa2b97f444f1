"""What the inversion tests share: an image's latent, and the stock samplers without added noise."""

from __future__ import annotations

import comfy.sample
import torch
from engine import with_pooled
from pack.nodes.inversion_nodes import NULL_TEXT, PUInvertImage, PUNullTextOptimise
from tiny import conditioning

HW = (8, 12)
STEPS = 8


def picture(batch: int = 1, channels: int = 4, hw: tuple[int, int] = HW, seed: int = 11) -> torch.Tensor:
    """A smooth latent [batch channels *hw] as VAE Encode hands it out, not made in any model's favour."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(batch, channels, 4, 4, generator=generator)
    return 4 * torch.nn.functional.interpolate(coarse, hw, mode="bicubic")


def text(seed: int, pooled: bool = False, **options) -> list:
    made = conditioning(seed=seed, **options)
    return with_pooled(made) if pooled else made


@torch.inference_mode()
def inverted(model, samples=None, pos=None, steps: int = STEPS, scheduler: str = "normal", refinements: int = 0):
    """(LATENT, INVERSION, SIGMAS) of the node."""
    latent = {"samples": picture() if samples is None else samples}
    return PUInvertImage.execute(model, pos or text(1), latent, steps, scheduler, refinements).result


@torch.inference_mode()
def with_null_text(model, inversion, cfg: float = 4.0, neg=None, method: str = NULL_TEXT, **knobs):
    """The MODEL of the node."""
    return PUNullTextOptimise.execute(model, inversion, neg or text(2), cfg, method, **knobs).result[0]


@torch.inference_mode()
def come_back(
    model, latent, cfg: float = 1.0, pos=None, neg=None, steps: int = STEPS, sampler: str = "euler",
    scheduler: str = "normal", noise=None, **options,
) -> torch.Tensor:  # fmt: skip
    """As KSampler (Advanced) does it with add_noise disabled."""
    samples = latent["samples"]
    return comfy.sample.sample(
        model, torch.zeros_like(samples) if noise is None else noise, steps, cfg, sampler, scheduler,
        pos or text(1), neg or text(2), samples, disable_noise=True, disable_pbar=True, seed=0, **options,
    )  # fmt: skip


def miss(out: torch.Tensor, samples: torch.Tensor) -> float:
    """Relative error of the whole batch."""
    return float((out - samples).norm() / samples.norm())
