"""The host's Python environment: made in stages, each installed again only when its pins change.

A stage that began and did not end makes the whole environment suspect (pip may have been killed between two files), so
it is made anew; pip's own cache keeps that cheap.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import stamps
from .errors import RunnerError
from .host import CUDA_WHEELS, PYTHONS, TORCH, venv_python
from .shell import Shell

UNFINISHED = "unfinished"
ROOM_NEEDED = {"linux": 7.0, "darwin": 3.0, "win32": 4.0}
"""GB that a fresh environment takes: torch for Linux brings the CUDA libraries along."""


def prepare(venv: Path, shell: Shell) -> None:
    """An environment to add stages to: the one that is there if it is sound, else a new one."""
    if _is_sound(venv):
        return
    check_python(sys.version_info[:2])
    if venv.exists():
        shell.progress.say("  The environment is half-made or out of date; making it anew.")
        shutil.rmtree(venv)
    check_room(venv.parent)
    shell.run("Making a Python environment", [sys.executable, "-m", "venv", venv])
    stamps.write(venv, {"made": "yes"})


def _is_sound(venv: Path) -> bool:
    found = stamps.read(venv)
    if "made" not in found or UNFINISHED in found:
        return False
    # pip cannot exchange torch without leaving CUDA libraries of the old one behind.
    return found.get("torch") in (None, stamps.key(TORCH)) and runs(venv_python(venv))


def check_python(version: tuple[int, ...]) -> None:
    if not PYTHONS[0] <= version[:2] <= PYTHONS[1]:
        oldest, newest = (".".join(map(str, bound)) for bound in PYTHONS)
        raise RunnerError(
            f"The host needs Python {oldest} to {newest}, because torch and ComfyUI publish wheels for those; this is "
            f"Python {version[0]}.{version[1]}. Start run.py with one of them, for example `python3.12 run.py setup`."
        )


def check_room(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / 1e9
    needed = ROOM_NEEDED.get(sys.platform, 7.0)
    if free < needed:
        raise RunnerError(
            f"The host needs about {needed:.0f} GB of disk, but {folder} has {free:.1f} GB free. Make room, or set "
            "PU_HOST_DIR to a folder on a larger disk, then run the same command again."
        )


def runs(python: Path) -> bool:
    try:
        return subprocess.run([str(python), "-c", ""], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install_torch(venv: Path, shell: Shell) -> None:
    _stage(venv, "torch", TORCH, shell, [*TORCH, *_torch_index()])


def install_requirements(venv: Path, name: str, file: Path, shell: Shell) -> None:
    if not file.is_file():
        raise RunnerError(f"{file} is missing, so this clone or download is not complete. Fetch it again.")
    # Keeps pip from exchanging torch for another one while it installs what merely asks for "torch".
    constraints = venv / "constraints.txt"
    constraints.write_text("\n".join(TORCH) + "\n", encoding="utf-8")
    _stage(venv, name, file.read_text(encoding="utf-8"), shell, ["-r", file, "-c", constraints])


def _stage(venv: Path, name: str, pins: object, shell: Shell, arguments: Sequence[object]) -> None:
    found = stamps.read(venv)
    if found.get(name) == stamps.key(pins):
        return
    stamps.write(venv, {**found, UNFINISHED: name})
    shell.run(f"Installing {name}", [*pip(venv_python(venv)), "install", *arguments])
    stamps.write(venv, {**found, name: stamps.key(pins)})


def install_beside(folder: Path, name: str, requirements: Sequence[str], python: Path, shell: Shell) -> None:
    """Puts packages into a folder of their own, for PYTHONPATH: what the environment itself must not get."""
    pins = stamps.key(requirements)
    if stamps.read(folder).get("pins") == pins:
        return
    shutil.rmtree(folder, ignore_errors=True)
    shell.run(f"Installing {name}", [*pip(python), "install", "--target", folder, *requirements])
    stamps.write(folder, {"pins": pins})


def pip(python: Path) -> list[object]:
    return [python, "-m", "pip", "--disable-pip-version-check", "--no-input"]


def _torch_index() -> list[str]:
    """PU_TORCH_INDEX names another source of torch wheels, for example PyTorch's own small CPU-only ones."""
    index = os.environ.get("PU_TORCH_INDEX")
    if not index and sys.platform == "win32" and shutil.which("nvidia-smi"):
        index = CUDA_WHEELS
    return ["--index-url", index] if index else []
