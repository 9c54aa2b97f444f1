"""Guidance in one run: the latent is moved at the first model call of each step."""

from __future__ import annotations

import time
from typing import Any

from torch import Tensor

from ...capture.record import GuidedStep, RunRecord
from ...capture.sites import choose_sites
from ...optimize.latent import LatentOptimizer, StepResult, techniques
from ..attention.families import family_of
from ..conditioning.prompt_entries import entries_of, is_marked
from ..sampling.part import Part, Parts, RunStart, StepOpening
from ..sampling.progress import say
from ..sampling.units import LatentUnits, NoiseMaskView
from ..settings import Guidance
from .evaluator import Evaluator
from .gradient_pass import GradientPass, Reading


def guidance_part(start: RunStart, earlier: Parts) -> GuidanceRun | None:
    return GuidanceRun(start, earlier) if start.settings.guidances else None


class GuidanceRun(Part):
    """State of one run: the pass, the optimiser, and what is told of them."""

    def __init__(self, start: RunStart, earlier: Parts) -> None:
        self._model, self._model_options = start.model, start.model_options
        self._levels, self._progress, self._record = start.levels, start.progress, start.record
        working = [guidance for guidance in start.settings.guidances if not self._idle(guidance)]
        names = techniques([guidance.name for guidance in working])
        self._guidances: dict[str, Guidance] = dict(zip(names, working, strict=True))
        self._pass = self._gradient_pass(start.positive) if self._acts() else None
        self.reads = tuple(reading.reads() for reading in self._pass.readings.values()) if self._pass else ()
        self._evaluator = Evaluator(self._guidances, self._pass, earlier.prompt_of) if self._pass else None
        self._optimizer: LatentOptimizer | None = None
        self._note_missed_windows()

    def open_step(self, x: Tensor, opening: StepOpening) -> Tensor | None:
        """The moved latent, or None where guidance does not act."""
        if self._evaluator is None:
            return None
        if self._optimizer is None:
            schedules = {name: guidance.schedule for name, guidance in self._guidances.items()}
            self._optimizer = LatentOptimizer(schedules, x.shape[0])
        if not self._optimizer.acts_at(opening.progress):
            return None
        started = time.perf_counter()
        sigma = opening.sigma
        units = LatentUnits(self._model.model_sampling, sigma)
        z = units.to_z(x)
        view = NoiseMaskView(opening.model_k, sigma, opening.denoise_mask, self._model_options)
        self._evaluator.begin_step(z, sigma, units, view, opening.progress)
        result = self._optimizer.step(z, opening.progress, self._evaluator)
        self._write_down(opening.step, result)
        self._record.guidance_seconds += time.perf_counter() - started
        # The difference is added rather than z mapped back: an image that was not moved keeps its exact bits.
        return x + units.to_x(result.z - z)

    def finish(self, samples: Tensor, level: float, record: RunRecord) -> None:
        if self._pass is not None:
            record.forwards, record.backwards = self._pass.forwards, self._pass.backwards

    def _idle(self, guidance: Guidance) -> bool:
        """True where this prompt leaves a loss nothing to do: the report says why, and no pass is paid for."""
        reason = guidance.loss.idle(guidance.prompt)
        self._record.notes.extend(filter(None, (guidance.note, reason)))
        if reason:
            say(reason, guidance.node_id)
        return bool(reason)

    def _acts(self) -> bool:
        return any(g.schedule.step_at(p) for g in self._guidances.values() for p in self._progress)

    def _gradient_pass(self, positive: list[dict[str, Any]]) -> GradientPass:
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
        self._record.prompt = next(iter(self._guidances.values())).prompt
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
        self._record.steps.append(
            GuidedStep(step, self._progress[step], self._levels[step], losses, subjects, refinements, tuple(notes))
        )
        for name, guidance in self._guidances.items():
            if name in subjects:
                say(self._sentence(guidance, subjects[name], refinements, step), guidance.node_id)

    def _sentence(self, guidance: Guidance, subjects: Tensor, refinements: Tensor, step: int) -> str:
        values = subjects.nan_to_num(0).amax(0)
        weakest = int(values.argmax())
        label = guidance.loss.labels(guidance.prompt)[weakest]
        text = f"Step {step + 1} of {len(self._levels)}: weakest is {label} (loss {values[weakest]:.2f})"
        rounds = int(refinements.max())
        return f"{text}, {rounds} refinements" if rounds else text

    def _note_once(self, sentence: str) -> None:
        if sentence not in self._record.notes:
            self._record.notes.append(sentence)

    def _note_missed_windows(self) -> None:
        for guidance in self._guidances.values():
            window = guidance.schedule
            if self._progress and window.step_size and not any(map(window.step_at, self._progress)):
                self._record.notes.append(
                    f"{guidance.name} did nothing: this run goes from progress {self._progress[0]:.2f} to "
                    f"{self._progress[-1]:.2f}, and it was to act from {window.start:g} until {window.until:g}. Raise "
                    "'until', or the sampler's denoise."
                )
