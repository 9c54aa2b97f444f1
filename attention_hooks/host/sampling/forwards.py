"""What a stopped pass must not leave behind, whoever put it there.

Our gradient pass is stopped by an exception, and a sentence of ours may stop any. Other packs change layers inside the
network's forward and put them back without `finally` (as ComfyUI-NAG does), so what is on the layers is written down
before a pass and put back after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

TABLES = ("_modules", "_forward_hooks", "_forward_pre_hooks")


@contextmanager
def forwards_kept(network: nn.Module) -> Iterator[None]:
    """On leaving, also by an exception, every layer has the forward, the hooks and the layers within that it had."""
    before = _states(network)
    try:
        yield
    finally:
        _put_back(before)


@contextmanager
def forwards_kept_when_stopped(network: nn.Module) -> Iterator[None]:
    """For passes that are not ours: one that comes to its end is nobody else's business."""
    before = _states(network)
    try:
        yield
    except BaseException:  # ComfyUI's interrupt is one
        _put_back(before)
        raise


State = tuple[nn.Module, Any, list[dict[Any, Any]]]
"""A layer, its own forward if it has one, and a copy of each of its tables."""


def _states(network: nn.Module) -> list[State]:
    return [
        (layer, vars(layer).get("forward"), [dict(vars(layer)[name]) for name in TABLES]) for layer in network.modules()
    ]


def _put_back(states: list[State]) -> None:
    for layer, forward, tables in states:
        if forward is not None:
            layer.forward = forward
        else:
            vars(layer).pop("forward", None)
        for name, table in zip(TABLES, tables, strict=True):
            now = vars(layer)[name]
            if now != table:
                now.clear()
                now.update(table)
