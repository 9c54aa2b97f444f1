"""The tiny transformer networks under test, and how each is sampled."""

from __future__ import annotations

import torch
from engine import positive, sample
from pack.attention_hooks.host.settings import run_log
from tiny import conditioning
from tiny_transformers import POOLED, tiny_pixart, tiny_qwen_image, tiny_sd3, tiny_z_image

KINDS = {"sd3": (tiny_sd3, 16, (20, 28)), "sd35": (lambda **k: tiny_sd3(medium=True, **k), 16, (20, 28)),
         "pixart": (tiny_pixart, 4, (32, 48)), "z_image": (tiny_z_image, 16, (20, 28)),
         "qwen_image": (tiny_qwen_image, 16, (1, 20, 28))}  # fmt: skip
OVERRIDE = "optimized_attention_override"


class Kind:
    """A tiny network and how to sample it."""

    def __init__(self, name):
        make, self.channels, self.hw = KINDS[name]
        self.name, self.make, self.model = name, make, make()
        self.map_hw = tuple(side // 2 for side in self.hw[-2:])

    def sample(self, model, batch=1, hw=None, pos=None, neg=None, **options):
        latent = torch.zeros(batch, self.channels, *(hw or self.hw))
        pos = self.pooled(positive() if pos is None else pos)
        neg = self.pooled(conditioning(seed=2) if neg is None else neg)
        return sample(model, batch=batch, latent=latent, pos=pos, neg=neg, **{"steps": 2, **options})

    def pooled(self, conditioned):
        return [[tensor, {**options, "pooled_output": torch.ones(1, POOLED)}] for tensor, options in conditioned]

    @property
    def layers(self):
        network = self.model.model.diffusion_model
        names = ("joint_blocks", "blocks", "layers", "transformer_blocks")
        return next(getattr(network, name) for name in names if hasattr(network, name))

    def maps(self, node, samples):
        return run_log(node).find(samples).maps
