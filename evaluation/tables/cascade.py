"""The cascade against plain resizing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import machine_line, page, table


def cascade_page(results: Mapping[str, Any], marks: Mapping[str, Any]) -> str:
    plan, ways = results["plan"], results["ways"]
    heads = ["PSNR, dB", "objects right", "subjects present", "objects recognised"]
    names = ("psnr", *heads[1:])
    rows = [[way, *(_with_interval(figures[name], name == "psnr") for name in names)] for way, figures in ways.items()]
    against = [
        [way, *(_against_base(figures[name], name == "psnr") for name in names)]
        for way, figures in ways.items()
        if way.startswith("level")
    ]
    return page(
        "# The Shapes cascade against plain resizing",
        "Made by `python run.py bench -- --only cascade`. 64 x 64 to 128 x 128: bicubic and Lanczos as ComfyUI's "
        "Upscale Image does them, and Super-Resolution Stage with the Shapes upscaler at each noise level, "
        f"{plan['steps']} steps of euler. {plan['pictures']} rendered scenes (PSNR against the true picture of 128 "
        "pixels; share of the objects found again, shape and colour) and as many pictures that the Shapes model made "
        "(share of the prompt's subjects that are there, shape and colour; share of the objects that look like a "
        "known shape). In brackets: 95 % interval.",
        table(["", *heads], rows),
        "Difference from bicubic, picture by picture:",
        table(["", *heads], against),
        f"{machine_line(marks['machine'])}. Weights {marks['weights']}, upscaler {marks['upscaler']}.",
        "![contact sheet](cascade.png)",
    )


def _with_interval(figure: Mapping[str, Any], decibels: bool) -> str:
    if "value" not in figure:
        return "none"
    if decibels:
        return f"{figure['value']:.1f} ({figure['low']:.1f} to {figure['high']:.1f})"
    return f"{figure['value']:.0%} ({figure['low']:.0%} to {figure['high']:.0%})"


def _against_base(figure: Mapping[str, Any], decibels: bool) -> str:
    return _signed(figure["difference"], decibels) if "value" in figure else "none"


def _signed(figure: Mapping[str, Any], decibels: bool) -> str:
    form, unit = ("+.1f", 1) if decibels else ("+.0f", 100)
    value, low, high = (format(unit * figure[key], form) for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"
