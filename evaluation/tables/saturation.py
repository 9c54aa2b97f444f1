"""Colours under strong guidance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import machine_line, page, table


def saturation_page(results: Mapping[str, Any], picture: str) -> str:
    recipe, rendered = results["recipe"], results["rendered"]
    return page(
        "# Colours under strong guidance, on the Shapes model",
        "Made by `python run.py bench -- --only saturation`. Shapes works on pixels, so this is Imagen's thresholding; "
        "on latent models the node does something else, which no table here shows.",
        f"{results['pictures']} pictures of one coloured shape each, the same prompts and noise for every weight and "
        f"method; {recipe['steps']} steps of {recipe['sampler']} ({recipe['scheduler']}), {recipe['size']}x"
        f"{recipe['size']} pixels; {machine_line(results['machine'])}; weights {results['weights file']}.",
        f"![Clipped values and colour error over the guidance weight]({picture})",
        *(f"## {title}\n\n{note}\n\n{_saturation(results, *columns)}" for title, note, *columns in _measures(rendered)),
    )


def _measures(rendered: Mapping[str, float]) -> list[tuple[str, str, str, float]]:
    return [
        (
            "Clipped values",
            "Per cent of all values at or beyond an end of the range (what an 8-bit picture stores as 0 or 255), with "
            f"95 % intervals. Pictures rendered without a model: {100 * rendered['clipped']:.1f}.",
            "clipped",
            100,
        ),
        (
            "Colour error",
            "Distance of the largest object's paint from the colour asked for, in 8-bit steps (root of the mean square "
            f"over red, green and blue). Rendered: {rendered['colour error']:.1f}.",
            "colour error",
            1,
        ),
        (
            "Colour error against plain",
            "The same, minus that of plain at the same weight, picture by picture: below zero the colours are kept "
            "better.",
            "colour error, difference from plain",
            1,
        ),
        (
            "Shape lost",
            "Per cent of the pictures in which the shape asked for is not seen.",
            "shape lost",
            100,
        ),
    ]


def _saturation(results: Mapping[str, Any], column: str, factor: float) -> str:
    head = ["cfg", *(f"{weight:g}" for weight in results["weights"])]
    rows = [
        [name, *(_scaled(cell, factor) for cell in columns[column])] for name, columns in results["methods"].items()
    ]
    return table(head, rows)


def _scaled(interval: Mapping[str, float], factor: float) -> str:
    return "{:.1f} ({:.1f} to {:.1f})".format(*(factor * interval[end] for end in ("value", "low", "high")))
