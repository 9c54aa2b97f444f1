"""Results as Markdown, for people: a file for each part of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(*sections: str) -> str:
    return "\n\n".join(sections) + "\n"


def machine_line(machine: Mapping[str, Any]) -> str:
    return f"{machine['device']} ({machine['system']}), torch {machine['torch']}, ComfyUI {machine['comfyui']}"


def share(one: Mapping[str, float]) -> str:
    """A share with its interval, in per cent."""
    return f"{100 * one['value']:.1f} ({100 * one['low']:.1f} to {100 * one['high']:.1f})"
