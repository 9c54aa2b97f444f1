"""Text -> CONDITIONING with its parse, and a phrase of it -> its vectors in the whole prompt's places."""

from __future__ import annotations

from typing import Any

from ...prompts import parse_prompt
from ...prompts.noun_phrases import as_written
from ...prompts.pipelines import AUTO
from ..edits.structured import Phrase
from ..errors import PromptUnderstandingError
from ..types import ParsedPrompt, Word
from .conditioning import tag
from .tokens import EncodedText, check_length, read_tokens


def encode_prompt(clip: Any, text: str, parser: str = AUTO) -> tuple[list[Any], ParsedPrompt]:
    """(CONDITIONING, ParsedPrompt) of a text, the first marked with the second.

    Raises PromptUnderstandingError where words cannot be placed in what this text encoder makes.
    """
    conditioning, encoded = _encode(clip, text)
    prompt = parse_prompt(
        text, encoded.tokens, encoded.length, encoded.encoder, parser, weights=encoded.weights, notes=encoded.notes
    )
    return tag(conditioning, prompt), prompt


def encode_phrase(clip: Any, prompt: ParsedPrompt, phrase: Word) -> Phrase:
    """The phrase encoded alone, with the weights it has in the prompt."""
    text = as_written(prompt, phrase)
    conditioning, encoded = _encode(clip, text)
    if encoded.encoder != prompt.encoder:
        raise PromptUnderstandingError(
            f"The prompt {prompt.text!r} was encoded by {prompt.encoder!r}, but the connected CLIP is "
            f"{encoded.encoder!r}. Connect the CLIP that Encode & Parse Prompt uses."
        )
    own = [token for token in encoded.tokens if token.kind in ("word", "embedding")]
    there = [token for token in prompt.tokens if token.position in phrase.positions]
    if [token.text for token in own] != [token.text for token in there]:
        raise PromptUnderstandingError(
            f"The noun phrase {phrase.text!r} is cut into other pieces alone than in the prompt {prompt.text!r}, so it "
            "cannot be put back in its place. Set it off by spaces, or choose other words with Pick Subjects."
        )
    return Phrase(phrase.text, phrase.positions, conditioning[0][0][0, [token.position for token in own]])


def _encode(clip: Any, text: str) -> tuple[list[Any], EncodedText]:
    encoded = read_tokens(clip, text)
    conditioning = clip.encode_from_tokens_scheduled(clip.tokenize(text))
    check_length(encoded, conditioning[0][0].shape[1], text)
    return conditioning, encoded
