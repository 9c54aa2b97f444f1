"""What a layer is given in one call, held against what the pass says of itself: rows, places, tokens.

Other packs repeat the rows of a batch for regions, put tokens of their own beside the prompt's, or merge places. Taken
for the picture's own, that ends in another word's map or in a raw tensor error; here it ends in a sentence.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from torch import Tensor, nn

from ....errors import PromptUnderstandingError
from ..conditioning.prompt_entries import POSITIVE
from ..sampling.neighbours import is_swapped
from ..sampling.passes import pass_of

Options = dict[str, Any]


def positive_rows(rows: int, options: Options) -> list[tuple[UUID, slice]]:
    """Where in a batch of `rows` each positive entry lies. The order is not fixed, so it is read at every call."""
    chunks, pictures = options["cond_or_uncond"], pass_of(options, rows).pictures
    if rows != pictures * len(chunks):
        raise _met(
            options,
            f"The layer {_layer(options)} works on {rows} rows, where {pictures} pictures of {len(chunks)} prompts "
            f"need {pictures * len(chunks)}: a patch of another node pack repeats rows, as for regions of the picture, "
            "and it is not known which are the prompt's own.",
        )
    places = [(options["uuids"][i], slice(i * pictures, (i + 1) * pictures)) for i in range(len(chunks))]
    return [place for place, chunk in zip(places, chunks, strict=True) if chunk == POSITIVE]


def check_places(q: Tensor, hw: tuple[int, int], options: Options) -> None:
    """q [rows hw channels], or split by heads [rows heads hw d]."""
    if q.shape[-2] != hw[0] * hw[1]:
        raise _met(
            options,
            f"The layer {_layer(options)} looks from {q.shape[-2]} places, where its map has {hw[0]} x {hw[1]}: a "
            "patch of another node pack merges some or leaves them out.",
        )


def check_keys(q: Tensor, k: Tensor, options: Options) -> None:
    """q [rows ...], k [rows ...]: of the same rows."""
    if len(q) != len(k):
        raise _met(
            options,
            f"The layer {_layer(options)} has {len(q)} rows that look at {len(k)}: a patch of another node pack has "
            "added rows of its own.",
        )


def check_forward(layer: nn.Module | None, options: Options) -> None:
    """A layer's replaced attention goes past a forward that another pack has given to it."""
    if layer is not None and is_swapped(layer):
        raise _met(
            options,
            f"Another node pack has changed the layer {_layer(options)} itself (its forward, as ComfyUI-NAG does), and "
            "Prompt-to-Prompt would go past what it does there.",
        )


def check_tokens(tokens: int, length: int, options: Options) -> None:
    """A whole number of copies, see `fold_repeats`."""
    if tokens % length:
        raise _met(
            options,
            f"This node pack reads and edits {length} tokens of the prompt, but the layer {_layer(options)} was given "
            f"{tokens}: a patch of another node pack has added some or taken them away.",
        )


def _layer(options: Options) -> str:
    block = options.get("block")
    return f"{block[0]}.{block[1]}.{options.get('block_index', 0)}" if block else "at work"


def _met(options: Options, what: str) -> PromptUnderstandingError:
    return PromptUnderstandingError(
        f"{what} The patches on this MODEL are: {pass_of(options).neighbours}. Remove that one, or go without our "
        "guidance, edits, heat maps and Structured Diffusion on this MODEL."
    )
