"""What Encode & Parse Prompt writes beside the tensor of a CONDITIONING. Unknown keys survive ComfyUI's own nodes."""

from __future__ import annotations

from typing import Any

from ..types import ParsedPrompt

PROMPT_KEY = "pu_prompt"
"""Fingerprint of the ParsedPrompt."""
TEXT_KEY = "pu_text"
LENGTH_KEY = "pu_length"
"""Token count when it was made: after ConditioningConcat the tensor is longer than the text."""


def tag(conditioning: list[Any], prompt: ParsedPrompt) -> list[Any]:
    """A copy of a CONDITIONING whose entries say which prompt they are."""
    marks = {PROMPT_KEY: prompt.fingerprint, TEXT_KEY: prompt.text, LENGTH_KEY: prompt.length}
    return [[tensor, {**options, **marks}] for tensor, options in conditioning]
