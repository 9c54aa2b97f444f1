"""Talks to a ComfyUI server as its own front end does: queue a graph, follow its progress, fetch its pictures."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import RunnerError
from .websocket import WebSocket

Graph = dict[str, dict[str, Any]]
"""ComfyUI's API format: node id -> {"class_type": ..., "inputs": {...}}; a link is [node id, output number]."""


class RunFailed(RunnerError):
    """The server refused the graph or a node raised. `kind` is the exception's name, or "refused" or "interrupted"."""

    def __init__(self, text: str, kind: str, node: str = "") -> None:
        super().__init__(text)
        self.kind = kind
        self.node = node


@dataclass(frozen=True)
class Run:
    """A finished run. `outputs[node id]` is what that node showed; `seconds[node id]` how long it worked."""

    prompt_id: str
    outputs: Mapping[str, dict[str, Any]]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def images(self, node: str) -> list[dict[str, str]]:
        return self.outputs.get(node, {}).get("images", [])

    def text(self, node: str) -> str:
        return "\n".join(str(part) for part in self.outputs.get(node, {}).get("text", []))


class Client:
    """One client of one server. Its event stream is opened before the graph is queued, so that nothing is missed."""

    def __init__(self, port: int, host: str = "127.0.0.1", patience: float = 600.0) -> None:
        """`patience`: seconds without any word from the server before it counts as hung."""
        self._address = f"http://{host}:{port}"
        self.id = uuid.uuid4().hex
        self._events = WebSocket(host, port, f"/ws?clientId={self.id}", patience)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._events.close()

    def run(self, graph: Graph, show: Callable[[str, float, float], None] | None = None) -> Run:
        """Queues `graph` and waits for its end. `show(node id, done, total)` is called while nodes work.

        Raises RunFailed with the server's own sentence.
        """
        prompt_id = self.queue(graph)
        seconds = self._follow(prompt_id, show)
        return Run(prompt_id, self._outputs(prompt_id), seconds)

    def queue(self, graph: Graph) -> str:
        try:
            return self.post("/prompt", {"prompt": graph, "client_id": self.id})["prompt_id"]
        except urllib.error.HTTPError as error:
            raise RunFailed(refusal(error.read()), "refused") from None

    def _follow(self, prompt_id: str, show: Callable[[str, float, float], None] | None) -> dict[str, float]:
        seconds: dict[str, float] = {}
        working, since = "", time.monotonic()
        while True:
            event, data = self._next_event()
            if data.get("prompt_id") not in (None, prompt_id):
                continue
            if event == "executing":
                now = time.monotonic()
                if working:
                    seconds[working] = seconds.get(working, 0.0) + now - since
                working, since = data.get("node") or "", now
            elif event == "progress" and show:
                show(data.get("node") or "", data["value"], data["max"])
            elif event == "execution_error":
                raise RunFailed(data["exception_message"].strip(), data["exception_type"], str(data["node_id"]))
            elif event == "execution_interrupted":
                raise RunFailed("The run was interrupted.", "interrupted", str(data.get("node_id", "")))
            elif event == "execution_success":
                return seconds

    def _next_event(self) -> tuple[str, dict[str, Any]]:
        try:
            message = self._events.receive()
        except (OSError, TimeoutError) as error:
            raise RunnerError(f"The ComfyUI server went silent ({error}). Its log says more.") from error
        if message is None:
            raise RunnerError("The ComfyUI server closed the connection. Its log says more.")
        event = json.loads(message)
        return event.get("type", ""), event.get("data") or {}

    def _outputs(self, prompt_id: str) -> dict[str, dict[str, Any]]:
        """ComfyUI reports success a moment before it writes the history."""
        for _ in range(100):
            history = self.get(f"/history/{prompt_id}")
            if prompt_id in history:
                return history[prompt_id]["outputs"]
            time.sleep(0.1)
        raise RunnerError("The run succeeded, but the ComfyUI server keeps no record of what it gave.")

    def interrupt(self) -> None:
        self.post("/interrupt", {})

    def picture(self, image: Mapping[str, str]) -> bytes:
        """The file of one entry of `Run.images`."""
        return self._open(f"/view?{urllib.parse.urlencode(image)}")

    def get(self, path: str) -> Any:
        return json.loads(self._open(path))

    def post(self, path: str, content: Any) -> Any:
        headers = {"Content-Type": "application/json"}
        reply = self._open(path, json.dumps(content).encode(), headers)
        return json.loads(reply) if reply else None

    def _open(self, path: str, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
        request = urllib.request.Request(self._address + path, data, dict(headers or {}))
        # The proxy of the environment is for the world outside; this address is our own.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as reply:
            return reply.read()


def refusal(body: bytes) -> str:
    """What the server found wrong in a graph, in one line for each finding."""
    try:
        answer = json.loads(body)
    except ValueError:
        return f"The server refused the workflow: {body[:200].decode(errors='replace')}"
    findings = [
        f"{node.get('class_type', '?')} (node {number}): {error.get('message')}. {error.get('details', '')}".rstrip()
        for number, node in (answer.get("node_errors") or {}).items()
        for error in node.get("errors", [])
    ]
    error = answer.get("error") or {}
    head = error.get("message", "") if isinstance(error, dict) else str(error)
    return "\n".join([f"The server refused the workflow: {head}", *findings])
