"""What a stopped pass must not leave behind, whoever put it there.

Our pass is stopped by an exception. Other packs change layers inside the network's forward and put them back without
`finally` (as ComfyUI-NAG does), so what is on the layers is written down before a pass and put back after it.
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
    before = [(layer, _state(layer)) for layer in network.modules()]
    try:
        yield
    finally:
        for layer, state in before:
            _put_back(layer, state)


def _state(layer: nn.Module) -> tuple[Any, list[dict[Any, Any]]]:
    return vars(layer).get("forward"), [dict(vars(layer)[name]) for name in TABLES]


def _put_back(layer: nn.Module, state: tuple[Any, list[dict[Any, Any]]]) -> None:
    forward, tables = state
    if forward is not None:
        layer.forward = forward
    else:
        vars(layer).pop("forward", None)
    for name, table in zip(TABLES, tables, strict=True):
        now = vars(layer)[name]
        if now != table:
            now.clear()
            now.update(table)
