"""One adapter file per model family: where its cross-attention is, how it is read and edited.

`family.py` is what an adapter answers; it stands on one of three bases: ComfyUI's own patches (`unet.py`), its override
of the attention function (`override.py`), or hooks on the modules (`hook.py`).
"""

from __future__ import annotations

from typing import Any

from .....errors import PromptUnderstandingError
from .family import Family
from .pixart import pixart
from .qwen_image import qwen_image
from .sd3 import sd3
from .unet import unet
from .z_image import z_image

FAMILIES: tuple[Family, ...] = (unet, sd3, pixart, z_image, qwen_image)


def family_of(model: Any) -> Family:
    """The adapter of a ComfyUI BaseModel. Raises PromptUnderstandingError when none can reach its cross-attention."""
    network = getattr(model, "diffusion_model", None)
    for family in FAMILIES:
        if network is not None and family.matches(network):
            return family
    raise PromptUnderstandingError(
        f"This MODEL is of the kind {type(model).__name__}, whose cross-attention this pack cannot reach yet. It "
        f"works with {', '.join(family.NAME for family in FAMILIES)} and with the models that come along."
    )
