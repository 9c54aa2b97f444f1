"""The table of how exactly real images come back, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import machine_line, page, share, table


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
        "from the first row, on the same images, with its 95 % interval. Direct inversion puts the image's own latents "
        "in, so it is exact by construction (100 stands for exact); what counts there is the edit. Seconds are those "
        "of one image; other work on the machine moves them.",
        table(
            ["way", "images", "PSNR, dB", "[difference]", "seconds to find the way", "seconds to sample"],
            [_way(name, way) for name, way in results["ways"].items()],
        ),
        "## Then edited",
        "The colour of one thing changed by Word Swap, on the inverted latent. *Re-sampled* is the edited prompt "
        "from the same latent with nothing else of ours. *Other stayed* and *change outside* as on the page of "
        "Prompt-to-Prompt, compared with the scene itself, so what inversion loses counts too. "
        "Percentages with 95 % Wilson intervals.",
        table(
            ["way", "how", "edit happened", "other stayed", "change outside"],
            [_edit(name, arm, one) for name, way in results["ways"].items() for arm, one in way["edits"].items()],
        ),
    )


def _way(name: str, way: Mapping[str, Any]) -> list[str]:
    level, difference = ("{value:.1f} ({low:.1f} to {high:.1f})", "[{value:+.1f}: {low:+.1f} to {high:+.1f}]")
    seconds = [f"{way[f'seconds to {what}']:.1f}" for what in ("find", "sample")]
    return [name, str(way["images"]), level.format(**way["psnr"]), difference.format(**way["difference"]), *seconds]


def _edit(name: str, arm: str, one: Mapping[str, Any]) -> list[str]:
    return [name, arm, share(one["happened"]), share(one["stayed"]), f"{one['outside']:.1f}"]
