"""The network of the Shapes model: ComfyUI's own UNet on 4x4 pixel blocks, and a text encoder of one layer.

The latent is the picture itself, [batch 3 height width], so attention at a quarter of its height and width is 16x16 at
64 pixels, the size the papers use. Nothing here trains or samples.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from torch import Tensor, nn

BLOCK = 4
MULTIPLE = 2 * BLOCK
CONTEXT = 128
POSITIONS = 77
START_TOKEN, END_TOKEN = 49406, 49407

UNET_CONFIG: dict[str, Any] = {
    "image_size": 16,
    "in_channels": 3 * BLOCK**2,
    "out_channels": 3 * BLOCK**2,
    "model_channels": 96,
    "num_res_blocks": 1,
    "channel_mult": [1, 1],
    "num_heads": 4,
    "use_spatial_transformer": True,
    "transformer_depth": [1, 1],
    "transformer_depth_output": [1, 1, 1, 1],
    "transformer_depth_middle": 1,
    "context_dim": CONTEXT,
    "legacy": False,
}
LATENT_MEAN = (-0.66, -0.66, -0.60)
"""Mean of the training pictures, -1..1: SD's noise schedule ends before zero signal, and a mean would leak through."""
LATENT_SCALE = 0.5
"""Half amplitude, so that the layout is decided where guidance still acts and not in the first step."""


class ShapesUNet(UNetModel):
    """UNetModel behind pixel_unshuffle: `x` [batch 3 height width], of any size (multiples of 8 are not padded).

    `_forward`, not `forward`: what other packs wrap around the network shall see the latent as the sampler does.
    """

    patch_size = BLOCK
    """Latent pixels per pixel of the first block: tells the engine how large each attention map is."""

    def _forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        height, width = x.shape[-2:]
        # An image to image latent may have any size.
        x = F.pad(x, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="replicate")
        velocity = super()._forward(F.pixel_unshuffle(x, self.patch_size), *args, **kwargs)
        return F.pixel_shuffle(velocity, self.patch_size)[..., :height, :width]


class TextEncoder(nn.Module):
    """Word + place + one MLP. No word sees another one, so that binding is left to cross-attention, where the papers
    see it fail.

    `forward(tokens [batch 77])` -> [batch 77 CONTEXT]; what follows the last word is zero: padding that holds values
    draws most of the attention, and the words keep none.
    """

    def __init__(self, vocabulary: list[int], operations: Any = nn, dtype: Any = None, device: Any = None) -> None:
        super().__init__()
        options = {"dtype": dtype, "device": device}
        rows = len(vocabulary) + 1
        self.words = operations.Embedding(rows, CONTEXT, **options)
        self.places = operations.Embedding(POSITIONS, CONTEXT, **options)
        self.norm = operations.LayerNorm(CONTEXT, **options)
        widen, narrow = (
            operations.Linear(CONTEXT, 2 * CONTEXT, **options),
            operations.Linear(2 * CONTEXT, CONTEXT, **options),
        )
        self.mlp = nn.Sequential(widen, nn.GELU(), narrow)
        self.out = operations.LayerNorm(CONTEXT, **options)
        self.rows = {token: row + 1 for row, token in enumerate(vocabulary)}

    def compact(self, tokens: list[int]) -> list[int]:
        """CLIP token ids -> rows of our vocabulary; 0 is the row of all words the captions never use."""
        return [self.rows.get(token, 0) for token in tokens]

    def forward(self, rows: Tensor, lengths: Tensor) -> Tensor:
        """`rows` [batch 77] from `compact`; `lengths` [batch] counts the start mark and the words."""
        place = torch.arange(rows.shape[1], device=rows.device)
        hidden = self.words(rows) + self.places(place)
        hidden = self.out(hidden + self.mlp(self.norm(hidden)))
        return hidden * (place < lengths[:, None])[..., None]
