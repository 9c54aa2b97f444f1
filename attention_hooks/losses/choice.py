"""Which losses suit a prompt, for people who want no theory. The reasons are sentences for the report.

The choice follows what each loss can do: Attend-and-Excite brings back a missing thing, SynGen binds modifiers to their
nouns, A-STAR keeps several things apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...prompts.types import ParsedPrompt
from .checks import need_subjects


@dataclass(frozen=True)
class Choice:
    """A registered loss, and why it was chosen."""

    loss: str
    why: str


def choose(prompt: ParsedPrompt) -> tuple[Choice, ...]:
    """At least one. Raises PromptUnderstandingError when the prompt names no thing."""
    need_subjects("Prompt Guidance", prompt)
    nouns = [subject.noun.text for subject in prompt.subjects]
    described = [subject.text for subject in prompt.subjects if subject.modifiers]
    chosen = [Choice("attend_and_excite", f"Attend-and-Excite, so that {_all(nouns)} {_verb(nouns)} there")]
    if described:
        chosen.append(Choice("syngen", f"SynGen, so that each word stays with its own thing in {_all(described)}"))
    if len(nouns) > 1:
        chosen.append(Choice("a_star", f"A-STAR, so that {_all(nouns)} keep apart"))
    return tuple(chosen)


def _all(names: list[str]) -> str:
    *most, last = map(repr, names)
    return f"{', '.join(most)} and {last}" if most else last


def _verb(names: list[str]) -> str:
    return "are" if len(names) > 1 else "is"
