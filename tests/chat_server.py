"""A server that speaks OpenAI's chat protocol over real HTTP, and misbehaves on request."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GOOD = json.dumps({
    "background": "a meadow", "negative": "",
    "objects": [
        {"caption": "a cat", "x": 40, "y": 200, "width": 180, "height": 220},
        {"caption": "a dog", "x": 270, "y": 200, "width": 220, "height": 220},
    ],
})  # fmt: skip

TURTLE_ABOVE_CROWN = json.dumps({
    "background": "", "negative": "",
    "objects": [
        {"caption": "a turtle", "x": 36, "y": 4, "width": 56, "height": 56},
        {"caption": "a crown", "x": 36, "y": 68, "width": 56, "height": 56},
    ],
})  # fmt: skip
"""On a canvas of 128 x 128, for Small World."""


class ChatServer:
    """Answers the replies in turn, the last again and again. `ways` name what it does to each request."""

    def __init__(self, *replies: str, ways: tuple[str, ...] = ("speak",)) -> None:
        self.replies, self.ways = replies or (GOOD,), ways
        self.requests: list[dict] = []
        self.headers: list[dict] = []
        self.let_go = threading.Event()
        """Wakes what stalls, so that the server can end."""
        chat = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                number = len(chat.requests)
                chat.requests.append(body | {"path": self.path})
                chat.headers.append(dict(self.headers))
                way = chat.ways[min(number, len(chat.ways) - 1)]
                with contextlib.suppress(ConnectionError):
                    getattr(self, way)(body, chat.replies[min(number, len(chat.replies) - 1)])

            def plain(self, status, data, kind="application/json", **headers):
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def speak(self, body, reply):
                if body.get("stream"):
                    return self.stream(body, reply)
                answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": reply}}]}
                return self.plain(200, json.dumps(answer).encode())

            def stream(self, body, reply, letters=7, stop=None):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream; charset=utf-8")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.event({"choices": [{"index": 0, "delta": {"role": "assistant"}}]})
                for start in range(0, len(reply), letters):
                    if stop is not None and start >= stop:
                        return
                    self.event({"choices": [{"index": 0, "delta": {"content": reply[start : start + letters]}}]})
                self.event({"choices": [], "usage": {"total_tokens": 3}})
                self.chunk(b"data: [DONE]\n\n")
                self.chunk(b"")

            def event(self, value):
                self.chunk(f"data: {json.dumps(value)}\n\n".encode())

            def chunk(self, data):
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()

            def break_off(self, body, reply):
                self.stream(body, reply, stop=40)
                self.close_connection = True

            def break_off_plain(self, body, reply):
                self.send_response(200)
                self.send_header("Content-Length", "5000")
                self.end_headers()
                self.wfile.write(b'{"choices": [')
                self.close_connection = True

            def stall(self, body, reply):
                chat.let_go.wait(60)

            def stall_in_the_middle(self, body, reply):
                self.stream(body, reply, stop=40)
                chat.let_go.wait(60)

            def drip(self, body, reply):
                """A letter now and then: no single read is late, the whole is."""
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for letter in reply:
                    if chat.let_go.is_set():
                        return
                    self.event({"choices": [{"delta": {"content": letter}}]})
                    time.sleep(0.1)

            def nonsense(self, body, reply):
                self.plain(200, b"<html><body>It works!</body></html>", "text/html")

            def other_json(self, body, reply):
                self.plain(200, b'[1, {"choices": "none"}]')

            def error_in_200(self, body, reply):
                self.plain(200, b'{"error": {"message": "model is loading"}}')

            def redirect(self, body, reply):
                self.plain(307, b"", Location="http://127.0.0.2:9/elsewhere")

            def flood(self, body, reply):
                self.plain(200, b"x" * 5_000_000, "text/plain")

            def flood_stream(self, body, reply):
                self.stream(body, "x" * 5_000_000, letters=50_000)

            def no_schema(self, body, reply):
                if "response_format" in body:
                    return self.plain(400, b'{"error": {"message": "Either json_schema or grammar"}}')
                return self.speak(body, reply)

            def forbidden(self, body, reply):
                self.plain(401, b'{"error": "no key"}')

            def unknown(self, body, reply):
                self.plain(404, b'{"error": "model not found"}')

            def busy(self, body, reply):
                self.plain(429, b"slow down")

            def failing(self, body, reply):
                self.plain(503, b"")

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def __enter__(self) -> ChatServer:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *args) -> None:
        self.let_go.set()
        self.server.shutdown()
        self.server.server_close()
