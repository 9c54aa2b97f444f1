"""The shipped Shapes upscaler as ComfyUI objects: `load_upscaler()` -> MODEL, VAE, as the stock nodes take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from comfy import model_base, sd
from torch import tensor

from ..errors import PromptUnderstandingError
from .model import load_unet, read_weights
from .upscaler import SCALE, UpscalerUNet, corruption

UPSCALER_WEIGHTS = Path(__file__).with_name("weights") / "shapes_upscaler.safetensors"


class ShapesUpscaler(model_base.SD_X4Upscaler):
    """Conditioned as ComfyUI conditions Stable Diffusion's x4 upscaler: the picture is brought to the latent's size,
    corrupted, and given with its level."""

    low_resolution_factor = SCALE
    """Latent pixels per pixel of the low-resolution picture, per side."""

    def __init__(self, config: Any, model_type: Any = model_base.ModelType.V_PREDICTION, device: Any = None) -> None:
        model_base.BaseModel.__init__(self, config, model_type, device=device, unet_model=UpscalerUNet)
        self.noise_augmentor = corruption()

    def extra_conds(self, **kwargs: Any) -> Any:
        if kwargs.get("concat_image") is None:
            raise PromptUnderstandingError(
                "The Shapes upscaler was given no picture to enlarge. Put a Super-Resolution Stage between it and the "
                "sampler, and connect its MODEL, both of its conditionings and its LATENT."
            )
        return super().extra_conds(**kwargs)


def load_upscaler(path: str | Path = UPSCALER_WEIGHTS) -> tuple[Any, Any]:
    """(MODEL, VAE) of one weights file made by `demo.training.upscale`.

    Raises PromptUnderstandingError when the file is missing or not a Shapes upscaler.
    """
    state, metadata = read_weights(Path(path), "upscaler", made_by="demo.training.upscale")
    unet = {key.removeprefix("unet."): value for key, value in state.items()}
    vae = sd.VAE(sd={"pixel_space_vae": tensor(1.0)})
    return load_unet(unet, json.loads(metadata["upscaler"]), ShapesUpscaler), vae
