"""The state of one sampling run: made when sampling starts, gone when it ends, also by an error or an interrupt."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..capture.record import GuidedStep, RunRecord
from ..capture.sites import choose_sites
from ..optimize.latent import LatentOptimizer, StepResult, techniques
from .edits import EditRun
from .entries import Entry, entries_of, is_marked, positive_entries
from .evaluate import Evaluator
from .families import family_of
from .gradient import GradientPass, Reading
from .known_way import KnownWay
from .progress import progress_of, say
from .units import LatentUnits, NoiseMaskView
from .watch import Watch

if TYPE_CHECKING:
    from .settings import Guidance, Settings


class SamplingRun:
    """Guides the latent at the first model call of each step, and lets a `Watch` read that call."""

    def __init__(
        self, settings: Settings, guider: Any, sigmas: Tensor, model_options: dict[str, Any], noise: Tensor
    ) -> None:
        self._settings = settings
        self._model = guider.inner_model
        self._model_options = model_options
        # uni_pc writes into the schedule, so the numbers are taken now.
        self.sigmas = [float(sigma) for sigma in sigmas[:-1]]
        self.progress = [progress_of(self._model.model_sampling, sigma) for sigma in self.sigmas]
        self.record = RunRecord(total_steps=len(self.sigmas))
        self._started = time.perf_counter()
        working = [guidance for guidance in settings.guidances if not self._idle(guidance)]
        names = techniques([guidance.name for guidance in working])
        self._guidances: dict[str, Guidance] = dict(zip(names, working, strict=True))
        positive = positive_entries(guider)
        self._pass = self._gradient_pass(positive) if self._acts() else None
        self.edits = EditRun(settings.edit, self._model, positive, noise) if settings.edit else None
        self._known_way = KnownWay(settings.known_way, guider, len(noise)) if settings.known_way else None
        self._last_sigma = float(sigmas[-1])
        prompt_of = {"prompt_of": self.edits.prompt_of} if self.edits else {}
        self._evaluator = Evaluator(self._guidances, self._pass, **prompt_of) if self._pass else None
        self._optimizer: LatentOptimizer | None = None
        edited = {"edited": self.edits.edited} if self.edits else {}
        watched = (settings.capture, self._model, positive, model_options)
        self._watch = Watch(*watched, **edited) if settings.capture else None
        self._note_missed_windows()

    def guide(self, model_k: Any, x: Tensor, sigma: Tensor, step: int, denoise_mask: Tensor | None) -> Tensor | None:
        """The moved latent, or None where guidance does not act. x [batch C H W] in the sampler's own units."""
        if self._evaluator is None:
            return None
        if self._optimizer is None:
            schedules = {name: guidance.schedule for name, guidance in self._guidances.items()}
            self._optimizer = LatentOptimizer(schedules, x.shape[0])
        if not self._optimizer.acts_at(self.progress[step]):
            return None
        started = time.perf_counter()
        units = LatentUnits(self._model.model_sampling, sigma)
        z = units.to_z(x)
        self._evaluator.begin_step(z, sigma, units, NoiseMaskView(model_k, sigma, denoise_mask, self._model_options))
        result = self._optimizer.step(z, self.progress[step], self._evaluator)
        self._write_down(step, result)
        self.record.guidance_seconds += time.perf_counter() - started
        # The difference is added rather than z mapped back: an image that was not moved keeps its exact bits.
        return x + units.to_x(result.z - z)

    def put_together(self, x: Tensor, sigma: float) -> Tensor | None:
        """x [batch C H W] with sources and edits as they belong together at this noise level; None: as they are."""
        known = x if self._known_way is None else self._known_way.put_in(x, sigma)
        blended = self.edits.blend(known, sigma) if self.edits is not None else None
        if blended is not None:
            return blended
        return None if known is x else known

    @contextmanager
    def watching(self, step: int) -> Iterator[None]:
        """Around the model call that opens a step."""
        if self._watch is None:
            yield
        else:
            with self._watch.during(step, self.progress[step]):
                yield

    def finish(self, samples: Tensor) -> Tensor:
        """The latent of the run. Hands the record to the log, marked with it as the sampler node will hand it on."""
        together = self.put_together(samples, self._last_sigma)
        samples = samples if together is None else together
        if self.edits is not None:
            self.record.blend_mask = None if self.edits.mask is None else self.edits.mask.float().cpu()
        self.record.sampling_seconds = time.perf_counter() - self._started
        if self._pass is not None:
            self.record.forwards, self.record.backwards = self._pass.forwards, self._pass.backwards
        if self._watch is not None:
            self.record.maps = self._watch.maps((samples.shape[-2], samples.shape[-1]))
            self.record.notes.extend(self._watch.notes)
        self._settings.log.add(self.record, self._model.process_latent_out(samples.to(torch.float32)))
        return samples

    def _idle(self, guidance: Guidance) -> bool:
        """True where this prompt leaves a loss nothing to do: the report says why, and no pass is paid for."""
        reason = guidance.loss.idle(guidance.prompt)
        self.record.notes.extend(filter(None, (guidance.note, reason)))
        if reason:
            say(reason, guidance.node_id)
        return bool(reason)

    def _acts(self) -> bool:
        return any(g.schedule.step_at(p) for g in self._guidances.values() for p in self.progress)

    def _gradient_pass(self, positive: list[Entry]) -> GradientPass:
        family, network = family_of(self._model), self._model.diffusion_model
        model_sites = family.sites(network)
        readings = {}
        for name, guidance in self._guidances.items():
            guidance.loss.check(guidance.prompt)
            entries = entries_of(positive, guidance.prompt)
            if not is_marked(entries):
                self._note_once(
                    "The sampler's positive conditioning does not come from Encode & Parse Prompt. Its length fits, so "
                    f"it was taken to be {guidance.prompt.text!r}; if it is another text, the wrong words were read."
                )
            readings[name] = Reading(entries, choose_sites(model_sites, guidance.sites))
        self.record.prompt = next(iter(self._guidances.values())).prompt
        wanted = {entry.site for reading in readings.values() for entry in reading.sites}
        modules = {entry.site: family.attention(network, entry.site) for entry in model_sites if entry.site in wanted}
        checkpointing = any(guidance.checkpointing for guidance in self._guidances.values())
        return GradientPass(self._model, self._model_options, modules, readings, checkpointing)

    def _write_down(self, step: int, result: StepResult) -> None:
        notes = []
        if result.skipped.any():
            images = ", ".join(str(i + 1) for i in result.skipped.nonzero().flatten().tolist())
            notes.append(
                f"Step {step + 1}: the gradient was not a finite number for image {images}, which was left where it "
                "was."
            )
        losses, subjects, refinements = result.losses, result.subjects, result.refinements
        self.record.steps.append(
            GuidedStep(step, self.progress[step], self.sigmas[step], losses, subjects, refinements, tuple(notes))
        )
        for name, guidance in self._guidances.items():
            if name in subjects:
                say(self._sentence(guidance, subjects[name], refinements, step), guidance.node_id)

    def _sentence(self, guidance: Guidance, subjects: Tensor, refinements: Tensor, step: int) -> str:
        values = subjects.nan_to_num(0).amax(0)
        weakest = int(values.argmax())
        label = guidance.loss.labels(guidance.prompt)[weakest]
        text = f"Step {step + 1} of {len(self.sigmas)}: weakest is {label} (loss {values[weakest]:.2f})"
        rounds = int(refinements.max())
        return f"{text}, {rounds} refinements" if rounds else text

    def _note_once(self, sentence: str) -> None:
        if sentence not in self.record.notes:
            self.record.notes.append(sentence)

    def _note_missed_windows(self) -> None:
        for guidance in self._guidances.values():
            window = guidance.schedule
            if self.progress and window.step_size and not any(map(window.step_at, self.progress)):
                self.record.notes.append(
                    f"{guidance.name} did nothing: this run goes from progress {self.progress[0]:.2f} to "
                    f"{self.progress[-1]:.2f}, and it was to act from {window.start:g} until {window.until:g}. Raise "
                    "'until', or the sampler's denoise."
                )
