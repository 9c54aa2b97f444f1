"""What Encode & Parse Prompt writes beside the tensor of a CONDITIONING. Unknown keys survive ComfyUI's own nodes."""

from __future__ import annotations

from typing import Any

from ....prompts.types import ParsedPrompt
from ...edits.prompt_edit import PromptEdit

PROMPT_KEY = "pu_prompt"
"""Fingerprint of the ParsedPrompt."""
TEXT_KEY = "pu_text"
LENGTH_KEY = "pu_length"
"""Token count when it was made: after ConditioningConcat the tensor is longer than the text."""

EDIT_KEY = "pu_edit"
"""Fingerprint of the PromptEdit whose source and edited prompts are the rows of the tensor."""
ROWS_KEY = "pu_rows"
"""Fingerprints of these prompts, row by row."""


def tag(conditioning: list[Any], prompt: ParsedPrompt) -> list[Any]:
    """A copy of a CONDITIONING whose entries say which prompt they are."""
    marks = {PROMPT_KEY: prompt.fingerprint, TEXT_KEY: prompt.text, LENGTH_KEY: prompt.length}
    return _marked(conditioning, marks)


def tag_edit(conditioning: list[Any], edit: PromptEdit) -> list[Any]:
    """A copy that says which source and edits its rows are. To guidance it is a conditioning of the source."""
    rows = tuple(prompt.fingerprint for prompt in edit.prompts)
    return _marked(tag(conditioning, edit.source), {EDIT_KEY: edit.fingerprint, ROWS_KEY: rows})


def fingerprints_of(options: dict[str, Any]) -> tuple[str, ...]:
    """Of the prompts that an entry says; empty where it carries no mark."""
    own = options.get(PROMPT_KEY)
    return options.get(ROWS_KEY, (own,) if own else ())


def source_only(conditioning: list[Any]) -> list[Any]:
    """Of what Encode Edit made, the source's row: an image that is inverted shows none of the edits yet."""
    return [
        [tensor[:1], _of_source(options)] if EDIT_KEY in options else [tensor, options]
        for tensor, options in conditioning
    ]


def _of_source(options: dict[str, Any]) -> dict[str, Any]:
    pooled = options.get("pooled_output")
    first = {} if pooled is None else {"pooled_output": pooled[:1]}
    return {name: value for name, value in options.items() if name not in (EDIT_KEY, ROWS_KEY)} | first


def _marked(conditioning: list[Any], marks: dict[str, Any]) -> list[Any]:
    return [[tensor, {**options, **marks}] for tensor, options in conditioning]
