"""A ControlNet in a differentiable pass: what it adds counts as given, and nothing of the pass stays on it."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor


def with_given_control(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry for a differentiable call."""
    control = entry.get("control")
    return entry if control is None else {**entry, "control": _GivenControl(control)}


def control_knows_rows(entry: dict[str, Any]) -> bool:
    """Whether pictures are known to the entry's ControlNets by their row: there is a hint for each of them, or a kind
    of ControlNet that does not say how many hints it has."""
    return any(_hints(control) != 1 for control in _chain(entry.get("control")))


def _chain(control: Any) -> list[Any]:
    return [] if control is None else [control, *_chain(getattr(control, "previous_controlnet", None))]


def _hints(control: Any) -> int:
    hint = getattr(control, "cond_hint_original", None)
    return len(hint) if isinstance(hint, Tensor) else 0


class _GivenControl:
    """Its own network is not differentiated: its weights are shared, and it does not read the words we steer.

    A ControlNet keeps the hint as the last call needed it, cut to that call's rows. So a copy is asked, and forgotten.
    """

    def __init__(self, control: Any) -> None:
        self._control = control

    def __getattr__(self, name: str) -> Any:
        return getattr(self._control, name)

    def get_control(self, x_noisy: Tensor, t: Tensor, cond: Any, batched_number: int, options: Any) -> Any:
        with torch.inference_mode():
            out = _apart(self._control).get_control(x_noisy.detach(), t, cond, batched_number, _own_attention(options))
        return None if out is None else {k: [None if x is None else x.clone() for x in v] for k, v in out.items()}


def _apart(control: Any) -> Any:
    own = copy.copy(control)
    if getattr(own, "previous_controlnet", None) is not None:
        own.previous_controlnet = _apart(own.previous_controlnet)
    return own


def _own_attention(options: Any) -> Any:
    """Without the attention of a differentiable pass: this one is not differentiated."""
    return {name: value for name, value in options.items() if name != "optimized_attention_override"}
