"""How well prompts become boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import machine_line, page, share, table

TITLES = {
    "paper": "The 400 prompts of LLM-grounded Diffusion",
    "own": "Ours: two to eight things, two relations",
}


def layout_plan_page(results: Mapping[str, Any]) -> str:
    sets = results["sets"]
    return page(
        "# Prompts to boxes, without a language model",
        "Made by `python run.py bench -- --only layout-plan`. A prompt passes when every count is exact, every thing "
        "has its colour, every relation and place holds, nothing denied has a box, all boxes lie on the canvas, and "
        "none covers another that it should not. In brackets: 95 % intervals.",
        "Sentences and planner have one author, so expect less on yours. Ours of this table are of another seed than "
        "those that the planner was written with.",
        f"{machine_line(results['machine'])}.",
        *(f"## {TITLES[name]}\n\n{_set(measured)}" for name, measured in sets.items()),
    )


def _set(measured: Mapping[str, Any]) -> str:
    rows = [
        [task, f"{row['prompts']}", share(row)]
        for task, row in sorted(measured["tasks"].items(), key=lambda item: item[0] == "all")
    ]
    seconds = measured["seconds"]
    speed = f"A layout took {seconds['mean']:.2f} s of one core, at most {seconds['most']:.2f} s."
    failed = [f"- {case['prompt']}: {'; '.join(case['wrong'])}" for case in measured["failures"]]
    parts = [table(["task", "prompts", "passed %"], rows), speed]
    return "\n\n".join([*parts, "What failed:", "\n".join(failed)] if failed else parts)
