"""Puts the pack into a ComfyUI base directory without copying it and without touching the user's ComfyUI."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from .host import PACK, ROOT

NOT_SHIPPED = {"tests", "assets", "runner", "run.py", "node_modules", "output", "dist"}
BASE_FOLDERS = ("custom_nodes", "input", "output", "temp", "user", "models/checkpoints", "models/loras", "models/vae")


def link_pack(base: Path, root: Path = ROOT) -> Path:
    """Makes `base` a ComfyUI base directory whose only custom node is this pack; safe to repeat.

    The entries are linked one by one: a link to the whole clone would contain the host folder, and so itself.
    """
    for folder in BASE_FOLDERS:
        (base / folder).mkdir(parents=True, exist_ok=True)
    pack = base / "custom_nodes" / PACK
    pack.mkdir(exist_ok=True)
    shipped = {entry.name: entry for entry in root.iterdir() if _is_shipped(entry)}
    for old in pack.iterdir():
        if old.name not in shipped or not _same(old, shipped[old.name]):
            _remove(old)
    for name, entry in shipped.items():
        if not os.path.lexists(pack / name):
            _link(entry, pack / name)
    return pack


def _is_shipped(entry: Path) -> bool:
    if entry.name.startswith((".", "__pycache__")) or entry.name in NOT_SHIPPED:
        return False
    return entry.is_dir() or entry.suffix in (".py", ".toml", ".txt")


def _same(old: Path, entry: Path) -> bool:
    # A copied file (Windows) never counts as the same: it must follow the clone.
    return old.exists() and os.path.samefile(old, entry)


def _link(entry: Path, link: Path) -> None:
    if sys.platform != "win32":
        link.symlink_to(entry, target_is_directory=entry.is_dir())
    elif entry.is_dir():
        import _winapi  # A junction needs no rights; a symbolic link on Windows does.

        _winapi.CreateJunction(str(entry), str(link))
    else:
        shutil.copy2(entry, link)


def _remove(old: Path) -> None:
    if old.is_symlink() or old.is_file():
        old.unlink()
    else:
        # rmdir takes a junction away and leaves what it points to; a real folder here is not ours to delete.
        os.rmdir(old)
