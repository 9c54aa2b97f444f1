"""The network of the Shapes upscaler: 64 x 64 -> 128 x 128, the second stage of a cascade as in Imagen (Saharia et al.,
2022).

The Shapes model's network without attention: convolutions only, so it runs at any size and reads no words. It sees the
low-resolution picture beside the latent, corrupted to a level that it is told (noise-conditioning augmentation), so
that it can be asked how far to trust that picture.
"""

from __future__ import annotations

from typing import Any

from comfy.ldm.modules.diffusionmodules.openaimodel import timestep_embedding
from comfy.ldm.modules.diffusionmodules.upscaling import ImageConcatWithNoiseAugmentation
from torch import Tensor

from .network import BLOCK, ShapesUNet

SCALE = 2
LEVEL_FEATURES = 32
CORRUPTION = {"linear_start": 0.0001, "linear_end": 0.02}
"""The schedule of Stable Diffusion's x4 upscaler; ours goes all the way, to where nothing of the picture is left."""
LAST_LEVEL = 999

UPSCALER_CONFIG: dict[str, Any] = {
    "image_size": 32,
    "in_channels": 2 * 3 * BLOCK**2,
    "out_channels": 3 * BLOCK**2,
    "model_channels": 64,
    "num_res_blocks": [2, 1],
    "channel_mult": [1, 1],
    "num_heads": 1,
    "transformer_depth": [0, 0, 0],
    "transformer_depth_output": [0, 0, 0, 0, 0],
    "transformer_depth_middle": -1,
    "num_classes": "sequential",
    "adm_in_channels": LEVEL_FEATURES,
    "legacy": False,
}


class UpscalerUNet(ShapesUNet):
    """`x` [batch 6 height width]: latent and corrupted picture; `y` [batch]: the corruption level, 0..999."""

    def _forward(
        self, x: Tensor, timesteps: Any = None, context: Any = None, y: Any = None, *args: Any, **kwargs: Any
    ) -> Tensor:
        level = timestep_embedding(y.flatten(), LEVEL_FEATURES).to(x.dtype)
        return super()._forward(x, timesteps, None, level, *args, **kwargs)


def corruption() -> ImageConcatWithNoiseAugmentation:
    """ComfyUI's own forward process: `q_sample(picture -1..1, level 0..999, noise)`."""
    return ImageConcatWithNoiseAugmentation(dict(CORRUPTION), LAST_LEVEL)
