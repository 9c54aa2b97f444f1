"""What was understood, as text for the node: subjects first, then every token with its position."""

from __future__ import annotations

from collections.abc import Iterator

from .spans import readable
from .types import ParsedPrompt, Subject, Token, Word


def report(prompt: ParsedPrompt, parsed: ParsedPrompt | None = None) -> str:
    """Several lines; the last part lists all tokens but padding. `parsed` is what the parser found where `prompt` was
    picked by hand."""
    found = [*_subjects(prompt), *_relations(prompt), *_left_out(prompt), *_doubts(prompt), *_notes(prompt)]
    before = _found_before(parsed) if parsed else ()
    return "\n".join([*_head(prompt), *before, "", *found, "", *_tokens(prompt)])


def _found_before(parsed: ParsedPrompt) -> Iterator[str]:
    subjects = ", ".join(subject.text for subject in parsed.subjects) or "nothing"
    denied = ", ".join(subject.text for subject in parsed.excluded)
    yield f"The parser had found: {subjects}{f'; denied: {denied}' if denied else ''}. '*' takes all of it."


def _head(prompt: ParsedPrompt) -> Iterator[str]:
    yield f"Parser: {prompt.parser}. Text encoder: {prompt.encoder}, {prompt.length} positions."


def _subjects(prompt: ParsedPrompt) -> Iterator[str]:
    yield f"Subjects: {len(prompt.subjects) or 'none'}"
    for number, subject in enumerate(prompt.subjects, 1):
        yield f"  {number}. {_subject(subject)}"


def _subject(subject: Subject) -> str:
    noun = f"{subject.noun.text} {_at(subject.noun)}"
    modifiers = ", ".join(f"{word.text} {_at(word)}" for word in subject.modifiers)
    count = f" × {subject.count}" if subject.count and subject.count > 1 else ""
    return f"{noun}{count}" + (f" — {modifiers}" if modifiers else "")


def _at(word: Word) -> str:
    runs = [f"{span.start}" if span.stop - span.start == 1 else f"{span.start}–{span.stop - 1}" for span in word.spans]
    return f"[{', '.join(runs) or 'no token'}]"


def _relations(prompt: ParsedPrompt) -> Iterator[str]:
    for kind, subject, object_ in prompt.relations:
        yield f"  {prompt.subjects[subject].noun.text} {kind} {prompt.subjects[object_].noun.text}"
    for subject, where in prompt.places:
        depth = where in ("foreground", "background")
        yield f"  {prompt.subjects[subject].noun.text} {'in' if depth else 'at'} the {where} of the picture"


def _left_out(prompt: ParsedPrompt) -> Iterator[str]:
    denied = [f"{subject.text} (the prompt says without it)" for subject in prompt.excluded]
    others = [f"{text} ({reason})" for text, reason in prompt.left_out]
    if denied or others:
        yield f"Left out: {', '.join(dict.fromkeys([*denied, *others]))}"


def _doubts(prompt: ParsedPrompt) -> Iterator[str]:
    if prompt.unsure and prompt.subjects:
        yield f"Not sure of: {', '.join(prompt.unsure)}. Check the subjects; Pick Subjects corrects them."


def _notes(prompt: ParsedPrompt) -> Iterator[str]:
    for note in prompt.notes:
        yield f"Note: {note}"


def _tokens(prompt: ParsedPrompt) -> Iterator[str]:
    yield "Tokens (position: piece):"
    line: list[str] = []
    for token in prompt.tokens:
        if token.kind == "pad":
            continue
        line.append(f"{token.position}: {_piece(token)}")
        if len(line) == 8:
            yield "  " + "   ".join(line)
            line = []
    if line:
        yield "  " + "   ".join(line)


def _piece(token: Token) -> str:
    text = {"start": "<start>", "end": "<end>"}.get(token.kind) or readable(token.text) or "·"
    return text if token.weight == 1.0 else f"{text} ({token.weight:g})"
