"""Results as Markdown, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHARES = ("entity neglect", "proper binding", "improper binding", "everything right")
PLAIN = "plain"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(*sections: str) -> str:
    return "\n\n".join(sections) + "\n"


def machine_line(machine: Mapping[str, Any]) -> str:
    return f"{machine['device']} ({machine['system']}), torch {machine['torch']}, ComfyUI {machine['comfyui']}"


def speed_page(results: Mapping[str, Any]) -> str:
    sections = [
        "# What guidance costs",
        "Made by `python run.py bench`. Random weights in SD1.5's shape: right for cost, no pictures.",
    ]
    if "speed" in results:
        sections += [_speed(results["speed"]), _batches(results["speed"])]
    if "memory" in results:
        sections.append(_memory(results["memory"]))
    return page(*sections)


def _speed(speed: Mapping[str, Any]) -> str:
    whole = speed["whole runs"]
    part = f"{whole['guided steps']} of {whole['steps']} steps guided"
    rows = [
        _timed("Attend-and-Excite on 25 of 50 steps ÷ plain, from single steps", speed["guided / plain"], "≤ 1.35"),
        ["the same, counted in floating-point operations", f"{speed['floor']:.2f}", "", ""],
        _timed(f"whole runs, {part}, on a smaller network ({whole['network']}) ÷ plain", whole["guided / plain"]),
        _timed("one guided step ÷ one plain step", speed["guided step / plain step"]),
        _timed("a step with three losses ÷ a step with one", speed["three losses / one"], "≤ 1.05"),
        _timed("Capture Attention on every step ÷ plain", speed["capture / plain"], "≤ 1.05"),
        *_peer_rows(speed["diffusers"]),
    ]
    seconds = ", ".join(f"{name} {value:.2f} s" for name, value in speed["seconds"].items())
    sections = [
        "## Time",
        f"{machine_line(speed['machine'])}; {speed['network']}, batch 1, no refinement, float32 on a CPU and half "
        f"precision on a GPU. Everything was timed in turns in one process, {speed['rounds']} rounds: median of the "
        "rounds' own ratios (smallest to largest). Other work on the machine moves the seconds, and sometimes the "
        "ratios too; ratios of CPU seconds, counted over all threads, are moved less.",
        table(["what", "ratio", "in CPU seconds", "target"], rows),
        *_same_work(speed["diffusers"]),
        f"Median seconds: {seconds}.",
    ]
    return "\n\n".join(sections)


def _timed(what: str, ratio: Mapping[str, float], target: str = "") -> list[str]:
    spread = f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
    return [what, spread, f"{ratio['cpu']:.2f}", target]


def _peer_rows(peer: Mapping[str, Any] | None) -> list[list[str]]:
    if peer is None:
        return [["diffusers ÷ ours", "diffusers is not installed", "", "≥ 1.3"]]
    return [
        _timed("diffusers' pipeline, the same 50 steps ÷ ours", peer["diffusers / ours"], "≥ 1.3"),
        _timed("diffusers' pipeline, one guided step ÷ ours", peer["diffusers / ours, guided step"]),
    ]


def _same_work(peer: Mapping[str, Any] | None) -> list[str]:
    if peer is None:
        return []
    loss, difference = peer["loss"], peer["relative difference of the latent after the step"]
    return [
        f"diffusers {peer['version']}, StableDiffusionAttendAndExcitePipeline, on the same weights, noise and "
        f"embeddings. That it did the same work: its first loss was {loss['diffusers']:.6f}, ours {loss['ours']:.6f}, "
        f"and the latents after that guided step differ by {difference:.1e} of their norm. It takes a gradient "
        "forward on unguided steps too."
    ]


def _batches(speed: Mapping[str, Any]) -> str:
    batches = speed["batches"]
    rows = [_timed(name, value)[:3] for name, value in batches.items() if name != "network"]
    head = f"{batches['network']}; one step's seconds per image ÷ those at batch 1."
    return "\n\n".join(["## Cost per image in a batch", head, table(["step", "ratio", "in CPU seconds"], rows)])


def _memory(memory: Mapping[str, Any]) -> str:
    peaks = memory["MiB above the weights"]
    rows = [[name, f"{peak:.0f} MiB", f"{peak / peaks[PLAIN]:.2f}"] for name, peak in peaks.items()]
    head = (
        f"{machine_line(memory['machine'])}; {memory['network']}, batch 1, one guided step with its sampling step, "
        "each in a process of its own."
    )
    return "\n\n".join(["## Peak memory above the weights", head, table(["what", "peak", "÷ plain"], rows)])


def quality_page(results: Mapping[str, Any]) -> str:
    recipe = results["recipe"]
    return page(
        "# What guidance brings, on the Shapes model",
        "Made by `python run.py bench -- --only quality`. Shapes is this project's own small model: the table proves "
        "the machinery, not what a large model will do.",
        f"{recipe['steps']} steps of {recipe['sampler']} ({recipe['scheduler']}), cfg {recipe['cfg']:g}, "
        f"{recipe['size']}x{recipe['size']} pixels; the same prompts and noise for every method; "
        f"{machine_line(results['machine'])}; weights {results['weights']}.",
        "Percentages of an image's subjects or attributes, averaged over images, with 95 % Wilson intervals; in "
        "brackets the difference from plain, image by image, with its 95 % interval. Time is that of all images "
        "together ÷ plain.",
        *(f"## {name}\n\n{_quality_table(methods)}" for name, methods in results["sets"].items()),
        "## Settings\n\n" + "\n".join(f"- {name}: `{settings}`" for name, settings in results["methods"].items()),
    )


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


def tuning_page(method: str, results: Sequence[Mapping[str, Any]]) -> str:
    """Every trial, in the order in which they were made."""
    settings = ["sampling", "inputs other than the defaults", "weights", "images"]
    head = [*settings, *SHARES, "neglect ÷ plain", "time ÷ plain"]
    return page(
        f"# Looking for settings of {method} on Shapes",
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


def conditioning_page(results: Mapping[str, Any], targets: Mapping[str, float]) -> str:
    rows = [
        _timed(f"{name} ÷ plain", ratio, f"≤ {targets[name]:g}" if name in targets else "")
        for name, ratio in results["ratios"].items()
    ]
    return page(
        "# What Structured and Composable Diffusion cost",
        "Made by `python run.py bench -- --only conditioning`. Random weights in SD1.5's shape: right for cost, no "
        "pictures.",
        f"{machine_line(results['machine'])}; {results['network']}, batch 1, one Euler step each, two noun phrases. "
        f"Everything was timed in turns in one process, {results['rounds']} rounds: median of the rounds' own ratios "
        "(smallest to largest). Ratios of CPU seconds are disturbed less by other work on the machine.",
        table(["what", "ratio", "in CPU seconds", "target"], rows),
    )


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
