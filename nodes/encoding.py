"""Where the text encoder and the parser meet: neither knows of the other."""

from __future__ import annotations

from typing import Any

from ..attention_hooks.host.conditioning.encoding import encode
from ..attention_hooks.host.conditioning.marks import tag
from ..prompts import parse_prompt
from ..prompts.pipelines import AUTO
from ..prompts.types import ParsedPrompt


def encode_and_parse(clip: Any, text: str, parser: str = AUTO) -> tuple[list[Any], ParsedPrompt]:
    """(CONDITIONING, ParsedPrompt) of a text.

    Raises PromptUnderstandingError where words cannot be placed in what this text encoder makes.
    """
    conditioning, encoded = encode(clip, text)
    prompt = parse_prompt(
        text, encoded.tokens, encoded.length, encoded.encoder, parser, weights=encoded.weights, notes=encoded.notes
    )
    return conditioning, prompt


def encode_prompt(clip: Any, text: str, parser: str = AUTO) -> tuple[list[Any], ParsedPrompt]:
    """The same, the first marked with the second."""
    conditioning, prompt = encode_and_parse(clip, text, parser)
    return tag(conditioning, prompt), prompt
