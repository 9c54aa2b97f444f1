"""One request to a server that speaks OpenAI's chat protocol, streaming or not, that an interrupt can always end.

All that may block (names, connecting, reading) runs in a thread; the caller looks every tenth of a second whether it
shall go on, and closes the socket if not. Nothing is followed elsewhere: a redirect is an error.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...errors import PromptUnderstandingError
from .address import Address

MOST_BYTES = 1_000_000
"""Of an answer: a layout has some thousand."""
LOOK = 0.1
SHOWN = 200


class Refused(Exception):
    """The server answered with another status than 200."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status, self.text = status, text


@dataclass
class _Call:
    address: Address
    body: bytes
    seconds: float
    events: queue.Queue[tuple[str, Any]] = field(default_factory=queue.Queue)
    sock: socket.socket | None = None
    ended: bool = False

    def run(self) -> None:
        try:
            self.events.put(("reply", self._reply()))
        except Exception as error:  # whatever goes wrong in the thread is told to the caller, who words it
            self.events.put(("error", error))

    def _reply(self) -> str:
        address = self.address
        if address.secure:
            context = ssl.create_default_context()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                address.host, address.port, timeout=self.seconds, context=context
            )
        else:
            connection = http.client.HTTPConnection(address.host, address.port, timeout=self.seconds)
        try:
            connection.connect()
            self.sock = connection.sock
            connection.request("POST", address.path, self.body, self._headers())
            return self._read(connection.getresponse())
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        key = {"Authorization": f"Bearer {self.address.key}"} if self.address.key else {}
        return {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **key}

    def _read(self, response: http.client.HTTPResponse) -> str:
        if response.status != 200:
            place = response.getheader("Location", "")
            raise Refused(response.status, place or _decoded(response.read(4096)))
        if "text/event-stream" in response.getheader("Content-Type", ""):
            return self._streamed(response)
        read = bytearray()
        while piece := response.read(65536):
            read += piece
            self._limit(len(read))
        return content_of(_decoded(bytes(read)))

    def _streamed(self, response: http.client.HTTPResponse) -> str:
        pieces, size = [], 0
        while line := response.readline(MOST_BYTES):
            size += len(line)
            self._limit(size)
            text = _decoded(line).strip()
            if text == "data: [DONE]":
                return "".join(pieces)
            if text.startswith("data:"):
                pieces.append(content_of(text[5:], "delta"))
        raise ConnectionError(f"the stream ended in the middle, after {sum(map(len, pieces))} letters")

    def _limit(self, size: int) -> None:
        if self.ended:
            raise ConnectionError("ended")
        if size > MOST_BYTES:
            raise PromptUnderstandingError(
                f"The server at {self.address} sent more than {MOST_BYTES // 1000} kB; a layout has a few. Is it a "
                "language model?"
            )

    def end(self) -> None:
        """Wakes the thread from whatever it waits for."""
        self.ended = True
        if self.sock is not None:
            with contextlib.suppress(OSError):  # it may be closed already
                self.sock.shutdown(socket.SHUT_RDWR)


def post(address: Address, request: dict[str, Any], seconds: float, go_on: Callable[[], None]) -> str:
    """The text of the model's answer. `go_on` is called all the time and raises where it shall end.

    Raises Refused, PromptUnderstandingError.
    """
    call = _Call(address, json.dumps(request).encode(), seconds)
    threading.Thread(target=call.run, name="ask for a layout", daemon=True).start()
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            go_on()
            try:
                kind, value = call.events.get(timeout=LOOK)
            except queue.Empty:
                continue
            if kind == "reply":
                return value
            raise _worded(value, address, seconds)
        raise _worded(TimeoutError(), address, seconds)
    finally:
        call.end()


def _worded(error: Exception, address: Address, seconds: float) -> Exception:
    if isinstance(error, (PromptUnderstandingError, Refused)):
        return error
    if isinstance(error, TimeoutError):
        return PromptUnderstandingError(
            f"The server at {address} did not finish within {seconds:g} seconds. Give it more time with 'timeout', or "
            "take a smaller model."
        )
    if isinstance(error, (ConnectionRefusedError, socket.gaierror)):
        return PromptUnderstandingError(
            f"No server answers at {address}. Start it (llama.cpp, Ollama, LM Studio, vLLM), or correct 'url'."
        )
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:SHOWN]
    return PromptUnderstandingError(f"The server at {address} broke off ({reason}). Try again, or look at its log.")


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def content_of(text: str, part: str = "message") -> str:
    """Of a chat completion, or of one piece of a stream (`part` "delta").

    Raises PromptUnderstandingError for what is none.
    """
    try:
        answer = json.loads(text)
        if isinstance(answer, dict) and "error" in answer and not answer.get("choices"):
            raise Refused(200, json.dumps(answer["error"]))
        choices = answer["choices"]
        if not choices and part == "delta":
            return ""  # a last piece may only count tokens
        content = choices[0][part].get("content")
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise PromptUnderstandingError(
            f"The server's answer is no chat completion; it begins: {text.strip()[:SHOWN]!r}. Does 'url' lead to an "
            "OpenAI-compatible server, and end with /v1?"
        ) from None
    return content if isinstance(content, str) else ""
