"""`run.py setup`: makes a ComfyUI host once, again only where its pins changed; or borrows a ComfyUI of the user's."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from . import environment, source, stamps
from .errors import RunnerError
from .host import HOSTS, NEWEST, ROOT, Host, Release, home_folder, venv_python
from .links import link_pack
from .lock import locked
from .shell import Progress, Shell

TEST_TOOLS = ROOT / "tests" / "requirements.txt"
BENCH_TOOLS = ROOT / "evaluation" / "requirements-bench.txt"


@dataclass(frozen=True)
class Wish:
    """What the person asked for on the command line."""

    comfyui: Path | None = None
    """Their own ComfyUI; None makes one of ours."""
    python: Path | None = None
    version: str = NEWEST
    tests: bool = False
    """Also install what the tests need."""
    bench: bool = False
    """Also install what the benchmark compares with; a borrowed ComfyUI is spared that."""


def set_up(wish: Wish, progress: Progress, shell: Shell | None = None, home: Path | None = None) -> Host:
    """A host that is ready to run; quick when nothing changed. Raises RunnerError in plain sentences."""
    home = home or home_folder()
    shell = shell or Shell(home / "log" / "setup.log", progress)
    with locked(home / "lock", progress.say):
        host = _borrow(wish, shell, home) if wish.comfyui else _make(wish, shell, home)
        link_pack(host.base)
    return host


def _make(wish: Wish, shell: Shell, home: Path) -> Host:
    release = _release(wish.version)
    venv = home / "venv"
    python = venv_python(venv)
    environment.prepare(venv, shell)
    newest = source.comfyui(HOSTS[NEWEST], python, shell, home)
    environment.install_torch(venv, shell)
    environment.install_requirements(venv, "ComfyUI's requirements", newest / "requirements.txt", shell)
    environment.install_requirements(venv, "the pack's requirements", ROOT / "requirements.txt", shell)
    if wish.tests:
        environment.install_requirements(venv, "the test tools", TEST_TOOLS, shell)
    if wish.bench:
        environment.install_requirements(venv, "what the benchmark compares with", BENCH_TOOLS, shell)
    host = Host(NEWEST, newest, python, home)
    return host if release.comfyui == NEWEST else _older(release, host, shell)


def _older(release: Release, newest: Host, shell: Shell) -> Host:
    folder = source.comfyui(release, newest.python, shell, newest.home)
    packages = source.overlay(release, folder, newest.comfyui, newest.python, shell, newest.home)
    return replace(newest, version=release.comfyui, comfyui=folder, packages=(packages,))


def _release(version: str) -> Release:
    if version not in HOSTS:
        raise RunnerError(f"ComfyUI {version} is not among the versions this project pins: {', '.join(HOSTS)}.")
    return HOSTS[version]


def _borrow(wish: Wish, shell: Shell, home: Path) -> Host:
    assert wish.comfyui
    folder = wish.comfyui.expanduser().resolve()
    if not (folder / "main.py").is_file() or not (folder / "comfy").is_dir():
        raise RunnerError(
            f"{folder} is not a ComfyUI folder: it has no main.py beside a folder comfy. Give the folder that holds "
            "them with --comfyui or COMFYUI_PATH; give none, and a host of our own is made."
        )
    python = wish.python or python_beside(folder)
    if not environment.runs(python):
        raise RunnerError(f"The Python of that ComfyUI does not start: {python}. Name another one with --python.")
    _add_pack_requirements(python, shell, home)
    host = Host(_version_of(folder), folder, python, home, borrowed=True)
    return _with_test_tools(host, shell) if wish.tests else host


def python_beside(folder: Path) -> Path:
    """ComfyUI's usual places for its Python: an environment inside it, or the portable build's folder beside it."""
    places = [venv_python(folder / name) for name in (".venv", "venv", "env")]
    places.append(folder.parent / "python_embeded" / "python.exe")
    return next((place for place in places if place.is_file()), Path(sys.executable))


def _version_of(folder: Path) -> str:
    file = folder / "comfyui_version.py"
    found = re.search(r'__version__ = "([^"]+)"', file.read_text(encoding="utf-8")) if file.is_file() else None
    return found.group(1) if found else "of unknown version"


def _add_pack_requirements(python: Path, shell: Shell, home: Path) -> None:
    file = ROOT / "requirements.txt"
    wanted = {"requirements": stamps.key((str(python), file.read_text(encoding="utf-8")))}
    if stamps.read(home / "borrowed") != wanted:
        shell.run("Installing the pack's requirements", [*environment.pip(python), "install", "-r", file])
        stamps.write(home / "borrowed", wanted)


def _with_test_tools(host: Host, shell: Shell) -> Host:
    """Beside the borrowed ComfyUI, not into it."""
    folder = host.home / "packages-tests"
    lines = source.requirement_lines(TEST_TOOLS.read_text(encoding="utf-8"))
    environment.install_beside(folder, "the test tools", lines, host.python, shell)
    return replace(host, packages=(*host.packages, folder))
