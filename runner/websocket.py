"""The receiving half of a WebSocket client (RFC 6455): enough for ComfyUI's event stream."""

from __future__ import annotations

import base64
import os
import socket
import struct

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class WebSocket:
    """Yields the server's text messages; drops binary ones (ComfyUI's preview pictures)."""

    def __init__(self, host: str, port: int, path: str, timeout: float) -> None:
        """`timeout`: seconds of silence after which `receive` raises TimeoutError."""
        self._socket = socket.create_connection((host, port), timeout=timeout)
        self._read = self._socket.makefile("rb")
        self._shake_hands(host, port, path)

    def _shake_hands(self, host: str, port: int, path: str) -> None:
        nonce = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {nonce}", "Sec-WebSocket-Version: 13", "", "",
        )  # fmt: skip
        self._socket.sendall("\r\n".join(lines).encode())
        status = self._read.readline()
        while self._read.readline() not in (b"\r\n", b""):
            pass
        if b" 101 " not in status:
            raise ConnectionError(f"The server refused the event stream: {status.decode(errors='replace').strip()}")

    def receive(self) -> str | None:
        """The next text message; None when the server closed the stream. Raises TimeoutError after silence."""
        parts: list[bytes] = []
        kind = None
        while True:
            last, opcode, payload = self._frame()
            if opcode == CLOSE:
                return None
            if opcode == PING:
                self._send(PONG, payload)
            if opcode >= CLOSE:
                continue
            kind = opcode or kind  # 0 goes on with the message before it.
            parts.append(payload)
            if last:
                if kind == TEXT:
                    return b"".join(parts).decode("utf-8", "replace")
                parts, kind = [], None

    def _frame(self) -> tuple[bool, int, bytes]:
        first, second = self._exactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self._exactly(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._exactly(8))
        return bool(first & 0x80), first & 0x0F, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        data = self._read.read(count)
        if len(data) < count:
            raise ConnectionError("The event stream broke off.")
        return data

    def _send(self, opcode: int, payload: bytes) -> None:
        # A client must mask what it sends. Control frames hold at most 125 bytes.
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self._socket.sendall(bytes((0x80 | opcode, 0x80 | len(payload))) + mask + masked)

    def close(self) -> None:
        self._read.close()
        self._socket.close()
