"""What guidance and conditioning cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import machine_line, page, table

PLAIN = "plain"


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
