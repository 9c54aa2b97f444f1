"""Around every model call of a run, for networks whose attention has no list of patches to join."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from comfy.patcher_extension import WrappersMP
from torch import Tensor

KEY = "prompt_understanding_calls"

Options = dict[str, Any]
Handler = Callable[[Tensor, Tensor, Options], AbstractContextManager[Options]]
"""(latent [batch C H W], context [batch tokens channels], options of the call) -> the options to call with."""


def around_each_call(transformer_options: Options, handler: Handler) -> None:
    """Enter `handler` for the length of every model call that has a context and is made with these options."""

    def apply_model(
        executor: Any, x: Tensor, t: Tensor, concat: Any, context: Any, control: Any, options: Options, **kwargs: Any
    ) -> Tensor:
        if context is None:
            return executor(x, t, concat, context, control, options, **kwargs)
        with handler(x, context, options) as options:
            return executor(x, t, concat, context, control, options, **kwargs)

    # Fresh dictionaries: the nested ones may be the MODEL's own.
    wrappers = transformer_options.get("wrappers", {})
    calls = wrappers.get(WrappersMP.APPLY_MODEL, {})
    own = {KEY: [*calls.get(KEY, []), apply_model]}
    transformer_options["wrappers"] = {**wrappers, WrappersMP.APPLY_MODEL: {**calls, **own}}
