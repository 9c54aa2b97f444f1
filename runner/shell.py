"""Runs other programs with their noise in a log file, and turns their failures into sentences."""

from __future__ import annotations

import errno
import platform
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import RunnerError

TAIL = 60
"""Lines of output kept to find the reason of a failure in."""

DISK_FULL = ("No space left on device", "[Errno 28]", "not enough space on the disk", "Disk quota exceeded")
NO_NETWORK = (
    "Temporary failure in name resolution",
    "Failed to establish a new connection",
    "getaddrinfo failed",
    "Name or service not known",
    "Network is unreachable",
    "Connection refused",
    "Connection reset",
    "ConnectTimeoutError",
    "Read timed out",
    "Max retries exceeded",
    "(from versions: none)",
    "SSLError",
    "ProxyError",
    "IncompleteRead",
)
NO_BUILD = ("No matching distribution found", "Could not find a version")
"""Also said without a network, but then together with one of the phrases above: no version of anything was seen."""
WRONG_HASH = ("DO NOT MATCH THE HASHES", "HashMismatch")
NO_VENV = ("ensurepip is not available", "No module named venv", "No module named ensurepip")


class Progress:
    """One line for each step: rewritten in place on a terminal, printed once at its end in a log."""

    def __init__(self, stream=None) -> None:
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._width = 0

    def say(self, text: str) -> None:
        self._clear()
        print(text, file=self._stream, flush=True)

    def show(self, text: str) -> None:
        """A passing state; a log does not get it."""
        if not self._live:
            return
        text = text[:110]
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)

    def begin(self, text: str) -> None:
        """A step that may take minutes: a log gets it now, a terminal sees it change."""
        if self._live:
            self.show(text)
        else:
            self.say(text)

    def bar(self, label: str, done: float, total: float) -> None:
        filled = round(24 * done / total) if total else 0
        self.show(f"  {label}  [{'#' * filled}{'.' * (24 - filled)}]  {done:g}/{total:g}")

    def _clear(self) -> None:
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0


class Shell:
    """Runs commands for set-up. All output goes to `log`; the last lines name the reason when one fails."""

    def __init__(self, log: Path, progress: Progress) -> None:
        self.log = log
        self.progress = progress

    def run(self, what: str, command: Sequence[object], env: Mapping[str, str] | None = None) -> None:
        """Raises RunnerError, in a sentence that begins with `what`, when the command fails."""
        tail: deque[str] = deque(maxlen=TAIL)
        started = time.monotonic()
        self.progress.begin(f"  {what} ...")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a", encoding="utf-8", errors="replace") as log:
            print(f"\n$ {' '.join(map(str, command))}", file=log, flush=True)
            code = self._stream(what, [str(part) for part in command], env, log, tail)
        if code:
            raise RunnerError(explain(what, "\n".join(tail), self.log))
        self.progress.say(f"  {what}: done in {time.monotonic() - started:.0f} s")

    def _stream(self, what, command, env, log, tail) -> int:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=env,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            tail.append(str(error))
            return 1
        assert process.stdout
        try:
            for line in process.stdout:
                log.write(line)
                tail.append(line.rstrip())
                self.progress.show(f"  {what}: {headline(line)}")
            return process.wait()
        except BaseException:
            # Ctrl-C, or our own log on a full disk: nobody would be left to stop the child.
            process.kill()
            process.wait()
            raise


def headline(line: str) -> str:
    """pip's lines, shortened to what a waiting person wants to know."""
    words = line.split()
    if words[:1] in (["Downloading"], ["Collecting"]) and len(words) > 1:
        size = " ".join(words[2:]).strip("()")
        return f"{words[0].lower()} {words[1].rsplit('/', 1)[-1]} {size}".rstrip()
    return "installing what was downloaded" if line.startswith("Installing collected") else "working"


def explain(what: str, output: str, log: Path) -> str:
    """One plain sentence or two from a failed program's output."""
    if _says(output, DISK_FULL):
        return f"{what} failed because the disk is full. Make room (about 10 GB), then run the same command again."
    if _says(output, WRONG_HASH):
        return (
            f"{what} failed: the downloaded file is not the one this project pins (its sha256 differs), so it was not "
            "used. Run the command again; if it fails again, the download source is not to be trusted."
        )
    if _says(output, NO_VENV):
        return (
            f"{what} failed: this Python ({sys.executable}) comes without `venv`. On Debian or Ubuntu install it with "
            f"`sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv`, then run the command again."
        )
    if _says(output, NO_NETWORK):
        return (
            f"{what} failed: the download broke off or the package index could not be reached. Check the network or "
            f"proxy and run the same command again; it goes on where it stopped. Details: {log}"
        )
    if _says(output, NO_BUILD):
        return (
            f"{what} failed: there is no build of it for this computer ({platform.system()} {platform.machine()}, "
            f"Python {platform.python_version()}). {_last_error(output)} Details: {log}"
        )
    return f"{what} failed: {_last_error(output)} Details: {log}"


def disk_is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT) if hasattr(errno, "EDQUOT") else error.errno == errno.ENOSPC


def _says(output: str, phrases: Sequence[str]) -> bool:
    return any(phrase in output for phrase in phrases)


def _last_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.upper().startswith("ERROR")]
    chosen = (errors or lines or ["it gave no reason."])[-1]
    return chosen if chosen.endswith(".") else chosen + "."
