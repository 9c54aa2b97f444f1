"""Which entries of the positive conditioning belong to a parsed prompt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ....errors import PromptUnderstandingError
from ....prompts.types import ParsedPrompt
from .marks import LENGTH_KEY, PROMPT_KEY, TEXT_KEY

Entry = dict[str, Any]

POSITIVE, NEGATIVE = 0, 1
"""As ComfyUI names rows in `cond_or_uncond`."""


def positive_entries(guider: Any) -> list[Entry]:
    """The positive entries of a run. Raises when the guider has none by that name (dual-CFG guiders)."""
    conds = getattr(guider, "conds", {})
    if "positive" not in conds:
        raise PromptUnderstandingError(
            f"The guider {type(guider).__name__} has no positive conditioning (it has: {', '.join(conds) or 'none'}), "
            "so there is no prompt to guide by. Use KSampler, or SamplerCustomAdvanced with CFGGuider or BasicGuider."
        )
    return conds["positive"]


def entries_of(positive: Sequence[Entry], prompt: ParsedPrompt) -> list[Entry]:
    """Entries made from `prompt`. Raises when the conditioning is of another text, encoder or length.

    A conditioning of another node carries no mark; it is accepted when its length fits.
    """
    marked = [entry for entry in positive if entry.get(PROMPT_KEY)]
    own = [entry for entry in marked if entry[PROMPT_KEY] == prompt.fingerprint]
    if own:
        return [_long_enough(entry, prompt) for entry in own]
    if marked:
        raise PromptUnderstandingError(
            f"Guidance was set up for the prompt {prompt.text!r}, but the sampler's positive conditioning was made "
            f"from {marked[0][TEXT_KEY]!r}{_other_encoder(marked[0], prompt)}. Connect both outputs of the same "
            "Encode & Parse Prompt node."
        )
    fitting = [entry for entry in positive if _length(entry) == prompt.length]
    if fitting:
        return fitting
    lengths = ", ".join(str(_length(entry)) for entry in positive) or "nothing"
    raise PromptUnderstandingError(
        f"The prompt {prompt.text!r} takes {prompt.length} tokens in its encoder, but the sampler's positive "
        f"conditioning has {lengths}. Connect the conditioning of the same Encode & Parse Prompt node."
    )


def of_the_first_prompt(entries: Sequence[Entry]) -> list[Entry]:
    """Those that say what the first one says. Where that carries no mark, those that take turns with it in time, as
    the entries of one text under scheduled LoRA do; another text beside it is another prompt."""
    first = entries[0]
    if first.get(PROMPT_KEY):
        return [entry for entry in entries if entry.get(PROMPT_KEY) == first[PROMPT_KEY]]
    unmarked = [entry for entry in entries[1:] if not entry.get(PROMPT_KEY)]
    return [first, *(entry for entry in unmarked if not _at_one_time(entry, first))]


def _at_one_time(a: Entry, b: Entry) -> bool:
    """Noise levels fall: an entry starts at a high one."""
    later, earlier = (sorted(entry.get(key, default) for entry in (a, b)) for key, default in _TIMES)
    return later[-1] < earlier[0]


_TIMES = (("timestep_end", -math.inf), ("timestep_start", math.inf))


def acts_at(entry: Entry, sigma: Tensor) -> bool:
    """Not outside its timestep range: there ComfyUI would leave a prediction of zeros."""
    now = float(sigma[0])
    return entry.get("timestep_end", -math.inf) <= now <= entry.get("timestep_start", math.inf)


def is_marked(entries: Sequence[Entry]) -> bool:
    """True when the entries say which prompt they were made from."""
    return any(entry.get(PROMPT_KEY) for entry in entries)


def _length(entry: Entry) -> int:
    cross_attn = entry.get("cross_attn")
    return 0 if cross_attn is None else cross_attn.shape[1]


def _long_enough(entry: Entry, prompt: ParsedPrompt) -> Entry:
    # ConditioningConcat lengthens an entry behind our tokens, which keeps their positions; anything shorter does not.
    if _length(entry) < prompt.length:
        raise PromptUnderstandingError(
            f"The conditioning of the prompt {prompt.text!r} was cut to {_length(entry)} of its {prompt.length} "
            "tokens by a node in between. Connect Encode & Parse Prompt to the sampler directly."
        )
    return entry


def _other_encoder(entry: Entry, prompt: ParsedPrompt) -> str:
    if entry[TEXT_KEY] != prompt.text:
        return ""
    return f" by another text encoder ({entry[LENGTH_KEY]} tokens there, {prompt.length} here)"
