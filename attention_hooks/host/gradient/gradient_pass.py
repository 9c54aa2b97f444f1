"""One gradient pass: the positive prompt only, forward to the last site a loss reads, and back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import comfy.samplers
import torch
from torch import Tensor, nn

from ....errors import PromptUnderstandingError
from ...capture.sites import ModelSite
from ...capture.store import MapStore
from ...types import AttentionSite
from ..attention.families import family_of
from ..attention.recorder import Listener, Recorder, StopForward
from ..conditioning.prompt_entries import acts_at
from ..sampling.neighbours import foreign_patches
from ..sampling.part import Reads
from .autograd import gradients
from .checkpointing import checkpointed
from .given_control import control_knows_rows, with_given_control
from .options import differentiable_options, no_gradient
from .patience import Patience

# What fp16 gradients are multiplied by on their way through the network: without it, those of the small early maps
# are lost below 6e-8.
FP16_SCALE = 2.0**12

LeafAndInput = Callable[[], tuple[Tensor, Tensor]]
MapsLoss = Callable[[Mapping[str, Tensor]], Tensor]


@dataclass(frozen=True)
class Reading:
    """Maps that some losses want: of which entries, from which sites."""

    entries: Sequence[dict[str, Any]]
    sites: tuple[ModelSite, ...]

    def reads(self) -> Reads:
        lengths = {entry["uuid"]: entry["cross_attn"].shape[1] for entry in self.entries}
        return Reads(frozenset(entry.site for entry in self.sites), lengths)

    def listener(self) -> Listener:
        return Listener(*self.reads(), MapStore())


@dataclass
class GradientPass:
    """The settings of all passes of one run."""

    model: Any
    """comfy BaseModel, loaded."""
    model_options: dict[str, Any]
    modules: Mapping[AttentionSite, nn.Module]
    """Every site any reading wants, in the order the forward pass meets them."""
    readings: Mapping[str, Reading]
    checkpointing: bool = False
    forwards: int = 0
    backwards: int = 0
    patience: Patience = field(default_factory=Patience)

    @property
    def knows_rows(self) -> bool:
        """True when some conditioning differs from image to image, so that images are known by their row."""
        entries = [entry for reading in self.readings.values() for entry in reading.entries]
        told = any(_rows_of(cond) > 1 for entry in entries for cond in entry["model_conds"].values())
        return told or any(map(control_knows_rows, entries))

    def __call__(self, leaf_and_input: LeafAndInput, sigma: Tensor, loss: MapsLoss, wanted: Collection[str]) -> Tensor:
        """`leaf_and_input()` makes (leaf, model input [images C H W]) inside the gradient context; `loss(maps)` gets,
        for each wanted reading active at this noise level, maps [images tokens height width] and returns a scalar.

        -> d loss / d leaf, detached; zeros when no reading is active."""
        entries = [entry for reading in self.readings.values() for entry in reading.entries]
        apply_weight_hooks(self.model, entries, sigma, self.model_options)
        return self.patience.run(lambda: self._run(leaf_and_input, sigma, loss, wanted))

    def _run(self, leaf_and_input: LeafAndInput, sigma: Tensor, loss: MapsLoss, wanted: Collection[str]) -> Tensor:
        with ExitStack() as stack:
            stack.enter_context(gradients(self.model.diffusion_model))
            stack.enter_context(family_of(self.model).differentiable())
            if self.checkpointing:
                stack.enter_context(checkpointed(self.model.diffusion_model, set(self.modules.values())))
            leaf, model_input = leaf_and_input()
            maps = self._forward(model_input, sigma.clone(), {name: self.readings[name] for name in wanted})
            if not maps:
                return torch.zeros_like(leaf).detach()
            if not any(one.requires_grad for one in maps.values()):
                raise no_gradient(self.model.diffusion_model)
            self.backwards += 1
            return gradient_of(loss(maps), leaf, self.model)

    def _forward(self, x: Tensor, sigma: Tensor, readings: Mapping[str, Reading]) -> dict[str, Tensor]:
        listeners = {name: reading.listener() for name, reading in readings.items()}
        wanted = {entry.site for reading in readings.values() for entry in reading.sites}
        last = [site for site in self.modules if site in wanted][-1]
        recorder = Recorder(self.modules, list(listeners.values()), stop_after=last)
        entries = {id(entry): entry for reading in readings.values() for entry in reading.entries}
        for entry in entries.values():
            # One call each: stopping early ends the whole call, and ComfyUI runs unlike entries one after the other.
            self.forwards += 1
            conds = [[with_given_control(entry)]]
            options = self._options(recorder, x)
            with suppress(StopForward):
                comfy.samplers.calc_cond_batch(self.model, conds, x, sigma, options)
            if not recorder.reached and acts_at(entry, sigma):
                raise _not_reached(options)
        return {name: listener.sink.probs() for name, listener in listeners.items() if not listener.sink.empty}

    def _options(self, recorder: Recorder, x: Tensor) -> dict[str, Any]:
        """This run's model options plus our reading, for one call."""
        options = differentiable_options(self.model_options, self.model.diffusion_model, x)
        family_of(self.model).attach(self.model.diffusion_model, recorder, options["transformer_options"])
        return options


def _not_reached(options: dict[str, Any]) -> PromptUnderstandingError:
    return PromptUnderstandingError(
        "A gradient was asked for, but the model's layers were not called for it: a patch of another node pack answers "
        f"in their place, as caches do that skip steps. The patches on this MODEL are: {foreign_patches(options)}. "
        "Remove that one, or go without guidance on this MODEL."
    )


def gradient_of(total: Tensor, leaf: Tensor, model: Any) -> Tensor:
    """d total / d leaf, detached; on its way through a network that computes in fp16 it is scaled up."""
    # Hosts before 0.19 know only the type the weights are kept in.
    dtype = getattr(model, "get_dtype_inference", model.get_dtype)()
    scale = FP16_SCALE if dtype == torch.float16 else 1.0
    (gradient,) = torch.autograd.grad(total * scale, leaf, retain_graph=scale != 1.0)
    if scale != 1.0 and not gradient.isfinite().all():
        # Too much of a good thing: the scaled gradient left fp16's range.
        (gradient,), scale = torch.autograd.grad(total, leaf), 1.0
    return gradient.detach() / scale


def apply_weight_hooks(
    model: Any, entries: Sequence[dict[str, Any]], sigma: Tensor, model_options: dict[str, Any]
) -> None:
    """Weight hooks (LoRA on a conditioning) write into the weights, which must happen in inference mode; the pass then
    finds them applied."""
    for entry in entries:
        if entry.get("hooks") is not None:
            model.current_patcher.prepare_hook_patches_current_keyframe(sigma, entry["hooks"], model_options)
            model.current_patcher.apply_hooks(hooks=entry["hooks"])


def _rows_of(cond: Any) -> int:
    told = getattr(cond, "cond", None)
    tensors = told if isinstance(told, list) else [told]
    return max((x.shape[0] for x in tensors if isinstance(x, Tensor) and x.ndim), default=1)
