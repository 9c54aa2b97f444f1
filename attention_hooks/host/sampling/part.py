"""What a technique does in one sampling run. A new one is a file with such a part and a line in `install.PARTS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from torch import Tensor

from ....prompts.types import ParsedPrompt
from ...capture.record import RunRecord
from ...types import AttentionSite
from ..conditioning.prompt_entries import Entry
from ..settings import Settings


@dataclass(frozen=True)
class RunStart:
    """What is known when a run starts."""

    settings: Settings
    guider: Any
    positive: list[Entry]
    noise: Tensor
    """[batch C H W]"""
    model_options: dict[str, Any]
    """Of this run alone: what a part puts in dies with it."""
    levels: tuple[float, ...]
    """The noise level that each step starts from."""
    progress: tuple[float, ...]
    """0…1 of each step."""
    record: RunRecord

    @property
    def model(self) -> Any:
        """comfy BaseModel, loaded."""
        return self.guider.inner_model


@dataclass(frozen=True)
class StepOpening:
    """The one model call of a step that sees the sampler's own latent."""

    step: int
    progress: float
    level: float
    sigma: Tensor
    """The level as the sampler gave it, one for each row."""
    model_k: Any
    """The model that the sampler was given."""
    denoise_mask: Tensor | None


class Reads(NamedTuple):
    """What a part counts on being given, at some time of the run: these layers, and of these entries so many tokens."""

    sites: frozenset[AttentionSite]
    lengths: Mapping[UUID, int]
    """Conditioning entry -> its true token count."""


class Part:
    """One technique in one run: its state is made when sampling starts and gone when it ends. Every part overrides only
    what it has to do with. Latents are [batch C H W] in the sampler's own units."""

    alike = 1
    """How many rows one after the other must be given the same noise."""

    reads: tuple[Reads, ...] = ()
    """Checked at the first call of the run, whenever the part itself begins to act."""

    def open_step(self, x: Tensor, opening: StepOpening) -> Tensor | None:
        """The latent that the sampler is to go on with; None: this one. The parts before have been."""
        return None

    def during_opening(self, opening: StepOpening) -> AbstractContextManager[None]:
        """Around the model call that opens the step."""
        return nullcontext()

    def options(self, model_options: dict[str, Any], level: float, opens_step: bool) -> dict[str, Any]:
        """For every single model call, before anything else: `model_options` itself, or a changed copy."""
        return model_options

    def pass_options(self, model_options: dict[str, Any], level: float, opens_step: bool) -> dict[str, Any]:
        """For every pass over the network in a model call (`passes.py`), another node's too: `model_options`, which are
        of this pass alone, or others in their place. `opens_step`: the picture's own pass, at its first call of a step.
        """
        return model_options

    def finish(self, samples: Tensor, level: float, record: RunRecord) -> Tensor | None:
        """The latent that the run ends with, if another than this. Writes into the record what viewers ask for."""
        return None

    def prompt_of(self, prompt: ParsedPrompt, image: int) -> ParsedPrompt:
        """`prompt` of a node as it is to be read in the maps of one picture of the batch."""
        return prompt

    def edited(self, uuid: UUID, probs: Tensor) -> Tensor:
        """What becomes of an entry's probabilities [rows heads hw tokens] in the model call under way."""
        return probs


class Parts(tuple[Part, ...]):
    """Several, one after the other."""

    @property
    def alike(self) -> int:
        return max((part.alike for part in self), default=1)

    def options(self, model_options: dict[str, Any], level: float, opens_step: bool) -> dict[str, Any]:
        for part in self:
            model_options = part.options(model_options, level, opens_step)
        return model_options

    def pass_options(self, model_options: dict[str, Any], level: float, opens_step: bool) -> dict[str, Any]:
        for part in self:
            model_options = part.pass_options(model_options, level, opens_step)
        return model_options

    def prompt_of(self, prompt: ParsedPrompt, image: int) -> ParsedPrompt:
        for part in self:
            prompt = part.prompt_of(prompt, image)
        return prompt

    def edited(self, uuid: UUID, probs: Tensor) -> Tensor:
        for part in self:
            probs = part.edited(uuid, probs)
        return probs


MakePart = Callable[[RunStart, Parts], Part | None]
"""Of a run that starts, and the parts made before: one more, or None where the settings do not ask for it.

A part may hold those before it, never the run: a circle would keep a broken run's memory until it is collected."""
