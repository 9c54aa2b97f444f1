"""Single sampling steps through ComfyUI's own sampler, plain, guided or captured, on a random network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.sample
import comfy.samplers
import torch
from torch import Tensor

from ..attention_hooks.host.install import with_capture, with_guidance
from ..attention_hooks.host.settings import Capture, Guidance, run_log
from ..attention_hooks.losses.a_star import AStar
from ..attention_hooks.losses.attend_and_excite import ALL_BUT_START, AttendAndExcite
from ..attention_hooks.losses.syngen import ALWAYS, SynGen
from ..attention_hooks.optimize.schedule import Schedule
from . import networks
from .networks import Size

CFG = 7.5
POSITIVE_SEED, NEGATIVE_SEED, NOISE_SEED = 1, 2, 3
# One step between two noise levels that DDIM with two steps visits too, so that diffusers' first step is the same step.
TIMESTEPS = (999, 499)


@dataclass
class Sampling:
    """One network and what is needed to take steps with it."""

    model: Any
    size: Size

    @staticmethod
    def of(size: Size) -> Sampling:
        return Sampling(networks.network(size), size)

    def guided(self, save_memory: bool = False) -> Any:
        """The model under Attend-and-Excite as its authors' code does it, without refinement."""
        loss = AttendAndExcite(softmax_over=ALL_BUT_START)
        return with_guidance(
            self.model, Guidance(loss, Schedule(refinements=()), networks.prompt(), checkpointing=save_memory)
        )

    def stacked(self) -> Any:
        """The same, and SynGen and A-STAR in the same pass."""
        model = self.guided()
        for loss in (SynGen(lone_nouns=ALWAYS), AStar()):
            model = with_guidance(model, Guidance(loss, Schedule(refinements=()), networks.prompt()))
        return model

    def captured(self) -> Any:
        return with_capture(self.model, Capture())

    def noise(self, batch: int = 1) -> Tensor:
        shape = (batch, 4, self.size.latent, self.size.latent)
        return torch.randn(shape, generator=torch.Generator().manual_seed(NOISE_SEED))

    def levels(self) -> Tensor:
        """[2] the sigmas of `TIMESTEPS`."""
        return torch.stack([self._model_sampling().sigma(torch.tensor(float(t))) for t in TIMESTEPS]).float()

    @torch.inference_mode()
    def step(self, model: Any, batch: int = 1) -> Tensor:
        """One Euler step of `model` (of ours or a patched clone) -> latent in z units, [batch 4 height width]."""
        samples = self._sample(model, self.levels(), batch)
        z = self.model.model.process_latent_in(samples) / (1 + self.levels()[-1] ** 2) ** 0.5
        return z.cpu()

    @torch.inference_mode()
    def image(self, model: Any, steps: int, batch: int = 1) -> Tensor:
        """A whole run of `steps` steps of KSampler's "normal" schedule."""
        sigmas = comfy.samplers.calculate_sigmas(self._model_sampling(), "normal", steps)
        return self._sample(model, sigmas, batch)

    def _sample(self, model: Any, sigmas: Tensor, batch: int) -> Tensor:
        positive, negative = ([[networks.embeddings(seed), {}]] for seed in (POSITIVE_SEED, NEGATIVE_SEED))
        noise = self.noise(batch)
        sampler = comfy.samplers.sampler_object("euler")
        return comfy.sample.sample_custom(
            model, noise, CFG, sampler, sigmas, positive, negative, torch.zeros_like(noise), disable_pbar=True, seed=0
        )

    def _model_sampling(self) -> Any:
        return self.model.get_model_object("model_sampling")


def guided_steps(model: Any) -> int:
    """How many steps of the last run were guided. Raises when one was skipped: its time would prove nothing."""
    record = run_log(model).find()
    notes = [note for step in record.steps for note in step.notes]
    if notes or record.backwards != len(record.steps):
        raise RuntimeError(f"The guided run did other work than was to be timed: {notes or record}")
    return len(record.steps)


def first_loss(model: Any) -> float:
    (losses,) = run_log(model).find().steps[0].losses.values()
    return float(losses[0])
