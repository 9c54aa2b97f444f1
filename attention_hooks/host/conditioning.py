"""What Encode & Parse Prompt writes beside the tensor of a CONDITIONING. Unknown keys survive ComfyUI's own nodes."""

from __future__ import annotations

from typing import Any

from ..edits.prompt_edit import PromptEdit
from ..types import ParsedPrompt

PROMPT_KEY = "pu_prompt"
"""Fingerprint of the ParsedPrompt."""
TEXT_KEY = "pu_text"
LENGTH_KEY = "pu_length"
"""Token count when it was made: after ConditioningConcat the tensor is longer than the text."""

EDIT_KEY = "pu_edit"
"""Fingerprint of the PromptEdit whose source and edited prompts are the rows of the tensor."""


def tag(conditioning: list[Any], prompt: ParsedPrompt) -> list[Any]:
    """A copy of a CONDITIONING whose entries say which prompt they are."""
    marks = {PROMPT_KEY: prompt.fingerprint, TEXT_KEY: prompt.text, LENGTH_KEY: prompt.length}
    return _marked(conditioning, marks)


def tag_edit(conditioning: list[Any], edit: PromptEdit) -> list[Any]:
    """A copy that says which source and edits its rows are. To guidance it is a conditioning of the source."""
    return _marked(tag(conditioning, edit.source), {EDIT_KEY: edit.fingerprint})


def _marked(conditioning: list[Any], marks: dict[str, Any]) -> list[Any]:
    return [[tensor, {**options, **marks}] for tensor, options in conditioning]
