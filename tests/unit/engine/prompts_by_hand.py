"""Prompts and maps small enough to work out on paper."""

import torch
from pack.attention_hooks.types import TokenMaps
from pack.prompts.types import ParsedPrompt, Subject, Token, TokenSpan, Word


def word(*positions: int) -> Word:
    return Word(f"w{positions}", 0, 1, tuple(TokenSpan("w", i, i + 1) for i in positions))


def subject(noun: tuple[int, ...], *modifiers: tuple[int, ...]) -> Subject:
    return Subject(word(*noun), tuple(word(*m) for m in modifiers))


def prompt(*subjects: Subject, words: int) -> ParsedPrompt:
    """Start mark at 0, words from 1, end mark, one padding position."""
    kinds = ["start", *["word"] * words, "end", "pad"]
    tokens = tuple(Token(i, kind, kind) for i, kind in enumerate(kinds))
    return ParsedPrompt("p", "p", "l", len(tokens), tokens, (), subjects)


def maps(*rows: list[float], previous: list[list[float]] | None = None, hw: tuple[int, int] = (1, 2)) -> TokenMaps:
    """Rows are the maps of words 1, 2, …; start, end and padding look at nothing."""

    def laid_out(values) -> torch.Tensor:
        zero = [0.0] * (hw[0] * hw[1])
        return torch.tensor([zero, *values, zero, zero], dtype=torch.float64).view(-1, *hw)

    return TokenMaps(laid_out(rows), None if previous is None else laid_out(previous))
