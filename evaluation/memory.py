"""Peak memory of a run above what the loaded weights take: each in a process of its own, so that none finds
another's."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch

from . import peer
from .networks import Size
from .steps import Sampling, guided_steps

BENCH = Path(__file__).with_name("bench.py")
MIB = 2**20
SAMPLE_EVERY = 0.005
"""Seconds between two looks at the process."""


def subjects() -> tuple[str, ...]:
    ours = ("plain", "guided", "guided, save_memory")
    return (*ours, "diffusers") if peer.installed() else ours


def measure(size: Size, cpu: bool, say: Callable[[str], None]) -> dict[str, float]:
    """MiB above the weights, by subject."""
    peaks = {}
    for subject in subjects():
        command = [
            sys.executable,
            str(BENCH),
            "--memory-of",
            f"{subject}/{size.channels}/{size.latent}",
            "--cpu" if cpu else "--gpu",
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"Measuring the memory of {subject!r} failed:\n{done.stderr}")
        peaks[subject] = json.loads(done.stdout.splitlines()[-1])
        say(f"memory of {subject}: {peaks[subject]:.0f} MiB above the weights")
    return peaks


def measure_one(what: str) -> float:
    """The work of one such process: `what` is "subject/channels/latent"."""
    subject, channels, latent = what.split("/")
    sampling = Sampling.of(Size(int(channels), int(latent)))
    work = _work(subject, sampling)
    with _peak() as peak:
        work()
    return peak[0] / MIB


def _work(subject: str, sampling: Sampling) -> Callable[[], object]:
    if subject == "diffusers":
        return peer.Peer.of(sampling).run
    if subject == "plain":
        return lambda: sampling.step(sampling.model)
    model = sampling.guided(save_memory="save_memory" in subject)

    def guided_step() -> None:
        sampling.step(model)
        guided_steps(model)

    return guided_step


@contextmanager
def _peak() -> Iterator[list[float]]:
    """A list whose only item is, at the end, the largest number of bytes in use above those at the start."""
    if torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        peak = [0.0]
        yield peak
        peak[0] = float(torch.cuda.max_memory_allocated() - before)
        return
    process, done = psutil.Process(), threading.Event()
    before = process.memory_info().rss
    peak = [0.0]

    def watch() -> None:
        while not done.wait(SAMPLE_EVERY):
            peak[0] = max(peak[0], float(process.memory_info().rss - before))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
