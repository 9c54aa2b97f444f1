"""Activation checkpointing for the gradient pass: a second forward of most blocks, for much less memory.

Blocks whose attention is not read forget their activations and are run again on the way back. Blocks that are read stay
as they are: the recorder must see them exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint

BLOCKS = ("ResBlock", "BasicTransformerBlock")


@contextmanager
def checkpointed(network: nn.Module, read: set[nn.Module]) -> Iterator[None]:
    """`read`: the cross-attention modules that are recorded."""
    blocks = [m for m in network.modules() if type(m).__name__ in BLOCKS and getattr(m, "attn2", None) not in read]
    try:
        for block in blocks:
            block.forward = _forgetful(block.forward)
        yield
    finally:
        for block in blocks:
            block.__dict__.pop("forward", None)


def _forgetful(forward: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        if "transformer_options" in kwargs:
            # The host writes the current block into this dict as it goes on; the second run must see today's.
            kwargs["transformer_options"] = dict(kwargs["transformer_options"])
        return checkpoint(forward, *args, use_reentrant=False, preserve_rng_state=False, **kwargs)

    return run
