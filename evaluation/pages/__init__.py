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
