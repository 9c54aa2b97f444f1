"""Who else has a hand in the attention of this MODEL: met when a run starts, told in its report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..attention.attention_call import OVERRIDE, preferred_attention
from ..sampling.neighbours import name_of
from ..sampling.part import Part, Parts, RunStart


def others_part(start: RunStart, earlier: Parts) -> Part | None:
    start.record.notes.extend(_met(start.model.diffusion_model, start.model_options))
    return None


def _met(network: Any, model_options: dict[str, Any]) -> Iterator[str]:
    other = model_options.get("transformer_options", {}).get(OVERRIDE)
    if other is not None:
        yield (
            f"Another pack attends in this MODEL ({name_of(other)}). It is asked first at every layer, and edits are "
            "added to what it gives; gradients go through ComfyUI's own attention."
        )
    if preferred_attention(network) is not None:
        yield _of_preferred(other)


def _of_preferred(other: Any) -> str:
    if other is not None:
        return f"This checkpoint asks for an attention of its own (INT8); ComfyUI leaves it out for {name_of(other)}."
    return (
        "This checkpoint asks for an attention of its own (INT8). It is kept, except in the rows that an edit changes "
        "and in the passes of guidance, which are therefore slower against plain sampling than with other checkpoints."
    )
