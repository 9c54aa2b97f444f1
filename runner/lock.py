"""One set-up at a time in one folder. The operating system drops the lock when its holder dies, however it dies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:
    fcntl = None
    import msvcrt


@contextmanager
def locked(path: Path, say: Callable[[str], None], patience: float = 3600.0) -> Iterator[None]:
    """Waits for another holder, telling so once; gives up with TimeoutError after `patience` seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as handle:
        deadline = time.monotonic() + patience
        told = False
        while not _try_lock(handle.fileno()):
            if not told:
                say("Another set-up is running in the same folder; waiting for it to finish.")
                told = True
            if time.monotonic() > deadline:
                raise TimeoutError(f"Another set-up has held {path} for {patience:.0f} s.")
            time.sleep(0.5)
        try:
            yield
        finally:
            _unlock(handle)


def _try_lock(descriptor: int) -> bool:
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


def _unlock(handle) -> None:
    if fcntl:
        fcntl.flock(handle.fileno(), fcntl.LOCK_UN)
    else:
        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_UNLCK, 1)
