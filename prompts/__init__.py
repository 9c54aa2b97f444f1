"""Text -> ParsedPrompt. Pure: knows spaCy, knows no ComfyUI."""

from .parse import parse_prompt, read_prompt
from .report import report
from .words import find_words, pick_subjects

__all__ = ["find_words", "parse_prompt", "pick_subjects", "read_prompt", "report"]
