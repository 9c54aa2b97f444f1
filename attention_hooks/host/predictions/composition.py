"""Several prompts in one sampling run, each a pass of its own, joined as `predictions.composition` says.

The prompts travel as entries of one positive CONDITIONING, each marked with its place and weight, so that areas,
ControlNet, LoRA hooks and timestep ranges of every prompt work as ComfyUI has them, and attention guidance finds the
prompt it was set up for. What a run then does with them hangs on its CALC_COND_BATCH wrapper.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import comfy.model_patcher
import comfy.patcher_extension
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ....errors import PromptUnderstandingError
from ...predictions.composition import check_weight, compose, needs_unconditional
from ..conditioning.prompt_entries import NEGATIVE, POSITIVE, Entry, acts_at
from ..settings import KEY

PART_KEY = "pu_part"
"""On an entry: (place of its prompt in the composition, weight)."""
COMPOSITION_KEY = f"{KEY}.composition"


@dataclass(frozen=True)
class Composition:
    """Prompts with their weights; below 0 is NOT."""

    parts: tuple[tuple[list[Any], float], ...] = ()
    """(CONDITIONING, weight)"""

    def with_prompt(self, conditioning: list[Any], weight: float) -> Composition:
        check_weight(weight)
        return Composition((*self.parts, (conditioning, weight)))

    @property
    def active(self) -> tuple[tuple[list[Any], float], ...]:
        """Those of a weight other than 0: the rest cost nothing."""
        return tuple(part for part in self.parts if part[1] != 0)

    def conditioning(self) -> list[Any]:
        """For the sampler's positive input. Raises when no prompt has a weight."""
        if not self.active:
            raise PromptUnderstandingError(
                f"All {len(self.parts)} prompts of the composition have weight 0, so there is nothing to draw. Give at "
                "least one of them a weight, such as 1."
            )
        return [
            [tensor, {**options, PART_KEY: (place, weight)}]
            for place, (conditioning, weight) in enumerate(self.active)
            for tensor, options in conditioning
        ]


def with_composition(model: Any, composition: Composition) -> Any:
    """A clone of `model` that joins the prompts of `composition.conditioning()`."""
    clone = model.clone()
    weights = [weight for _, weight in composition.active]
    if needs_unconditional(weights):
        # At cfg 1 ComfyUI leaves the negative prompt out, which is right for weights that add up to 1 only.
        clone.disable_model_cfg1_optimization()
    for wrapper_type, wrapper in (
        (WrappersMP.CALC_COND_BATCH, _calc_cond_batch),
        (WrappersMP.PREPARE_SAMPLING, _prepare_sampling(len(weights) + 1)),
    ):
        clone.remove_wrappers_with_key(wrapper_type, COMPOSITION_KEY)
        clone.add_wrapper_with_key(wrapper_type, COMPOSITION_KEY, wrapper)
    return clone


@dataclass(frozen=True)
class _Part:
    entries: list[Entry]
    weight: float


def _calc_cond_batch(
    executor: Callable[..., list[Tensor]], model: Any, conds: list[Any], x: Tensor, sigma: Tensor, options: Any
) -> list[Tensor]:
    """[positive, negative] -> their predictions, the first one composed. ComfyUI is given all prompts in one list, so
    that those which fit into memory together run together."""
    parts = _parts(conds[0] or [])
    if not parts and not any(_is_composition(entries) for entries in conds[1:]):
        return executor(model, conds, x, sigma, options)
    if len(conds) == 1:
        # A gradient pass of one prompt, or another node's extra pass over all of them.
        return executor(model, [_wanted(parts)], x, sigma, options)
    if len(conds) > 2 or not parts:
        raise PromptUnderstandingError(
            f"Composable Diffusion joins a positive and a negative prompt, but this guider asks for {len(conds)} "
            "predictions at once. Use KSampler, or SamplerCustomAdvanced with Composable Guider or CFGGuider."
        )
    negative = conds[1]
    parts = [part for part in parts if any(acts_at(entry, sigma) for entry in part.entries)]
    weights = [part.weight for part in parts]
    if not parts or weights == [1.0]:
        return executor(model, conds, x, sigma, options)
    if negative is None and needs_unconditional(weights):
        raise PromptUnderstandingError(
            f"Composable Diffusion was given prompts of weights {', '.join(f'{w:g}' for w in weights)}, but this "
            "sampler has no negative prompt to measure them from. Use KSampler, or SamplerCustomAdvanced with "
            "Composable Guider or CFGGuider; an empty negative prompt will do."
        )
    first, *others = [_filled(part.entries, negative) for part in parts]
    predicted = executor(model, [first, negative, *others], x, sigma, _with_roles(options, weights))
    return [compose(predicted[1], [predicted[0], *predicted[2:]], weights), predicted[1]]


