"""`run.py serve`: ComfyUI with the pack, for a person, in the foreground."""

from __future__ import annotations

import subprocess

from .errors import RunnerError
from .host import Host
from .server import Server, arguments, free_port, has_gpu, is_free, start, wait_until_ready
from .shell import Progress

USUAL_PORT = 8188


def serve(host: Host, port: int | None, cpu: bool | None, progress: Progress) -> int:
    """Runs until Ctrl-C, or until ComfyUI ends by itself; then its own exit status."""
    port = choose_port(port, progress)
    database = f"sqlite:///{(host.base / 'user' / 'comfyui.db').as_posix()}"
    command = arguments(host, port, not has_gpu(host) if cpu is None else cpu, ["--database-url", database])
    server = start(command, host, port, log=None)
    try:
        wait_until_ready(server)
        progress.say(f"\nOpen {server.address} in a browser. Ctrl-C stops the server. Models: {host.base / 'models'}\n")
        return server.process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _let_it_finish(server)


def choose_port(port: int | None, progress: Progress) -> int:
    if port is not None and not 0 < port < 65536:
        raise RunnerError(f"{port} is not a port number; those go from 1 to 65535.")
    if port is not None and not is_free(port):
        raise RunnerError(
            f"Port {port} is taken by another program. Name another one, or none to get the next free one."
        )
    chosen = port or free_port(USUAL_PORT)
    if port is None and chosen != USUAL_PORT:
        progress.say(f"Port {USUAL_PORT} is taken (perhaps by another ComfyUI); using {chosen}.")
    return chosen


def _let_it_finish(server: Server) -> None:
    """Ctrl-C reached ComfyUI as well; it is given the time to say goodbye before it is stopped."""
    try:
        server.process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        server.stop()
