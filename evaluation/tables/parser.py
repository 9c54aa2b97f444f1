"""How well prompts are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import machine_line, page, table

TITLES = {
    "seen": "Seen while the rules were made",
    "set_aside": "Set aside at first, seen since",
    "fresh": "Fresh: labelled before any rule was read, then only counted (but for four sentences that were tried "
    "alone)",
}


def parser_page(results: Mapping[str, Any]) -> str:
    pipelines = results["pipelines"]
    halves = next(iter(pipelines.values())) if pipelines else {}
    return page(
        "# Reading prompts",
        "Made by `python run.py bench -- --only parser`. Exact: all subjects with all their words, no others, and what "
        "is denied. Precision and recall count subjects with their words.",
        f"{machine_line(results['machine'])}; {results['auto']} is what `auto` takes here.",
        *(f"## {TITLES[half]}\n\n{_half(pipelines, half)}" for half in reversed(list(halves))),
    )


def _half(pipelines: Mapping[str, Any], half: str) -> str:
    rows = [
        [name, kind, f"{score['prompts']}", f"{100 * score['exact']:.0f}", f"{100 * score['precision']:.1f}",
         f"{100 * score['recall']:.1f}", f"{score['sure_and_exact']} of {score['sure']}",
         f"{score['milliseconds']:.1f}"]
        for name, halves in pipelines.items() for kind, score in halves[half].items()
    ]  # fmt: skip
    head = ["pipeline", "kind", "prompts", "exact %", "precision %", "recall %", "exact where sure", "CPU ms a prompt"]
    return table(head, rows)
