"""Which image each row of a batch comes from: images take turns, and each may have a source and edits in a row."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ....errors import PromptUnderstandingError
from ..settings import Inversion
from .marks import EDIT_KEY


def images_of(guider: Any, rows: int, inversion: Inversion) -> Tensor:
    """[rows] which inverted image each latent of the batch comes from: Edit Latent puts a source and its edits in a
    row, and what else repeats a batch of latents takes the images in turns."""
    images, prompts = inversion.shape[0], prompts_of(guider)
    if images == 1:
        return torch.zeros(rows, dtype=torch.long)
    if rows % (images * prompts):
        edits = f" for groups of {prompts}, a source and its edits" if prompts > 1 else ""
        raise PromptUnderstandingError(
            f"The inversion is of {images} images, and the sampler was given {rows} latents{edits}. Connect the LATENT "
            "output of Invert Image; for Prompt-to-Prompt put Edit Latent in between."
        )
    return torch.arange(images).repeat(rows // (images * prompts)).repeat_interleave(prompts)


def prompts_of(guider: Any) -> int:
    """Rows of a group: the source and its edits, where the positive prompt is Encode Edit's."""
    return max((len(e["cross_attn"]) for e in guider.conds.get("positive", ()) if EDIT_KEY in e), default=1)
