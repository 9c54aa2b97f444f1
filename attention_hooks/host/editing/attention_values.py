"""Other values, and further key sets, for the cross-attention of one prompt: as `attn2_patch`, whose patches are a
list, so nothing is displaced, and which run also where another pack has replaced the attention itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from comfy.patcher_extension import WrappersMP
from torch import Tensor, nn

from ....errors import PromptUnderstandingError
from ....prompts.types import ParsedPrompt
from ...types import AttentionSite
from ..attention.families import family_of
from ..attention.layer_call import check_keys, check_tokens, positive_rows
from ..conditioning.marks import EDIT_KEY
from ..conditioning.prompt_entries import Entry, entries_of, positive_entries
from ..sampling.passes import mark_passes
from ..settings import KEY


class ValueEdit(Protocol):
    """What is done to sequences [batch repeats tokens channels]."""

    def values(self, value: Tensor) -> Tensor: ...

    def further_keys(self, context: Tensor) -> list[Tensor]:
        """Each gives an attention of its own, with the same values; the mean of all is the layer's output."""
        ...


def with_value_edit(model: Any, prompt: ParsedPrompt, edit: ValueEdit) -> Any:
    """A clone of `model` whose cross-attention to `prompt` is edited. A second edit of the same prompt takes the place
    of the first.

    Raises PromptUnderstandingError when the model's cross-attention cannot be reached.
    """
    family_of(model.model)
    clone, key = model.clone(), f"{KEY}.values.{prompt.fingerprint}"
    clone.remove_wrappers_with_key(WrappersMP.SAMPLER_SAMPLE, key)
    clone.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, key, _wrapper(prompt, edit))
    return clone


def check_width(model: Any, width: int) -> None:
    """Refuse vectors of another text encoder's width."""
    wanted = next(iter(_modules(model.model).values())).to_k.in_features
    if width != wanted:
        raise PromptUnderstandingError(
            f"The connected CLIP makes vectors of {width} numbers a token, but this MODEL takes {wanted}. Connect the "
            "CLIP that Encode & Parse Prompt uses, from the same checkpoint as the MODEL."
        )


def _wrapper(prompt: ParsedPrompt, edit: ValueEdit) -> Callable[..., Tensor]:
    def sampler_sample(
        executor: Any, guider: Any, sigmas: Tensor, extra_args: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Tensor:
        entries = entries_of(positive_entries(guider), prompt)
        patch = ValuePatch(edit, {e["uuid"]: Sequences.of(e) for e in entries}, _modules(guider.inner_model))
        # These options were made for this run alone and die with it, and the patch with them.
        options = extra_args["model_options"]
        patches = options.setdefault("transformer_options", {}).setdefault("patches", {})
        for name, function in (("attn2_patch", patch.before), ("attn2_output_patch", patch.after)):
            patches[name] = [*patches.get(name, []), function]
        mark_passes(options)
        return executor(guider, sigmas, extra_args, *args, **kwargs)

    return sampler_sample


def _modules(model: Any) -> dict[AttentionSite, Any]:
    family, network = family_of(model), model.diffusion_model
    return {entry.site: family.attention(network, entry.site) for entry in family.sites(network)}


class Sequences(NamedTuple):
    """What an entry's rows are, as the network is given them."""

    length: int
    """Tokens, another text's behind the prompt's included, before ComfyUI repeats them."""
    prompts: int
    """Rows of a group, of which the first says the prompt: a source and its edits, or 1."""

    @classmethod
    def of(cls, entry: Entry) -> Sequences:
        tokens = entry["cross_attn"]
        return cls(tokens.shape[1], len(tokens) if EDIT_KEY in entry else 1)


class ValuePatch:
    """One edit in one run."""

    def __init__(
        self, edit: ValueEdit, sequences: Mapping[UUID, Sequences], modules: Mapping[AttentionSite, nn.Module]
    ) -> None:
        self._edit, self._sequences, self._modules = edit, sequences, modules
        self._seen: tuple[Tensor, Tensor] | None = None
        self._edited: tuple[Tensor, list[tuple[slice, list[Tensor]]]] | None = None
        self._query: Tensor | None = None

    def before(self, n: Tensor, context: Tensor, value: Tensor, options: dict[str, Any]) -> tuple[Any, ...]:
        """attn2_patch: `n` [rows hw channels], `context` (what keys are made of) and `value` [rows tokens channels]."""
        if not any(uuid in self._sequences for uuid in options["uuids"]):
            return n, context, value
        if self._seen is None or self._seen[0] is not context or self._seen[1] is not value:
            # All layers of one call are given the same sequences, unless another pack changes them.
            self._seen, self._edited = (context, value), self._edit_rows(context, value, options)
        check_keys(n, context, options)
        self._query = n
        return n, context, self._edited[0]

    def after(self, out: Tensor, options: dict[str, Any]) -> Tensor:
        """attn2_output_patch: `out` [rows hw channels], behind the layer's last projection. That is linear, so the
        mean of outputs is the output of the mean."""
        query, self._query = self._query, None
        if query is None or not any(keys for _, keys in self._edited[1]):
            return out
        values, further = self._edited
        module: Any = self._modules[AttentionSite(*options["block"], options.get("block_index", 0))]
        mean = out.clone()
        for rows, keys in further:
            attended = [module(query[rows], context=k, value=values[rows], transformer_options=options) for k in keys]
            mean[rows] = sum(attended, out[rows]) / (1 + len(keys))
        return mean

    def _edit_rows(self, context: Tensor, value: Tensor, options: dict[str, Any]) -> Any:
        values, further = value.clone(), []
        for rows, length in self._own_rows(len(value), options):
            check_tokens(value.shape[1], length, options)
            # ComfyUI repeats a short prompt to match a longer one beside it.
            values[rows] = self._edit.values(value[rows].unflatten(1, (-1, length))).flatten(1, 2)
            keys = self._edit.further_keys(context[rows].unflatten(1, (-1, length)))
            further.append((rows, [key.flatten(1, 2) for key in keys]))
        return values, further

    def _own_rows(self, rows: int, options: dict[str, Any]) -> Iterator[tuple[slice, int]]:
        """Where in the batch the prompt lies, and the length of its sequences."""
        # An area's copy for the negative prompt has the id of the positive's entry.
        for uuid, place in positive_rows(rows, options):
            if uuid in self._sequences:
                own = self._sequences[uuid]
                yield slice(place.start, place.stop, own.prompts), own.length
