"""One adapter file per model family: where its cross-attention is and how to read it."""

from __future__ import annotations

from typing import Any, Protocol

import torch.nn as nn

from .....errors import PromptUnderstandingError
from ....capture.sites import ModelSite
from ....types import AttentionSite
from ..edited_attention import Edits
from ..recorder import Recorder
from . import pixart, sd3, unet


class Family(Protocol):
    """What an adapter module offers."""

    EDITS_SELF_ATTENTION: bool
    """Whether `edit` can do anything with `keeping`."""

    def matches(self, diffusion_model: nn.Module) -> bool: ...

    def sites(self, diffusion_model: nn.Module) -> list[ModelSite]:
        """In the order the forward pass meets them."""
        ...

    def attention(self, diffusion_model: nn.Module, site: AttentionSite) -> nn.Module: ...

    def attach(self, diffusion_model: nn.Module, recorder: Recorder, transformer_options: dict[str, Any]) -> None:
        """Let `recorder` read every model call made with these options, which belong to one run or one pass. Nothing
        may stay on the network itself between calls."""
        ...

    def edit(
        self, diffusion_model: nn.Module, crossing: Edits, keeping: Edits, transformer_options: dict[str, Any]
    ) -> None:
        """Edit the cross-attention (`crossing`) and the self-attention (`keeping`) of the one model call that is made
        with these options."""
        ...


FAMILIES: tuple[Any, ...] = (unet, sd3, pixart)


def family_of(model: Any) -> Family:
    """The adapter of a ComfyUI BaseModel. Raises PromptUnderstandingError when none can reach its cross-attention."""
    diffusion_model = getattr(model, "diffusion_model", None)
    for family in FAMILIES:
        if diffusion_model is not None and family.matches(diffusion_model):
            return family
    raise PromptUnderstandingError(
        f"This MODEL is of the kind {type(model).__name__}, whose cross-attention this pack cannot reach yet. It "
        "works with Stable Diffusion 1.x, 2.x, SDXL, 3 and 3.5, with PixArt and with the Shapes model."
    )
