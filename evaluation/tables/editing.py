"""The editing results as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import machine_line, page, share, table

KINDS = {
    "colour swap": "*a red circle and a blue star* → *a green circle and a blue star*: there is a circle in green",
    "shape swap": "the shape's word is another one: the new shape in the old colour is there",
    "added phrase": "*a circle and a blue star* → *a red circle and a blue star*: the circle is red",
    "re-weight": "the colour's word at a negative weight: the object has another colour, or is gone",
}


def editing_page(results: Mapping[str, Any], plot: str) -> str:
    recipe, cost = results["recipe"], results["cost"]
    settings = "\n".join(f"- {name}: {_nodes(value)}" for name, value in results["settings"].items())
    return page(
        "# Prompt-to-Prompt on the Shapes model",
        "Made by `python run.py bench -- --only editing`. Shapes is this project's own small model: the table proves "
        "the machinery, not what a large model will do.",
        f"{recipe['steps']} steps of {recipe['sampler']} ({recipe['scheduler']}), cfg {recipe['cfg']:g}, "
        f"{recipe['size']}x{recipe['size']} pixels; {machine_line(results['machine'])}; weights {results['weights']}. "
        "Only sources that show both objects of their prompt, and nothing else, count. *Re-sampled* is the edited "
        "prompt with the source's seed and nothing of ours. Percentages with 95 % Wilson intervals.",
        "\n".join(f"- **{kind}**: {words}." for kind, words in KINDS.items()),
        _table("how", results["kinds"]),
        "*Other stayed*: the object that was not edited has its shape, its colour and, within 2 pixels, its place. "
        "*Change outside*: mean absolute difference from the source, of 255, outside the boxes of the edited object.",
        "## Over tau",
        f"![Word swap over tau]({plot})",
        _table("tau", results["tau"]),
        "Self-attention is kept for half of tau; no local blend.",
        "## Cost",
        f"A source and its edit ÷ a plain batch of two; {cost['network']} in SD1.5's shape, {cost['steps']} steps, "
        f"{cost['rounds']} rounds taken in turns. Target: ≤ 1.15.",
        table(["what", "ratio", "in CPU seconds"], [_cost(name, one) for name, one in cost.items() if "/" in name]),
        f"## Settings\n\n{settings}",
    )


def _table(second: str, kinds: Mapping[str, Any]) -> str:
    """`kinds`: kind of edit -> what the `second` column says -> its summary."""
    rows = [
        [kind, how, str(one["pairs"]), share(one["happened"]), share(one["stayed"]), f"{one['outside']:.1f}"]
        for kind, ways in kinds.items()
        for how, one in ways.items()
    ]
    return table(["edit", second, "pairs", "edit happened", "other stayed", "change outside"], rows)


def _cost(name: str, one: Mapping[str, float]) -> list[str]:
    return [name, f"{one['median']:.2f} ({one['low']:.2f} to {one['high']:.2f})", f"{one['cpu']:.2f}"]


def _nodes(inputs: Mapping[str, Mapping[str, Any]]) -> str:
    return "; ".join(f"{node} `{values}`" for node, values in inputs.items())
