"""Which pass over the network is at work, and of how many pictures.

One model call of a sampler may make several passes: the picture's own, and those that other nodes add to it (perturbed
attention, skipped layers, windows over crops, other noise levels). Only the first is to be read as the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import comfy.model_patcher
import comfy.patcher_extension
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from .forwards import forwards_kept_when_stopped
from .neighbours import foreign_patches

PASS_KEY = "prompt_understanding_pass"
SAME_LEVEL = 1e-4

ModelOptions = dict[str, Any]
PassOptions = Callable[[ModelOptions, float, bool], ModelOptions]
"""(options of a pass, its noise level, whether it opens a step) -> the options to make it with."""


@dataclass(frozen=True)
class Pass:
    """What a pass says of itself to whoever is at work in a layer: it travels in the options of the call."""

    pictures: int
    """Rows of each conditioning entry."""
    neighbours: str
    """Names of other packs' patches on it, for a sentence."""


def pass_of(transformer_options: dict[str, Any], rows: int = 0) -> Pass:
    """Where nobody has marked it, of as many pictures as `rows` of a layer say."""
    unmarked = rows // max(1, len(transformer_options.get("cond_or_uncond", ())))
    return transformer_options.get(PASS_KEY) or Pass(unmarked, "not known")


def marked(model_options: ModelOptions, x: Tensor) -> ModelOptions:
    """A copy for one pass over `x` [pictures C H W]."""
    own = comfy.model_patcher.create_model_options_clone(model_options)
    transformer_options = own.setdefault("transformer_options", {})
    transformer_options[PASS_KEY] = Pass(len(x), foreign_patches(own))
    return own


def mark_passes(model_options: ModelOptions) -> None:
    """Every pass made with these options will be marked; for what acts without a run."""

    def calc_cond_batch(executor: Any, model: Any, conds: Any, x: Tensor, sigma: Tensor, options: Any) -> Any:
        with forwards_kept_when_stopped(model.diffusion_model):
            return executor(model, conds, x, sigma, marked(options, x))

    comfy.patcher_extension.add_wrapper_with_key(
        WrappersMP.CALC_COND_BATCH, PASS_KEY, calc_cond_batch, model_options, is_model_options=True
    )


class ModelCall:
    """One model call of a sampler, and the passes in it."""

    def __init__(self, x: Tensor, level: float, opens_step: bool, positive: frozenset[UUID]) -> None:
        """`positive`: the entries that say the picture's prompts."""
        self._shape, self._level, self._opens_step, self._positive = x.shape, level, opens_step, positive
        self._own_is_to_come = True

    def watched(self, model_options: ModelOptions, pass_options: PassOptions) -> ModelOptions:
        """A copy for this call. The watch is innermost, so that it sees what the network is really asked for."""
        own = comfy.model_patcher.create_model_options_clone(model_options)
        watch = partial(self._calc_cond_batch, pass_options)
        comfy.patcher_extension.add_wrapper_with_key(
            WrappersMP.CALC_COND_BATCH, PASS_KEY, watch, own, is_model_options=True
        )
        return own

    def _calc_cond_batch(
        self, pass_options: PassOptions, executor: Any, model: Any, conds: Any, x: Tensor, sigma: Tensor, options: Any
    ) -> Any:
        level = float(sigma.flatten()[0])
        own = self._is_own(x, level, conds)
        options = pass_options(marked(options, x), level, own and self._opens_step)
        with forwards_kept_when_stopped(model.diffusion_model):
            return executor(model, conds, x, sigma, options)

    def _is_own(self, x: Tensor, level: float, conds: Sequence[Any]) -> bool:
        """The first pass over the whole picture at the sampler's level that any of the prompts takes part in; what
        comes after it is another node's."""
        whole = x.shape == self._shape and math.isclose(level, self._level, rel_tol=SAME_LEVEL)
        told = any(entry.get("uuid") in self._positive for entries in conds for entry in entries or ())
        own = self._own_is_to_come and whole and told
        self._own_is_to_come = self._own_is_to_come and not own
        return own
