"""The table of how exactly real images come back, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import machine_line, page, table


def inversion_page(results: Mapping[str, Any]) -> str:
    recipe = results["recipe"]
    return page(
        "# Real images: how exactly they come back, on the Shapes model",
        "Made by `python run.py bench -- --only inversion`. Shapes is this project's own small model, and its rendered "
        "scenes stand for real images; a large model and photographs will give other decibels.",
        f"Scenes of two things with their true captions, inverted and sampled again: {recipe['steps']} steps "
        f"of {recipe['sampler']} ({recipe['scheduler']}), cfg {recipe['cfg']:g} where nothing else is said, "
        f"{recipe['size']}x{recipe['size']} pixels, in batches of {results['batch']}; "
        f"{machine_line(results['machine'])}; weights {results['weights']}.",
        "PSNR against the scene in decibels, mean over the images with its 95 % interval; in brackets the difference "
        "from the first row, on the same images, with its 95 % interval. Seconds are those of one image; other work on "
        "the machine moves them.",
        table(
            ["way", "images", "PSNR, dB", "[difference]", "seconds to find the way", "seconds to sample"],
            [_way(name, way) for name, way in results["ways"].items()],
        ),
    )


def _way(name: str, way: Mapping[str, Any]) -> list[str]:
    level, difference = ("{value:.1f} ({low:.1f} to {high:.1f})", "[{value:+.1f}: {low:+.1f} to {high:+.1f}]")
    seconds = [f"{way[f'seconds to {what}']:.1f}" for what in ("find", "sample")]
    return [name, str(way["images"]), level.format(**way["psnr"]), difference.format(**way["difference"]), *seconds]
