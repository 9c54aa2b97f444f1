"""Stable Diffusion 1.x, 2.x, SDXL and the Shapes model: ComfyUI's UNetModel with SpatialTransformer blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch.nn as nn

from ....capture.sites import ModelSite
from ....types import AttentionSite
from ..edited_attention import Edits
from ..recorder import Recorder
from .family import Family, Options


class UNet(Family):
    """Its cross-attention has ComfyUI's own patches: lists to read by, and one place for each layer to edit by."""

    NAME = "Stable Diffusion 1.x, 2.x and SDXL"
    EDITS_SELF_ATTENTION = True

    def matches(self, network: nn.Module) -> bool:
        has_blocks = all(hasattr(network, name) for name in ("input_blocks", "middle_block", "output_blocks"))
        return has_blocks and any(True for _ in _transformers(network))

    def sites(self, network: Any) -> list[ModelSite]:
        return [ModelSite(site, down, block.attn2.heads) for site, down, block in _transformers(network)]

    def attention(self, network: Any, site: AttentionSite) -> nn.Module:
        return next(block.attn2 for found, _, block in _transformers(network) if found == site)

    def attach(self, network: Any, recorder: Recorder, transformer_options: Options) -> None:
        patches = transformer_options.setdefault("patches", {})
        patches["attn2_patch"] = [*patches.get("attn2_patch", []), recorder]

    def edit(self, network: Any, crossing: Edits, keeping: Edits, transformer_options: Options) -> None:
        replaced = transformer_options.setdefault("patches_replace", {})
        blocks = {site: block for site, _, block in _transformers(network)}
        for kind, edits in (("attn2", crossing), ("attn1", keeping)):
            patches = replaced[kind] = dict(replaced.get(kind, {}))
            for site, edited in edits.items():
                place = (site.block, site.number, site.index)
                # ComfyUI lets a patch own one transformer of a block, or all of them.
                earlier = patches.get(place, patches.get(place[:2]))
                patches[place] = replace(edited, earlier=earlier, layer=getattr(blocks[site], kind))


def _transformers(unet: Any) -> Iterator[tuple[AttentionSite, int, Any]]:
    """(site, latent pixels per map pixel, transformer block that has cross-attention) in forward order."""
    # A pixel-space model may fold pixels into channels before its first block, as the Shapes model does.
    down = getattr(unet, "patch_size", 1)
    for number, block in enumerate(unet.input_blocks):
        down *= 2 if _has(block, "Downsample") else 1
        yield from _of_block("input", number, block, down)
    if unet.middle_block is not None:
        yield from _of_block("middle", 0, unet.middle_block, down)
    for number, block in enumerate(unet.output_blocks):
        yield from _of_block("output", number, block, down)
        down //= 2 if _has(block, "Upsample") else 1


def _of_block(name: str, number: int, block: nn.Module, down: int) -> Iterator[tuple[AttentionSite, int, Any]]:
    for transformer in (child for child in block if type(child).__name__ == "SpatialTransformer"):
        for index, inner in enumerate(transformer.transformer_blocks):
            if inner.attn2 is not None:
                yield AttentionSite(name, number, index), down, inner


def _has(block: nn.Module, layer: str) -> bool:
    return any(type(child).__name__ == layer for child in block)


unet = UNet()
