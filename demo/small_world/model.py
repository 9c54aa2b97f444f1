"""The shipped Small World as ComfyUI objects: `load_small_world()` -> MODEL, CLIP, VAE, for the stock nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from comfy import latent_formats, model_base, model_patcher, ops, sd, sd1_clip, supported_models_base
from torch import Tensor

from ..model import ShapesConfig, ShapesTextModel, load_unet, read_weights
from .network import DOWNSCALE, LATENT_CHANNELS, Autoencoder, TextEncoder

WEIGHTS = Path(__file__).parents[1] / "weights" / "small_world.safetensors"
MADE_BY = "demo.training.small_world.train"


class SmallWorldLatent(latent_formats.LatentFormat):
    """The autoencoder's numbers with mean zero, at 0.6 of their spread. `of` gives a class for one file's numbers."""

    latent_channels = LATENT_CHANNELS
    spacial_downscale_ratio = DOWNSCALE
    latent_rgb_factors = [[0.479, 0.761, 0.534], [0.274, -0.137, 0.21], [0.364, -0.013, -0.303], [0.032, 0.052, -0.082]]
    latent_rgb_factors_bias = [0.495, 0.418, 0.352]
    mean: tuple[float, ...] = (0.0,) * LATENT_CHANNELS
    std: tuple[float, ...] = (1.0,) * LATENT_CHANNELS

    @classmethod
    def of(cls, mean: list[float], std: list[float]) -> type[SmallWorldLatent]:
        return type(cls.__name__, (cls,), {"mean": tuple(mean), "std": tuple(std)})

    def __init__(self) -> None:
        self.scale_factor = 1.0

    def process_in(self, latent: Tensor) -> Tensor:
        return (latent - self._numbers(self.mean, latent)) / self._numbers(self.std, latent)

    def process_out(self, latent: Tensor) -> Tensor:
        return latent * self._numbers(self.std, latent) + self._numbers(self.mean, latent)

    @staticmethod
    def _numbers(values: tuple[float, ...], like: Tensor) -> Tensor:
        return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)


class SmallWorldTextModel(ShapesTextModel):
    """The same interface as the Shapes model's, around an encoder in which words see each other."""

    encoder_class = TextEncoder


def load_small_world(path: str | Path = WEIGHTS) -> tuple[Any, Any, Any]:
    """(MODEL, CLIP, VAE) of one weights file made by `demo.training.small_world.train`.

    Raises PromptUnderstandingError when the file is missing or not a Small World.
    """
    state, metadata = read_weights(Path(path), "small_world", "unet", "vocabulary", "latent_mean", made_by=MADE_BY)
    unet, text, vae = (
        {key.removeprefix(f"{part}."): value for key, value in state.items() if key.startswith(f"{part}.")}
        for part in ("unet", "text", "vae")
    )
    latent = SmallWorldLatent.of(*(json.loads(metadata[key]) for key in ("latent_mean", "latent_std")))
    config = type("SmallWorldConfig", (ShapesConfig,), {"latent_format": latent})
    model = load_unet(unet, json.loads(metadata["unet"]), _base_model, config)
    return model, _load_text(text, json.loads(metadata["vocabulary"])), _load_vae(vae)


def _base_model(config: Any, device: Any) -> model_base.BaseModel:
    return model_base.BaseModel(config, model_base.ModelType.V_PREDICTION, device=device)


def _load_text(state: dict[str, Tensor], vocabulary: list[int]) -> Any:
    target = supported_models_base.ClipTarget(sd1_clip.SD1Tokenizer, SmallWorldTextModel)
    target.params["vocabulary"] = vocabulary
    full = {f"text.{key}": value.float() for key, value in state.items()}
    return sd.CLIP(target, parameters=300_000, state_dict=full, model_options={"dtype": torch.float32})


def _load_vae(state: dict[str, Tensor]) -> Any:
    """ComfyUI knows VAEs by their keys and none is like ours: we begin with its pixel VAE and give it our network."""
    vae = sd.VAE(sd={"pixel_space_vae": torch.tensor(1.0)})
    network = Autoencoder(ops.manual_cast).eval()
    network.load_state_dict({key: value.float() for key, value in state.items()})
    vae.first_stage_model = network
    vae.vae_dtype = torch.float32
    vae.downscale_ratio = vae.upscale_ratio = DOWNSCALE
    vae.latent_channels = LATENT_CHANNELS
    vae.memory_used_encode = lambda shape, dtype: 1500 * shape[2] * shape[3]
    vae.memory_used_decode = lambda shape, dtype: 24_000 * shape[2] * shape[3]
    vae.patcher = model_patcher.ModelPatcher(network, load_device=vae.device, offload_device=vae.patcher.offload_device)
    return vae
