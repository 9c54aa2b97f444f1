"""What every loss needs of a prompt, and the sentences for prompts that do not give it."""

from collections.abc import Iterable

from ...errors import PromptUnderstandingError
from ...prompts.types import ParsedPrompt, Word


def need_subjects(technique: str, prompt: ParsedPrompt) -> None:
    """Raises when the parser (or the user's pick) left no subject."""
    if not prompt.subjects:
        raise PromptUnderstandingError(
            f"{technique} needs at least one subject, and none was found in the prompt {prompt.plain!r}. Name a thing "
            "in the prompt, or choose words yourself with Pick Subjects."
        )


def need_tokens(words: Iterable[Word]) -> None:
    """Raises when the encoder gave one of these words no place in its sequence."""
    lost = [word.text for word in words if not word.positions]
    if lost:
        raise PromptUnderstandingError(
            f"The text encoder gave no token to {', '.join(map(repr, lost))}, so nothing can be read for it. Use "
            "another word for it, or leave it out with Pick Subjects."
        )
