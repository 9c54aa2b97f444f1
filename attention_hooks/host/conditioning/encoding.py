"""Text -> CONDITIONING with its tokens, and a phrase of it -> its vectors in the whole prompt's places."""

from __future__ import annotations

from typing import Any

from ....errors import PromptUnderstandingError
from ....prompts.types import ParsedPrompt, Word
from ...edits.structured import Phrase
from .tokens import EncodedText, Padding, check_length, read_tokens, tokenize


def encode(clip: Any, text: str, padding: Padding | None = None) -> tuple[list[Any], EncodedText]:
    """(CONDITIONING, its tokens) of a text. Raises PromptUnderstandingError where words cannot be placed in it."""
    encoded = read_tokens(clip, text, padding)
    conditioning = clip.encode_from_tokens_scheduled(tokenize(clip, text, padding))
    check_length(encoded, conditioning[0][0].shape[1], text)
    return conditioning, encoded


def encode_phrase(clip: Any, prompt: ParsedPrompt, phrase: Word, text: str) -> Phrase:
    """The phrase encoded alone. `text` is how it is written there: with the weights that it has in the prompt."""
    conditioning, encoded = encode(clip, text)
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
