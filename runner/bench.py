"""`run.py bench`: the benchmark lives in `evaluation/bench.py` and runs with the host's Python."""

from __future__ import annotations

import argparse
import subprocess

from .host import ROOT, Host
from .shell import Progress


def bench(host: Host, wanted: argparse.Namespace, progress: Progress) -> int:
    flags = ["--quality"] if wanted.quality else []
    if wanted.cpu is not None:
        flags.append("--cpu" if wanted.cpu else "--gpu")
    progress.say(f"Benchmark on ComfyUI {host.version}.")
    command = [str(host.python), str(ROOT / "evaluation" / "bench.py"), *flags, *wanted.rest]
    return subprocess.run(command, env=host.environment()).returncode
