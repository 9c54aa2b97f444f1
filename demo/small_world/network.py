"""The networks of Small World: ComfyUI's own UNet on the latents of a small autoencoder, and a text encoder.

Pictures of 128 pixels are latents of 32x32x4; cross-attention is at 16x16 and 8x8, the sizes the papers use.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CONTEXT = 128
POSITIONS = 77
LATENT_CHANNELS = 4
DOWNSCALE = 4
HEADS = 4

UNET_CONFIG: dict[str, Any] = {
    "image_size": 32,
    "in_channels": LATENT_CHANNELS,
    "out_channels": LATENT_CHANNELS,
    "model_channels": 96,
    "num_res_blocks": 1,
    "channel_mult": [1, 2, 2],
    "num_heads": -1,
    "num_head_channels": 48,
    "use_spatial_transformer": True,
    "transformer_depth": [0, 1, 1],
    "transformer_depth_output": [0, 0, 1, 1, 1, 1],
    "transformer_depth_middle": 1,
    "context_dim": CONTEXT,
    "legacy": False,
}


class _TextLayer(nn.Module):
    """Self-attention between the words, then an MLP; both start as nothing, so that words begin apart."""

    def __init__(self, operations: Any, **options: Any) -> None:
        super().__init__()
        self.norm1 = operations.LayerNorm(CONTEXT, **options)
        self.qkv = operations.Linear(CONTEXT, 3 * CONTEXT, **options)
        self.out = operations.Linear(CONTEXT, CONTEXT, **options)
        self.norm2 = operations.LayerNorm(CONTEXT, **options)
        self.widen = operations.Linear(CONTEXT, 2 * CONTEXT, **options)
        self.narrow = operations.Linear(2 * CONTEXT, CONTEXT, **options)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm1(hidden)).chunk(3, -1)
        q, k, v = (x.unflatten(-1, (HEADS, -1)).transpose(1, 2) for x in (q, k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
        hidden = hidden + self.out(mixed)
        return hidden + self.narrow(F.gelu(self.widen(self.norm2(hidden))))


class TextEncoder(nn.Module):
    """Word + place, two layers in which words see each other; what follows the last word is zero.

    Padding that holds values draws most of the attention, and the words keep none.
    """

    def __init__(self, vocabulary: list[int], operations: Any = nn, dtype: Any = None, device: Any = None) -> None:
        super().__init__()
        options = {"dtype": dtype, "device": device}
        self.words = operations.Embedding(len(vocabulary) + 1, CONTEXT, **options)
        self.places = operations.Embedding(POSITIONS, CONTEXT, **options)
        self.layers = nn.ModuleList(_TextLayer(operations, **options) for _ in range(2))
        self.norm = operations.LayerNorm(CONTEXT, **options)
        self.rows = {token: row + 1 for row, token in enumerate(vocabulary)}

    def compact(self, tokens: list[int]) -> list[int]:
        """CLIP token ids -> rows of our vocabulary; 0 is the row of all words the captions never use."""
        return [self.rows.get(token, 0) for token in tokens]

    def forward(self, rows: Tensor, lengths: Tensor) -> Tensor:
        """`rows` [batch positions] from `compact`, `lengths` [batch] -> [batch positions CONTEXT]."""
        place = torch.arange(rows.shape[1], device=rows.device)
        keep = place < lengths[:, None]
        hidden = self.words(rows) + self.places(place)
        for layer in self.layers:
            hidden = layer(hidden, keep[:, None, None, :])
        return self.norm(hidden) * keep[..., None]


class _Residual(nn.Module):
    def __init__(self, channels: int, operations: Any) -> None:
        super().__init__()
        first, second = (operations.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.net = nn.Sequential(first, nn.ReLU(), second)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.net(x))


class Autoencoder(nn.Module):
    """Pictures [batch 3 height width] in -1..1 <-> latents [batch 4 height/4 width/4]; plain convolutions."""

    def __init__(self, operations: Any = nn, wide: int = 96, fine: int = 48) -> None:
        super().__init__()
        conv = operations.Conv2d
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(DOWNSCALE),
            conv(3 * DOWNSCALE**2, wide, 3, padding=1),
            nn.ReLU(),
            _Residual(wide, operations),
            _Residual(wide, operations),
            conv(wide, LATENT_CHANNELS, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            conv(LATENT_CHANNELS, wide, 3, padding=1),
            nn.ReLU(),
            *(_Residual(wide, operations) for _ in range(3)),
            conv(wide, 4 * fine, 3, padding=1),
            nn.PixelShuffle(2),
            nn.ReLU(),
            *(_Residual(fine, operations) for _ in range(2)),
            conv(fine, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def encode(self, pictures: Tensor) -> Tensor:
        return self.encoder(pictures)

    def decode(self, latents: Tensor) -> Tensor:
        # As TAESD: a latent far outside what was trained must not blow up.
        return self.decoder(torch.tanh(latents / 3) * 3)
