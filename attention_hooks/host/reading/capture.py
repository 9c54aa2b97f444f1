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
from ...optimize.schedule import SLACK
from ...types import AttentionSite
from ..attention.families import family_of
from ..attention.recorder import Listener, Recorder
from ..conditioning.prompt_entries import Entry, entries_of
from ..sampling.part import Part, Parts, RunStart, StepOpening
from ..settings import Capture


def capture_part(start: RunStart, earlier: Parts) -> CaptureRun | None:
    capture = start.settings.capture
    return CaptureRun(capture, start.model, start.positive, start.model_options, earlier.edited) if capture else None


class CaptureRun(Part):
    """One capture of one run: a running mean per site, or one frame a step where each step was asked for."""

    def __init__(
        self,
        capture: Capture,
        model: Any,
        positive: list[Entry],
        model_options: dict[str, Any],
        edited: Callable[[UUID, Tensor], Tensor],
    ) -> None:
        family, network = family_of(model), model.diffusion_model
        model_sites = family.sites(network)
        sites, self._one_size = choose_sites(model_sites, capture.sites), one_size(model_sites)
        entries = self._whole_frame(positive if capture.prompt is None else entries_of(positive, capture.prompt))
        self._capture = capture
        self._sums: list[_SiteSums] = []
        self._progress: list[tuple[float, float]] = []
        self._open = False
        modules = {entry.site: family.attention(network, entry.site) for entry in sites}
        lengths = {entry["uuid"]: entry["cross_attn"].shape[1] for entry in entries}
        listener = Listener(frozenset(modules), lengths, self)
        # These options were made for this run alone and die with it.
        reading = Recorder(modules, [listener], while_true=lambda: self._open, edited=edited)
        family.attach(network, reading, model_options.setdefault("transformer_options", {}))

    def _whole_frame(self, entries: list[Entry]) -> list[Entry]:
        """Entries of one length over the whole picture: an area's maps belong to its crop, and maps of prompts of
        different lengths cannot be added."""
        whole = [e for e in entries if e.get("area") is None and e.get("cross_attn") is not None]
        if not whole:
            raise PromptUnderstandingError(
                "Heat maps were asked for, but every positive conditioning is limited to an area of the picture. "
                "Connect one without ConditioningSetArea, or remove Capture Attention."
            )
        same = [e for e in whole if e["cross_attn"].shape[1] == whole[0]["cross_attn"].shape[1]]
        self.notes = (
            [] if len(same) == len(entries) else ["Only the first of several unlike conditionings was captured."]
        )
        return same

    @contextmanager
    def during_opening(self, opening: StepOpening) -> Iterator[None]:
        """Listen to the model calls within, if this step was asked for."""
        progress = opening.progress
        wanted = self._capture.start - SLACK <= progress <= self._capture.until + SLACK
        if not wanted:
            yield
            return
        if not self._sums or self._capture.each_step:
            self._sums.append(_SiteSums())
            self._progress.append((progress, progress))
        self._progress[-1] = (self._progress[-1][0], progress)
        self._open = True
        try:
            yield
        finally:
            self._open = False
            if self._capture.each_step:
                self._sums[-1].to_cpu()

    def record(self, site: AttentionSite, probs: Tensor, hw: tuple[int, int]) -> None:
        """From the recorder: probs [batch heads hw tokens]."""
        batch, _, _, tokens = probs.shape
        self._sums[-1].add(site, probs.mean(1).transpose(1, 2).reshape(batch, tokens, *hw))

    def finish(self, samples: Tensor, level: float, record: RunRecord) -> None:
        record.maps = self.maps((samples.shape[-2], samples.shape[-1]))
        record.notes.extend(self.notes)

    def maps(self, latent_hw: tuple[int, int]) -> CapturedMaps | None:
        """What was read, or None when no step fell into the range."""
        if not self._sums or not self._sums[0].sites:
            return None
        frames = [sums.means() for sums in self._sums]
        probs = {site: torch.stack([frame[site] for frame in frames]) for site in frames[0]}
        return CapturedMaps(probs, tuple(self._progress), latent_hw, self._one_size)


class _SiteSums:
    """Running sums, so that memory does not grow with the steps."""

    def __init__(self) -> None:
        self.sites: dict[AttentionSite, Tensor] = {}
        self._counts: dict[AttentionSite, int] = {}

    def add(self, site: AttentionSite, maps: Tensor) -> None:
        self.sites[site] = self.sites[site] + maps if site in self.sites else maps
        self._counts[site] = self._counts.get(site, 0) + 1

    def to_cpu(self) -> None:
        self.sites = {site: total.cpu() for site, total in self.sites.items()}

    def means(self) -> dict[AttentionSite, Tensor]:
        return {site: (total / self._counts[site]).float().cpu() for site, total in self.sites.items()}