def _is_composition(entries: Sequence[Entry] | None) -> bool:
    """Marked throughout. (For every area of the positive, ComfyUI gives the negative a copy of that entry, mark and
    all, with the negative's text.)"""
    return bool(entries) and all(PART_KEY in entry for entry in entries)


def _parts(entries: Sequence[Entry]) -> list[_Part]:
    """Empty for a conditioning that is no composition."""
    marked = [entry for entry in entries if PART_KEY in entry]
    if marked and len(marked) != len(entries):
        raise PromptUnderstandingError(
            "The positive conditioning holds a composition and something else besides, joined by a node such as "
            "Conditioning (Combine), so it is not clear what the rest should weigh. Add it with Composable Prompt."
        )
    places = sorted({entry[PART_KEY] for entry in marked})
    return [_Part([entry for entry in marked if entry[PART_KEY] == part], part[1]) for part in places]


def _wanted(parts: Sequence[_Part]) -> list[Entry]:
    """Without those of NOT, which an average would draw."""
    entries = [entry for part in parts if part.weight > 0 for entry in part.entries]
    return entries or [entry for part in parts for entry in part.entries]


def _filled(entries: list[Entry], negative: list[Entry] | None) -> list[Entry]:
    """Outside its area or mask a prompt has no prediction; the negative's there means: no pull."""
    if not negative or any(entry.get("area") is None and entry.get("mask") is None for entry in entries):
        return entries
    # ComfyUI gives the negative a copy for every area of the positive; the whole picture's is enough here.
    whole = [entry for entry in negative if entry.get("area") is None and not entry.get("default")]
    return [*entries, *({**entry, "default": True} for entry in whole)]


def _with_roles(options: dict[str, Any], weights: Sequence[float]) -> dict[str, Any]:
    """These options for one call in which attention patches are told of each row whether it is of a positive prompt:
    ComfyUI itself tells them the place in the list, and to most of them all but 0 is negative. NOT counts as
    negative."""
    first, *others = [POSITIVE if weight > 0 else NEGATIVE for weight in weights]
    roles = [first, NEGATIVE, *others]

    def apply_model(
        executor: Any, x: Tensor, t: Tensor, c_concat: Any, c_crossattn: Any, control: Any, options: Any, **kwargs: Any
    ) -> Tensor:
        named = {**options, "cond_or_uncond": [roles[place] for place in options["cond_or_uncond"]]}
        return executor(x, t, c_concat, c_crossattn, control, named, **kwargs)

    own = comfy.model_patcher.create_model_options_clone(options)
    comfy.patcher_extension.add_wrapper_with_key(
        WrappersMP.APPLY_MODEL, COMPOSITION_KEY, apply_model, own, is_model_options=True
    )
    return own


def _prepare_sampling(passes: int) -> Callable[..., Any]:
    """ComfyUI budgets memory for two passes at once; a composition has more."""

    def prepare_sampling(executor: Any, model: Any, noise_shape: Any, conds: Any, *args: Any, **kwargs: Any) -> Any:
        rows = math.ceil(noise_shape[0] * passes / 2)
        return executor(model, type(noise_shape)([rows, *noise_shape[1:]]), conds, *args, **kwargs)

    return prepare_sampling
