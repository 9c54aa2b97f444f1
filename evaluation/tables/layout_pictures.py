"""How well layouts become pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import machine_line, page, share, table


def layout_pictures_page(results: Mapping[str, Any]) -> str:
    recipe, measured = results["recipe"], results["measured"]
    return page(
        "# From a prompt to a layout to the picture, on Small World",
        "Made by `python run.py bench -- --only layout`. It is this project's own small model: the table proves the "
        "machinery, not what a large model will do.",
        f"{recipe['steps']} steps of {recipe['sampler']} ({recipe['scheduler']}), cfg {recipe['cfg']:g}, "
        f"{recipe['size']}x{recipe['size']} pixels; {measured['pictures']} prompts, each with the same noise for every "
        f"arm; {machine_line(results['machine'])}; weights {results['weights']}.",
        "The four tasks of LLM-grounded Diffusion in Small World's words; boxes by Plan Layout, no language model, "
        "none smaller than Small World can draw. Percentages of pictures that pass as the detector sees them, with "
        "95 % Wilson intervals; in brackets the difference from plain, picture by picture.",
        _tasks(measured["tasks"]),
        "## Time ÷ plain, by the number of objects\n\nPlanning included. Objects are drawn half-way (`until` 0.5).\n\n"
        + _times(measured["times"]),
    )


def _tasks(tasks: Mapping[str, Mapping[str, Any]]) -> str:
    arms = list(next(iter(tasks.values())))
    return table(["task", *arms], [[task, *(_cell(cells[arm]) for arm in arms)] for task, cells in tasks.items()])


def _cell(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return ""
    difference = cell["difference"]["value"]
    return f"{share(cell)}{f' [{100 * difference:+.1f}]' if difference else ''} of {cell['pictures']}"


def _times(times: Mapping[str, Mapping[str, float]]) -> str:
    counts = sorted({count for of in times.values() for count in of}, key=int)
    rows = [[arm, *(f"{of[count]:.1f}" if count in of else "" for count in counts)] for arm, of in times.items()]
    return table(["arm", *(f"{count} objects" for count in counts)], rows)
