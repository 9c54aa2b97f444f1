"""`run.py test`: runs every tier of tests that this machine can run, and says in words which it left out and why."""

from __future__ import annotations

import shutil
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from . import fits, pipelines
from .host import ROOT, Host
from .server import has_gpu
from .shell import Progress

TESTS = ROOT / "tests"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Tier:
    """Which files pytest gets, and what in this machine stands against running them ("" is nothing)."""

    files: Callable[[], list[Path]]
    obstacle: Callable[[Host], str] = lambda host: ""


def _files(folder: str, pattern: str = "test_*.py") -> list[Path]:
    return sorted((TESTS / folder).rglob(pattern))


def _in_process() -> list[Path]:
    return [file for file in _files("comfy") if not file.name.startswith("test_server")]


def _no_browser(host: Host) -> str:
    if any(shutil.which(name) for name in BROWSERS) and shutil.which("chromedriver"):
        return ""
    return "no Chromium with chromedriver on this machine; on Debian: apt-get install chromium chromium-driver"


def _no_gpu(host: Host) -> str:
    return "" if has_gpu(host) else "the host's torch finds no GPU on this machine"


TIERS = {
    "unit": Tier(lambda: _files("unit")),
    "comfy": Tier(_in_process),
    "server": Tier(lambda: _files("comfy", "test_server*.py")),
    "browser": Tier(lambda: _files("browser"), _no_browser),
    "gpu": Tier(lambda: _files("gpu"), _no_gpu),
}


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped in {self.seconds:.0f} s"


def run_tiers(host: Host, chosen: Sequence[str] | None, rest: Sequence[str], progress: Progress) -> int:
    """0 when something ran and nothing failed."""
    results: dict[str, Tally | str] = {}
    for name in chosen or TIERS:
        results[name] = _run(name, host, rest, progress)
    tallies = {name: result for name, result in results.items() if isinstance(result, Tally)}
    progress.say(f"\nOn ComfyUI {host.version}:")
    for name, result in results.items():
        progress.say(f"  {name:8} {result}" if name in tallies else f"  {name:8} not run: {result}")
    total = sum(tallies.values(), Tally())
    if not total.passed + total.failed:
        progress.say("No test ran.")
        return 1
    progress.say(str(total))
    return 1 if total.failed else 0


def does_it_fit(host: Host, rest: Sequence[str], progress: Progress) -> int:
    """Only what can tell whether the pack works on this ComfyUI, with the answer in words. 0: it does."""
    files = [file for file in TIERS["comfy"].files() if file.stem in fits.PROVES]
    progress.say(f"Trying Prompt Understanding on ComfyUI {host.version}: some minutes, on small networks of its own.")
    # One file that cannot be loaded must not hide what the others would have told.
    tally = _pytest("fits", host, files, ["--continue-on-collection-errors", *rest])
    progress.say("")
    for line in fits.verdict(host, _report(host, "fits")):
        progress.say(line)
    return 0 if tally.passed and not tally.failed else 1


def _run(name: str, host: Host, rest: Sequence[str], progress: Progress) -> Tally | str:
    """A count, or the reason why this tier was left out."""
    tier = TIERS[name]
    files = tier.files()
    reason = tier.obstacle(host) if files else "this checkout has no such tests"
    if reason:
        progress.say(f"\n{name}: not run: {reason}")
        return reason
    progress.say(f"\n{name}: {len(files)} files")
    # Real English pipelines, for the tests of how prompts are read.
    env = {pipelines.VARIABLE: str(pipelines.fetch(host.python, host.home, progress))} if name == "unit" else {}
    return _pytest(name, host, files, rest, env)


def _report(host: Host, name: str) -> Path:
    return host.home / "log" / f"tests-{name}.xml"


def _pytest(
    name: str, host: Host, files: Sequence[Path], rest: Sequence[str], more: Mapping[str, str] | None = None
) -> Tally:
    report = _report(host, name)
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [str(host.python), "-m", "pytest", "-q", f"--rootdir={TESTS}", f"--junitxml={report}", *rest]
    env = {**(more or {}), **host.environment(**({"PU_TEST_GPU": "1"} if name == "gpu" else {}))}
    # The networks of the tests are too small to share out: on a busy machine threads would wait for each other longer
    # than they work, fifty times over.
    env.setdefault("OMP_NUM_THREADS", "1")
    started = time.monotonic()
    code = subprocess.run([*command, *map(str, files)], env=env, cwd=ROOT).returncode
    return count(report, code, time.monotonic() - started)


def count(report: Path, code: int, seconds: float) -> Tally:
    """What pytest's own report says. A run that died without one counts as one failure, never as nothing."""
    try:
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    except (OSError, ElementTree.ParseError):
        return Tally(failed=1, seconds=seconds)
    total, failures, errors, skipped = (sum(int(s.get(k, 0)) for s in suites) for k in _COUNTS)
    failed = failures + errors
    if code not in (0, 5) and not failed:
        failed = 1
    return Tally(max(total - failures - errors - skipped, 0), failed, skipped, seconds)


_COUNTS = ("tests", "failures", "errors", "skipped")
