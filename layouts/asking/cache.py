"""Answers on disk, by all that went into the question but the key: the same prompt costs its seconds once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MOST = 500
"""Answers that are kept; the oldest go."""


def mark_of(question: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:32]


def kept(folder: Path, mark: str) -> str | None:
    """None where there is none, or none that can be read."""
    try:
        answer = json.loads((folder / f"{mark}.json").read_text("utf-8"))["reply"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return answer if isinstance(answer, str) else None


def keep(folder: Path, mark: str, reply: str) -> None:
    """Where the disk cannot be written, nothing is kept."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{mark}.{os.getpid()}.part"
        unfinished.write_text(json.dumps({"reply": reply}), "utf-8")
        unfinished.replace(folder / f"{mark}.json")
        for old in sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)[:-MOST]:
            old.unlink(missing_ok=True)
    except OSError:
        return
