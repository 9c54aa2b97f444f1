"""Checks a downloaded source archive and takes one folder out of it, never trusting the paths inside."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from pathlib import Path, PurePosixPath

from .errors import RunnerError


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def check(path: Path, expected: str) -> None:
    found = sha256(path)
    if found != expected:
        path.unlink()
        raise RunnerError(
            f"{path.name} is not the file this project pins: its sha256 should begin with {expected[:12]} but begins "
            f"with {found[:12]}. It was deleted; run the command again to fetch it anew."
        )


def unpack(archive: Path, prefix: str, target: Path) -> None:
    """Writes what lies under `prefix` (with its final slash) into `target`, which appears only when it is complete."""
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with tarfile.open(archive) as tar:
            count = sum(_write(tar, member, prefix, part) for member in tar)
    except (tarfile.TarError, EOFError) as error:
        raise RunnerError(f"{archive.name} could not be unpacked ({error}). Delete {archive} and run again.") from error
    if not count:
        raise RunnerError(f"{archive.name} holds no folder {prefix}. Delete {archive} and run the command again.")
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, prefix: str, part: Path) -> bool:
    # Links and devices are left out whole: ComfyUI has none, and a link could lead the next write outside.
    if not member.isfile() or not member.name.startswith(prefix):
        return False
    inside = PurePosixPath(member.name[len(prefix) :])
    if inside.is_absolute() or ".." in inside.parts or any(":" in p or "\\" in p for p in inside.parts):
        raise RunnerError(f"The archive holds a file that would land outside its folder ({member.name}); not unpacked.")
    path = part.joinpath(*inside.parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source
    with source, path.open("wb") as file:
        shutil.copyfileobj(source, file)
    return True
