"""The source and its edited prompts as one batched CONDITIONING, and the latents that go with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

Conditioning = list[list[Any]]


def stack_conditionings(conditionings: Sequence[Conditioning]) -> tuple[Conditioning, int]:
    """One row a prompt, and the common length. Shorter prompts are repeated to it, as ComfyUI does with a positive and
    a negative prompt of unlike lengths: attention to copies of all tokens is attention to the tokens."""
    length = math.lcm(*(tensor.shape[1] for one in conditionings for tensor, _ in one))
    # Several entries each: a text encoder with scheduled hooks.
    return [_stack(entries, length) for entries in zip(*conditionings, strict=True)], length


def _stack(entries: Sequence[Sequence[Any]], length: int) -> list[Any]:
    tensors = torch.cat([tensor.repeat(1, length // tensor.shape[1], 1) for tensor, _ in entries])
    options = dict(entries[0][1])
    pooled = [own.get("pooled_output") for _, own in entries]
    if all(isinstance(one, Tensor) for one in pooled):
        options["pooled_output"] = torch.cat(pooled)
    return [tensors, options]


def edit_latent(latent: dict[str, Any], prompts: int) -> dict[str, Any]:
    """Every latent `prompts` times in a row, all with the noise of one: ComfyUI draws noise by `batch_index`."""
    samples = latent["samples"]
    places = latent.get("batch_index", list(range(len(samples))))
    grouped = {
        **latent,
        "samples": samples.repeat_interleave(prompts, 0),
        "batch_index": [place for place in places for _ in range(prompts)],
    }
    mask = latent.get("noise_mask")
    if isinstance(mask, Tensor) and len(mask) > 1:
        grouped["noise_mask"] = mask.repeat_interleave(prompts, 0)
    return grouped
