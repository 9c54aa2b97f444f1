"""Where the text encoder and the parser meet: neither knows of the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..attention_hooks.host.conditioning.encoding import encode
from ..attention_hooks.host.conditioning.marks import tag
from ..attention_hooks.host.conditioning.tokens import Padding, padding_to
from ..prompts import parse_prompt
from ..prompts.pipelines import AUTO
from ..prompts.types import ParsedPrompt


def encode_and_parse(
    clip: Any, text: str, parser: str = AUTO, padding: Padding | None = None
) -> tuple[list[Any], ParsedPrompt]:
    """(CONDITIONING, ParsedPrompt) of a text.

    Raises PromptUnderstandingError where words cannot be placed in what this text encoder makes.
    """
    conditioning, encoded = encode(clip, text, padding)
    prompt = parse_prompt(
        text, encoded.tokens, encoded.length, encoded.encoder, parser, weights=encoded.weights, notes=encoded.notes
    )
    return conditioning, prompt


def encode_alike(clip: Any, texts: Sequence[str], parser: str = AUTO) -> list[tuple[list[Any], ParsedPrompt]]:
    """The same of several texts, padded to the longest by an encoder that does so itself: repeating unlike lengths, as
    CLIP's chunks are, would make thousands of tokens of them, and a joint attention is not indifferent to copies."""
    encoded = [encode_and_parse(clip, text, parser) for text in texts]
    longest = max(prompt.length for _, prompt in encoded)
    for place, text in enumerate(texts):
        missing = longest - encoded[place][1].length
        padding = padding_to(clip, text, missing) if missing else None
        if padding:
            encoded[place] = encode_and_parse(clip, text, parser, padding)
    return encoded


def encode_prompt(clip: Any, text: str, parser: str = AUTO) -> tuple[list[Any], ParsedPrompt]:
    """The same, the first marked with the second."""
    conditioning, prompt = encode_and_parse(clip, text, parser)
    return tag(conditioning, prompt), prompt
