"""What our nodes have asked of a MODEL: frozen values, and how to read them. `install.py` puts them on.

Settings live on the patched MODEL, which ComfyUI keeps for hours; the state of a run lives in its parts and dies with
it. The one exception is the log of finished runs, which the viewers read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...prompts.types import ParsedPrompt
from ..capture.record import RunLog
from ..edits.prompt_edit import PromptEdit
from ..losses.base import AttentionLoss
from ..optimize.schedule import Schedule

KEY = "prompt_understanding"

Conditioning = list[Any]
"""ComfyUI's CONDITIONING: pairs of a tensor and a dictionary."""


@dataclass(frozen=True)
class Guidance:
    """One guidance node's share: a loss, when and how far it pulls, and what it reads."""

    loss: AttentionLoss
    schedule: Schedule
    prompt: ParsedPrompt
    sites: str = "quarter"
    checkpointing: bool = False
    """Forget activations between the sites and compute them again on the way back: less memory, slower."""
    node_id: str | None = None
    """Where the live text is shown."""
    note: str = field(default="", compare=False)
    """A sentence for the report, for example why this loss was chosen."""

    @property
    def name(self) -> str:
        return self.loss.name  # type: ignore[attr-defined]  # given by the registry

    @property
    def order(self) -> str:
        """A key that does not depend on the order of the nodes."""
        return repr((self.name, self.loss, self.schedule, self.prompt.fingerprint, self.sites))


@dataclass(frozen=True)
class Capture:
    """Which heat maps to keep."""

    sites: str = "quarter"
    start: float = 0.0
    until: float = 1.0
    each_step: bool = False
    prompt: ParsedPrompt | None = None
    """None: whatever the positive conditioning is."""


@dataclass(frozen=True)
class Inversion:
    """The way of one batch of images through the noise levels. Tensors are on the CPU, in float32."""

    latents: Tensor = field(repr=False)
    """[steps+1 batch C H W], the noisiest first, the image last: x as the sampler keeps it."""
    sigmas: Tensor = field(repr=False)
    """[steps+1], falling to 0."""
    scheduler: str
    positive: Conditioning = field(repr=False)
    """What the images were inverted with."""

    @property
    def steps(self) -> int:
        return len(self.sigmas) - 1

    @property
    def shape(self) -> torch.Size:
        """[batch C H W]"""
        return self.latents.shape[1:]


@dataclass(frozen=True)
class ComposedObjects:
    """Objects of a layout that were drawn alone, laid together in their boxes. Tensors are on the CPU."""

    latents: Tensor = field(repr=False)
    """[kept steps, C H W] x as the sampler keeps it, before each step."""
    start_mask: Tensor = field(repr=False)
    """[H W] bool: the objects' boxes, which get their noise at the start."""
    mask: Tensor = field(repr=False)
    """[H W] bool: the objects themselves."""
    levels: tuple[float, ...]
    """Noise level that each of the kept steps starts from."""
    steps: int
    """Of a whole run, the kept ones and those after."""
    until: float
    """Progress up to which they are put in."""


@dataclass(frozen=True)
class Settings:
    guidances: tuple[Guidance, ...] = ()
    capture: Capture | None = None
    edit: PromptEdit | None = None
    direct_inversion: Inversion | None = None
    """The way that the sources of a batch are led along."""
    composed: ComposedObjects | None = None
    keep_trajectory: bool = False
    """The record of a run keeps the latent of every step."""
    log: RunLog = field(default_factory=RunLog, compare=False)


def settings_of(model: Any) -> Settings | None:
    return model.get_attachment(KEY)


def run_log(model: Any) -> RunLog | None:
    """The log of the runs of this patched MODEL, or None when no node of ours has patched it."""
    settings = settings_of(model)
    return settings.log if settings else None
