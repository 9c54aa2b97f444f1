"""Tokens as a tokenizer would make them, one word one piece, for tests that need no real one."""

from __future__ import annotations

import re

from pack.prompts import parse_prompt
from pack.prompts.brackets import read_brackets
from pack.prompts.types import ParsedPrompt, Token


def tokens(text: str, length: int = 77) -> tuple[Token, ...]:
    pieces = re.findall(r"\w+|[^\w\s]", read_brackets(text).plain)
    found = [Token(0, "", "start"), *(Token(i, piece.lower(), "word") for i, piece in enumerate(pieces, 1))]
    found.append(Token(len(found), "", "end"))
    return (*found, *(Token(i, "", "pad") for i in range(len(found), length)))


def parse(text: str, length: int = 77) -> ParsedPrompt:
    return parse_prompt(text, tokens(text, length), length, "l", "bundled")


def groups(prompt: ParsedPrompt) -> list[str]:
    """ "2 big dog": count, modifiers, noun; "?" where the prompt gives no count."""
    return [f"{subject.count or '?'} {subject.text}" for subject in prompt.subjects]
