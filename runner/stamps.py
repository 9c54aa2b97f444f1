"""Small JSON files that say what a folder of the host holds. Written last, so that their presence means "complete"."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

NAME = "prompt-understanding.json"


def key(pins: object) -> str:
    """A short hash of anything that JSON or str() can show."""
    return hashlib.sha256(json.dumps(pins, default=str).encode()).hexdigest()[:16]


def read(folder: Path) -> dict[str, str]:
    """{} when there is no stamp or when it is not readable: then the work is simply done again."""
    try:
        found = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(folder: Path, stamps: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / (NAME + ".part")
    part.write_text(json.dumps(stamps, indent=1), encoding="utf-8")
    part.replace(folder / NAME)
