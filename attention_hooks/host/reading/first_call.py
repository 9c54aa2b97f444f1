"""The first call of a run, looked at before anything acts: does every layer get what the parts will count on?

Guidance may begin late, and Capture too; a patch that repeats rows or adds tokens is better met before the picture is
half drawn.
"""

from __future__ import annotations

from typing import Any

from ..attention.families import family_of
from ..attention.recorder import Listener, Recorder
from ..sampling.part import Part, Parts, RunStart


def first_call_part(start: RunStart, earlier: Parts) -> FirstCall | None:
    listeners = [Listener(reads.sites, reads.lengths) for part in earlier for reads in part.reads]
    return FirstCall(start.model, listeners) if listeners else None


class FirstCall(Part):
    """Raises PromptUnderstandingError at the first layer that gets something else."""

    def __init__(self, model: Any, listeners: list[Listener]) -> None:
        self._family, self._network = family_of(model), model.diffusion_model
        sites = frozenset(site for listener in listeners for site in listener.sites)
        modules = {site: self._family.attention(self._network, site) for site in sites}
        self._checker = Recorder(modules, listeners)
        self._is_to_come = True

    def pass_options(self, model_options: dict[str, Any], level: float, opens_step: bool) -> dict[str, Any]:
        if opens_step and self._is_to_come:
            self._is_to_come = False
            self._family.attach(self._network, self._checker, model_options["transformer_options"])
        return model_options
