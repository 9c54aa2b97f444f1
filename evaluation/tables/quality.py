"""What guidance brings, and how its settings were looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import machine_line, page, table

SHARES = ("entity neglect", "proper binding", "improper binding", "everything right")
PLAIN = "plain"


def quality_page(results: Mapping[str, Any]) -> str:
    recipe = results["recipe"]
    return page(
        f"# What guidance brings, on {results['world']}",
        "Made by `python run.py bench -- --only quality`. It is this project's own small model: the table proves the "
        "machinery, not what a large model will do.",
        f"{recipe['steps']} steps of {recipe['sampler']} ({recipe['scheduler']}), cfg {recipe['cfg']:g}, "
        f"{recipe['size']}x{recipe['size']} pixels; {_prompts(*results['prompts'])}, the same noise for every method; "
        f"{machine_line(results['machine'])}; weights {results['weights']}.",
        "Percentages of an image's subjects or attributes, averaged over images, with 95 % Wilson intervals; in "
        "brackets the difference from plain, image by image, with its 95 % interval. Time is an image's ÷ that of the "
        "plain one, the median over images; it holds for methods of one run, which take turns. A method that a later "
        "run has added was not timed in turns with plain: its pictures count, its time does not.",
        *(f"## {name}\n\n{_quality_table(methods)}" for name, methods in results["sets"].items()),
        "## Settings\n\n" + "\n".join(f"- {name}: `{settings}`" for name, settings in results["methods"].items()),
    )


def _prompts(some: int, every: int) -> str:
    return f"{every} prompts" if some == every else f"the first {some} of {every} prompts, the sets taken in turns"


def _quality_table(methods: Mapping[str, Any]) -> str:
    columns = [column for column in SHARES if column in methods[PLAIN]]
    head = ["method", "images", *columns, "neglect ÷ plain", "time ÷ plain"]
    return table(head, [_method(name, summary, columns) for name, summary in methods.items()])


def _method(name: str, summary: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    ratio = summary["neglect / plain"]
    compared = "1" if name == PLAIN else f"{ratio['value']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
    shares = [_share(summary[column], alone=name == PLAIN) for column in columns]
    return [name, str(summary["images"]), *shares, compared, f"{summary['seconds / plain']:.2f}"]


def _share(cell: Mapping[str, Any], alone: bool) -> str:
    text = "{:.1f} ({:.1f} to {:.1f})".format(*_percents(cell))
    return text if alone else "{} [{:+.1f}: {:+.1f} to {:+.1f}]".format(text, *_percents(cell["difference"]))


def _percents(interval: Mapping[str, float]) -> list[float]:
    return [100 * interval[name] for name in ("value", "low", "high")]


def tuning_page(method: str, world: str, results: Sequence[Mapping[str, Any]]) -> str:
    """Every trial, in the order in which they were made."""
    settings = ["sampling", "inputs other than the defaults", "weights", "images"]
    head = [*settings, *SHARES, "neglect ÷ plain", "time ÷ plain"]
    return page(
        f"# Looking for settings of {method} on {world}",
        "Made by `python run.py bench -- --only tuning`, on noise that the final table does not use. Percentages, "
        "plain → guided. Small samples: differences of a few points are chance. Time was taken on a machine that did "
        "other work as well, and plain may have been timed in an earlier trial.",
        table(head, [_trial(result) for result in results]),
    )


def _trial(result: Mapping[str, Any]) -> list[str]:
    recipe, guided, plain = result["recipe"], result["guided"], result["plain"]
    inputs = "; ".join(f"{name}={value}" for _, changes in result["nodes"] for name, value in changes.items()) or "none"
    changes = [_change(plain.get(column), guided.get(column)) for column in SHARES]
    sampling = f"{recipe['steps']} {recipe['sampler']}/{recipe['scheduler']}, cfg {recipe['cfg']:g}"
    ratios = [f"{guided['neglect / plain']['value']:.2f}", f"{guided['seconds / plain']:.2f}"]
    return [sampling, inputs, result["weights"][:6], str(guided["images"]), *changes, *ratios]


def _change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    return f"{100 * before['value']:.1f} → {100 * after['value']:.1f}" if before and after else ""
