"""Starts and stops a ComfyUI server of our own on the loopback interface."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import RunnerError
from .host import PACK, Host

LOOPBACK = "127.0.0.1"
LAUNCH = Path(__file__).with_name("launch.py")
START_PATIENCE = 300.0
"""Seconds. A cold start on a slow disk imports torch and all of ComfyUI's nodes: a minute is ordinary."""
MODEL_FOLDERS = (
    "checkpoints", "clip", "clip_vision", "configs", "controlnet", "diffusers", "diffusion_models", "embeddings",
    "gligen", "hypernetworks", "loras", "style_models", "text_encoders", "unet", "upscale_models", "vae", "vae_approx",
)  # fmt: skip


@dataclass
class Server:
    """A running ComfyUI. `log` is its console output."""

    process: subprocess.Popen
    port: int
    log: Path | None = None

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def log_text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log else ""

    def stop(self) -> None:
        """Closing its standard input asks ComfyUI to end (see launch.py); one that does not is killed."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def has_gpu(host: Host) -> bool:
    """Asked of the host's own torch: a graphics card whose driver is too old for it is of no use."""
    code = "import torch,sys; sys.exit(not (torch.cuda.is_available() or torch.backends.mps.is_available()))"
    return subprocess.run([str(host.python), "-c", code], env=host.environment(), capture_output=True).returncode == 0


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) != 0


def free_port(first: int = 0, tries: int = 50) -> int:
    """Any free loopback port, or the first one from `first` on."""
    if first:
        port = next((port for port in range(first, first + tries) if is_free(port)), None)
        if port is None:
            raise RunnerError(f"The ports {first} to {first + tries - 1} are all taken. Name a free one with --port.")
        return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def arguments(host: Host, port: int, cpu: bool, extra: Sequence[str] = ()) -> list[str]:
    """The command line that starts this host with our base directory and nothing of the user's changed."""
    command = [str(host.python), "-u", str(LAUNCH), str(host.comfyui / "main.py")]
    command += ["--listen", LOOPBACK, "--port", str(port), "--base-directory", str(host.base), "--disable-auto-launch"]
    if host.borrowed:
        command += ["--extra-model-paths-config", str(model_paths(host.home, "borrowed", host.comfyui / "models"))]
    return [*command, *(["--cpu"] if cpu else []), *extra]


ALONE = (
    "--disable-all-custom-nodes", "--whitelist-custom-nodes", PACK, "--disable-api-nodes",
    "--database-url", "sqlite:///:memory:", "--preview-method", "none",
)  # fmt: skip
"""Options for a server that nobody but us looks at: this pack only, and nothing is fetched or kept."""


def model_paths(home: Path, name: str, models: Path) -> Path:
    """An extra_model_paths.yaml for a models folder laid out as ComfyUI's. JSON is YAML, and quotes any path safely."""
    return write_paths(home / f"models-{name}.yaml", models, {folder: folder for folder in MODEL_FOLDERS})


def write_paths(file: Path, base: Path, folders: dict[str, str]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {file.stem: {"base_path": str(base), "is_default": True, **folders}}
    file.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return file


def start(command: Sequence[str], host: Host, port: int, log: Path | None) -> Server:
    """Without `log` the server writes to our own terminal."""
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
    output = log.open("w", encoding="utf-8") if log else None
    try:
        process = subprocess.Popen(
            command, cwd=host.comfyui, env=host.environment(), stdin=subprocess.PIPE, stdout=output,
            stderr=subprocess.STDOUT if output else None,
        )  # fmt: skip
    finally:
        if output:
            output.close()
    return Server(process, port, log)


def wait_until_ready(
    server: Server, patience: float = START_PATIENCE, beat: Callable[[float], None] | None = None
) -> None:
    """Returns when the server answers. Raises RunnerError when it ends or stays silent."""
    started = time.monotonic()
    while time.monotonic() - started < patience:
        if server.process.poll() is not None:
            raise RunnerError(f"ComfyUI ended while it started. {_reason(server)}")
        if answers(server.address):
            return
        if beat:
            beat(time.monotonic() - started)
        time.sleep(0.25)
    raise RunnerError(f"ComfyUI did not answer within {patience:.0f} s. {_reason(server)}")


def answers(address: str) -> bool:
    try:
        # The proxy of the environment is for the world outside; this address is our own.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{address}/system_stats", timeout=5) as reply:
            return reply.status == 200
    except (OSError, urllib.error.URLError):
        return False


def _reason(server: Server) -> str:
    lines = [line for line in server.log_text().splitlines() if line.strip()]
    last = f"Its last words: {lines[-1].strip()} " if lines else ""
    return f"{last}Its log: {server.log}" if server.log else "Its output is above."


@contextmanager
def running(
    host: Host,
    cpu: bool,
    extra: Sequence[str] = ALONE,
    log: Path | None = None,
    beat: Callable[[float], None] | None = None,
) -> Iterator[Server]:
    """A server on a free port for the length of a `with` block, stopped whatever happens inside."""
    port = free_port()
    log = log or host.home / "log" / "server.log"
    server = start(arguments(host, port, cpu, extra), host, port, log)
    try:
        wait_until_ready(server, beat=beat)
        check_pack(server)
        yield server
    finally:
        server.stop()


def check_pack(server: Server) -> None:
    """ComfyUI starts even when a pack fails to import; then only its log says so."""
    if "IMPORT FAILED" in server.log_text():
        raise RunnerError(f"ComfyUI started but could not load this pack. The reason is in {server.log}")
