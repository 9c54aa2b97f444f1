"""Looks for settings of a method on Shapes: every combination of the values asked for, on noise the final table never
uses."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from . import quality
from .methods import PLAIN, Method
from .quality import Job, Pipeline, Say
from .worlds import Recipe

TUNING_SEED = 1_000
SEPARATOR = "|"


def parse(wishes: Sequence[str]) -> dict[str, list[Any]]:
    """ "step_size=5|10" -> {"step_size": [5.0, 10.0]}. Numbers become numbers, true and false booleans."""
    choices = {}
    for wish in wishes:
        name, found, values = wish.partition("=")
        if not found:
            raise SystemExit(
                f"--tune takes NAME=VALUE{SEPARATOR}VALUE, such as step_size=5{SEPARATOR}10; this was {wish!r}."
            )
        choices[name.strip()] = [_value(text.strip()) for text in values.split(SEPARATOR)]
    return choices


def _value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def trials(base: Method, recipe: Recipe, choices: Mapping[str, Sequence[Any]]) -> Iterator[tuple[Recipe, Method]]:
    """Names of the recipe (cfg, steps, …) change the sampling, plain's too; others are inputs of the method's last
    node."""
    of_recipe = {field.name for field in fields(Recipe)}
    for values in itertools.product(*choices.values()):
        wanted = dict(zip(choices, values, strict=True))
        sampling = replace(recipe, **{k: v for k, v in wanted.items() if k in of_recipe})
        *first, (node_id, inputs) = base.nodes
        changed = {**inputs, **{k: v for k, v in wanted.items() if k not in of_recipe}}
        yield sampling, Method((*first, (node_id, changed)))


def sweep(
    pipeline: Pipeline,
    base: Method,
    choices: Mapping[str, Sequence[Any]],
    work: Sequence[Job],
    folder: Path,
    weights: str,
    say: Say,
) -> Iterator[dict[str, Any]]:
    """One entry a trial: its settings and its summary over all sets beside plain's at the same recipe."""
    for recipe, method in trials(base, pipeline.recipe, choices):
        own = replace(pipeline, recipe=recipe)
        say(f"{asdict(recipe)} {method.key}")
        name = _mark(method.key)
        rows = quality.run(own, {PLAIN: Method(), name: method}, work, folder / _mark(repr(recipe)), weights, say)
        summary = quality.summarise(rows)["all"]
        entry = {
            "recipe": asdict(recipe),
            "nodes": method.nodes,
            "weights": weights,
            "guided": summary[name],
            "plain": summary[PLAIN],
        }
        say(line(entry))
        yield entry


def line(entry: Mapping[str, Any]) -> str:
    """One trial in one line, for the terminal."""
    guided, plain = entry["guided"], entry["plain"]
    shares = ", ".join(
        f"{c} {100 * plain[c]['value']:.1f} -> {100 * guided[c]['value']:.1f}" for c in quality.COLUMNS if c in plain
    )
    return f"  {shares}; neglect x{guided['neglect / plain']['value']:.2f}, time x{guided['seconds / plain']:.2f}"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
