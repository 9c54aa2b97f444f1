"""Reads the maps of ordinary model calls for the viewers, without a gradient and without changing the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import torch
from torch import Tensor

from ....errors import PromptUnderstandingError
from ...capture.record import CapturedMaps, RunRecord
from ...capture.sites import choose_sites, one_size
from ...capture.sizes import of_one_size
from ...optimize.schedule import SLACK
from ...types import AttentionSite
from ..attention.families import family_of
from ..attention.recorder import Listener, Recorder
from ..conditioning.marks import TEXT_KEY, fingerprints_of
from ..conditioning.prompt_entries import Entry, entries_of, of_the_first_prompt
from ..sampling.part import Part, Parts, Reads, RunStart, StepOpening
from ..sampling.passes import pass_of
from ..settings import Capture


def capture_part(start: RunStart, earlier: Parts) -> CaptureRun | None:
    capture = start.settings.capture
    return CaptureRun(capture, start.model, start.positive, earlier.edited) if capture else None


class CaptureRun(Part):
    """One capture of one run: a running mean per site, or one frame a step where each step was asked for."""

    def __init__(
        self, capture: Capture, model: Any, positive: list[Entry], edited: Callable[[UUID, Tensor], Tensor]
    ) -> None:
        self._family, self._network = family_of(model), model.diffusion_model
        model_sites = self._family.sites(self._network)
        sites, self._one_size = choose_sites(model_sites, capture.sites), one_size(model_sites)
        self._capture = capture
        self._entries = self._whole_frame(positive)
        self._frames: list[_Frame] = []
        self._open, self._now = False, 0.0
        modules = {entry.site: self._family.attention(self._network, entry.site) for entry in sites}
        lengths = {entry["uuid"]: entry["cross_attn"].shape[1] for entry in self._entries}
        self.reads = (Reads(frozenset(modules), lengths),)
        self._recorder = Recorder(modules, [Listener(frozenset(modules), lengths, self)], edited=edited)
        self._saw_the_picture = False
        self._neighbours = ""

    def _whole_frame(self, positive: list[Entry]) -> list[Entry]:
        """The entries of one prompt and of one length over the whole picture: an area's maps belong to its crop, and
        maps of prompts of different lengths cannot be added."""
        whole = [e for e in positive if e.get("area") is None and e.get("cross_attn") is not None]
        if not whole:
            raise PromptUnderstandingError(
                "Heat maps were asked for, but every positive conditioning is limited to an area of the picture. "
                "Connect one without ConditioningSetArea, or remove Capture Attention."
            )
        own = of_the_first_prompt(whole) if self._capture.prompt is None else entries_of(whole, self._capture.prompt)
        same = [e for e in own if e["cross_attn"].shape[1] == own[0]["cross_attn"].shape[1]]
        unlike = len(same) < (len(positive) if self._capture.prompt is None else len(own))
        self.notes = ["Only the first of several unlike conditionings was captured."] if unlike else []
        return same

    @contextmanager
    def during_opening(self, opening: StepOpening) -> Iterator[None]:
        """Listen to the picture's own pass within, if this step was asked for."""
        progress = opening.progress
        wanted = self._capture.start - SLACK <= progress <= self._capture.until + SLACK
        if not wanted:
            yield
            return
        if not self._frames or self._capture.each_step:
            self._frames.append(_Frame())
        self._open, self._now = True, progress
        try:
            yield
        finally:
            self._open = False
            if self._capture.each_step:
                self._frames[-1].to_cpu()

    def pass_options(self, model_options: dict[str, Any], level: float, opens_step: bool) -> dict[str, Any]:
        if self._open:
            self._saw_the_picture |= opens_step
            self._neighbours = pass_of(model_options["transformer_options"]).neighbours
        if self._open and opens_step:
            self._family.attach(self._network, self._recorder, model_options["transformer_options"])
        return model_options

    def record(self, site: AttentionSite, probs: Tensor, hw: tuple[int, int]) -> None:
        """From the recorder: probs [batch heads hw tokens]."""
        batch, _, _, tokens = probs.shape
        self._frames[-1].add(site, probs.mean(1).transpose(1, 2).reshape(batch, tokens, *hw), self._now)

    def finish(self, samples: Tensor, level: float, record: RunRecord) -> None:
        record.maps = self.maps((samples.shape[-2], samples.shape[-1]))
        record.maps_missing = self._missing() if record.maps is None else ""
        record.notes.extend(self.notes)

    def maps(self, latent_hw: tuple[int, int]) -> CapturedMaps | None:
        """What was read, in the steps in which something was."""
        frames = [frame for frame in self._frames if frame.progress]
        if not frames:
            return None
        means = [frame.means() for frame in frames]
        sites = [site for site in means[0] if all(site in mean for mean in means)]
        probs = {site: torch.stack(of_one_size([mean[site] for mean in means])) for site in sites}
        progress = tuple(frame.progress for frame in frames if frame.progress)
        entry = self._entries[0]
        return CapturedMaps(probs, progress, latent_hw, self._one_size, fingerprints_of(entry), entry.get(TEXT_KEY, ""))

    def _missing(self) -> str:
        if not self._frames:
            return ""
        if not self._saw_the_picture:
            return (
                "the model was never called for the whole picture, only for parts of it or for other passes, by a "
                f"patch of another node pack. The patches on this MODEL are: {self._neighbours or 'not known'}. Remove "
                "what samples in windows or tiles to see heat maps."
            )
        return (
            "in none of the steps that were to be captured did the prompt act: it is limited to another part of "
            "sampling (ConditioningSetTimestepRange). Widen 'start' and 'until' of Capture Attention, or connect the "
            "prompt that acts then."
        )


class _Frame:
    """Of one step, or of several as running sums, so that memory does not grow with the steps."""

    def __init__(self) -> None:
        self._sums: dict[AttentionSite, Tensor] = {}
        self._counts: dict[AttentionSite, int] = {}
        self.progress: tuple[float, float] | None = None
        """Of the first and the last step that were read."""

    def add(self, site: AttentionSite, maps: Tensor, progress: float) -> None:
        """maps [batch tokens height width], of another size where another pack has shrunk the layer for some steps."""
        self._sums[site] = sum(of_one_size([self._sums[site], maps])) if site in self._sums else maps
        self._counts[site] = self._counts.get(site, 0) + 1
        self.progress = (self.progress[0] if self.progress else progress, progress)

    def to_cpu(self) -> None:
        self._sums = {site: total.cpu() for site, total in self._sums.items()}

    def means(self) -> dict[AttentionSite, Tensor]:
        return {site: (total / self._counts[site]).float().cpu() for site, total in self._sums.items()}
