"""The same work in diffusers' StableDiffusionAttendAndExcitePipeline, on the same weights in the same memory."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass, field
from typing import Any

import comfy.utils
import torch
from torch import Tensor

from . import networks
from .networks import HEADS, MULTIPLIERS, Size
from .steps import CFG, NEGATIVE_SEED, POSITIVE_SEED, Sampling
from .timing import Seconds, now

TOKEN_INDICES = [2, 5]


def installed() -> bool:
    return importlib.util.find_spec("diffusers") is not None


def version() -> str:
    import diffusers

    return diffusers.__version__


@dataclass
class Peer:
    """diffusers' pipeline; `run` leaves what it saw at its first step in `first_loss` and `first_step`."""

    sampling: Sampling
    pipeline: Any
    first_step: Tensor | None = None
    losses: list[float] = field(default_factory=list)

    @staticmethod
    def of(sampling: Sampling) -> Peer:
        peer = Peer(sampling, _pipeline(sampling))
        compute_loss = peer.pipeline._compute_loss

        def watched(*args: Any, **kwargs: Any) -> Tensor:
            loss = compute_loss(*args, **kwargs)
            peer.losses.append(float(loss.detach()))
            return loss

        peer.pipeline._compute_loss = watched
        return peer

    def run(self) -> dict[str, Seconds]:
        """Two steps, the first of them guided -> how long each took. The pipeline takes a gradient forward in both."""
        started, ends = now(), []

        def callback(step: int, timestep: int, latents: Tensor) -> None:
            ends.append(now())
            if step == 0:
                self.first_step = latents.detach().float().cpu()

        self.losses.clear()
        device, dtype = self.pipeline.unet.device, self.pipeline.unet.dtype
        positive, negative = (networks.embeddings(s).to(device, dtype) for s in (POSITIVE_SEED, NEGATIVE_SEED))
        pixels = 8 * self.sampling.size.latent
        self.pipeline(
            None, TOKEN_INDICES, pixels, pixels, num_inference_steps=2, guidance_scale=CFG,
            latents=self.sampling.noise().to(device, dtype),
            prompt_embeds=positive, negative_prompt_embeds=negative, output_type="latent", callback=callback,
            max_iter_to_alter=1, thresholds={}, attn_res=(self.sampling.size.latent // 4,) * 2,
        )  # fmt: skip
        return {"diffusers, guided step": ends[0] - started, "diffusers, later step": ends[1] - ends[0]}


def relative_difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


def _pipeline(sampling: Sampling) -> Any:
    import diffusers

    diffusers.utils.logging.set_verbosity_error()
    scheduler = diffusers.DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        timestep_spacing="trailing",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the class is deprecated
        pipeline = diffusers.StableDiffusionAttendAndExcitePipeline(
            None, None, None, _unet(sampling), scheduler, None, None, requires_safety_checker=False
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _unet(sampling: Sampling) -> Any:
    import diffusers

    with torch.device("meta"):
        unet = diffusers.UNet2DConditionModel(**unet_config(sampling.size))
    weights = sampling.model.model.diffusion_model.state_dict()
    names = comfy.utils.unet_to_diffusers(networks.unet_config(sampling.size))
    own = {theirs: _alias(weights[ours]) for theirs, ours in names.items() if ours in weights}
    unet.load_state_dict(own, strict=True, assign=True)
    return unet.eval()


def unet_config(size: Size) -> dict[str, Any]:
    return {
        "sample_size": size.latent,
        "block_out_channels": tuple(size.channels * m for m in MULTIPLIERS),
        "cross_attention_dim": networks.CONTEXT,
        "attention_head_dim": HEADS,  # despite its name, the number of heads
    }


def _alias(weight: Tensor) -> Tensor:
    """A normal tensor on the memory of one made in inference mode, which diffusers' backward pass would refuse."""
    with torch.inference_mode(False):
        alias = torch.empty(0, dtype=weight.dtype, device=weight.device)
        return alias.set_(weight.untyped_storage(), weight.storage_offset(), weight.size(), weight.stride())
