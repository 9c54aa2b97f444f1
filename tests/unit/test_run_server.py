"""The server's ports and life, and the client that follows a run: checked against real sockets and processes."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from pack.runner import client, serve, server
from pack.runner.errors import RunnerError
from pack.runner.host import Host
from pack.runner.shell import Progress
from pack.runner.websocket import WebSocket


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def host(tmp_path):
    (tmp_path / "comfyui").mkdir()
    return Host("9.9.9", tmp_path / "comfyui", Path(sys.executable), tmp_path / "home")


# --- Ports -----------------------------------------------------------------------------------------------------------


def test_a_taken_port_that_was_asked_for_is_refused_in_a_sentence(taken_port):
    with pytest.raises(RunnerError, match=f"Port {taken_port} is taken"):
        serve.choose_port(taken_port, Progress())


def test_a_taken_usual_port_gives_the_next_free_one_and_says_so(taken_port, monkeypatch, capsys):
    monkeypatch.setattr(serve, "USUAL_PORT", taken_port)
    chosen = serve.choose_port(None, Progress())
    assert chosen > taken_port and f"{taken_port} is taken" in capsys.readouterr().out


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(RunnerError, match="1 to 65535"):
        serve.choose_port(port, Progress())


def test_no_free_port_in_reach(taken_port):
    with pytest.raises(RunnerError, match="all taken"):
        server.free_port(taken_port, tries=1)


# --- A server's life ------------------------------------------------------------------------------------------------


def start(host, main: str, tmp_path) -> server.Server:
    (host.comfyui / "main.py").write_text(main)
    return server.start(server.arguments(host, 1, cpu=True), host, 1, tmp_path / "server.log")


def test_a_server_that_dies_at_once_is_told_with_its_last_words(host, tmp_path):
    dying = start(host, "raise SystemExit('port in use')", tmp_path)
    with pytest.raises(RunnerError, match=r"ended while it started.*port in use"):
        server.wait_until_ready(dying)
    dying.stop()


def test_a_silent_server_is_given_up(host, tmp_path):
    silent = start(host, "import time; time.sleep(60)", tmp_path)
    with pytest.raises(RunnerError, match="did not answer within 1 s"):
        server.wait_until_ready(silent, patience=1)
    silent.stop()
    assert silent.process.poll() is not None


def test_a_pack_that_fails_to_import_is_told(host, tmp_path):
    (tmp_path / "server.log").write_text("0.0 seconds (IMPORT FAILED): prompt-understanding")
    with pytest.raises(RunnerError, match="could not load this pack"):
        server.check_pack(server.Server(None, 1, tmp_path / "server.log"))


@pytest.mark.skipif(sys.platform == "win32", reason="a sleeping Windows process is not woken, only ended")
@pytest.mark.parametrize("inherited", [signal.SIG_IGN, signal.default_int_handler], ids=["ignored", "handled"])
def test_stop_lets_the_server_tidy_up(host, tmp_path, inherited):
    """Also where the starter is a background job of a shell, which ignores the signal."""
    before = signal.signal(signal.SIGINT, inherited)
    try:
        _starts_and_tidies_up(host, tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)


def _starts_and_tidies_up(host, tmp_path):
    tidy = "import time\ntry:\n print('up', flush=True); time.sleep(60)\nexcept KeyboardInterrupt:\n print('tidied up')"
    running = start(host, tidy, tmp_path)
    while "up" not in running.log_text():
        time.sleep(0.05)
    running.stop()
    assert running.process.returncode == 0 and "tidied up" in running.log_text()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a hard kill by signal")
def test_a_server_does_not_outlive_its_starter(host, tmp_path):
    (host.comfyui / "main.py").write_text("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    command = server.arguments(host, 1, cpu=True)
    code = f"import subprocess, time; subprocess.Popen({command!r}, stdin=subprocess.PIPE); time.sleep(60)"
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    child = int(starter.stdout.readline())
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    for _ in range(100):
        if not _alive(child):
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the server went on after its starter was killed")


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_command_line_keeps_out_of_a_borrowed_comfyui(host):
    borrowed = Host(host.version, host.comfyui, host.python, host.home, borrowed=True)
    command = server.arguments(borrowed, 8188, cpu=False)
    assert command[command.index("--base-directory") + 1] == str(host.home / "base") and "--cpu" not in command
    (section,) = json.loads(Path(command[command.index("--extra-model-paths-config") + 1]).read_text()).values()
    assert section["base_path"] == str(host.comfyui / "models") and section["checkpoints"] == "checkpoints"


# --- The event stream -----------------------------------------------------------------------------------------------


def frame(opcode: int, payload: bytes, last: bool = True) -> bytes:
    head = bytes([(0x80 if last else 0) | opcode])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    if len(payload) < 65536:
        return head + b"\x7e" + struct.pack(">H", len(payload)) + payload
    return head + b"\x7f" + struct.pack(">Q", len(payload)) + payload


@pytest.fixture
def speak():
    """Starts a server that shakes hands, sends the given bytes, and keeps what the client sends back."""
    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve_one(data: bytes, status: str) -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(f"HTTP/1.1 {status}\r\nA: b\r\n\r\n".encode() + data)
                heard.extend(connection.recv(4096))

        def connect(data: bytes, status: str = "101 Switching Protocols") -> WebSocket:
            threading.Thread(target=serve_one, args=(data, status), daemon=True).start()
            return WebSocket("127.0.0.1", listener.getsockname()[1], "/ws", timeout=5)

        connect.heard = heard
        yield connect


def test_text_is_heard_whole_between_previews_and_pings(speak):
    long = "x" * 70_000
    data = frame(2, b"\x00" * 300) + frame(9, b"you there?") + frame(1, b"hel", last=False) + frame(0, b"lo")
    with closing(speak(data + frame(1, long.encode()) + frame(8, b""))) as stream:
        assert [stream.receive(), stream.receive(), stream.receive()] == ["hello", long, None]
        for _ in range(50):
            if speak.heard:
                break
            time.sleep(0.02)
    mask, body = speak.heard[2:6], speak.heard[6:16]
    assert speak.heard[0] == 0x8A and bytes(b ^ mask[i % 4] for i, b in enumerate(body)) == b"you there?"


def test_a_refused_or_broken_stream_raises(speak):
    with pytest.raises(ConnectionError, match="403"):
        speak(b"", "403 Forbidden")


def test_a_stream_that_breaks_off_in_a_frame_raises(speak):
    with closing(speak(frame(1, b"x" * 100)[:50])) as stream:
        stream._socket.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionError, match="broke off"):
            stream.receive()


class Scripted(client.Client):
    """A client whose server says what the test wrote."""

    def __init__(self, events):
        self.events = iter(events)
        # Written late, as ComfyUI does.
        self.histories = iter([{}, {"me": {"outputs": {"9": {"text": ["a", "b"], "images": [{"filename": "x.png"}]}}}}])

    def queue(self, graph):
        return "me"

    def get(self, path):
        return next(self.histories)

    def _next_event(self):
        return next(self.events)


def test_follows_its_own_run_only():
    shown = []
    events = [
        ("executing", {"node": "1", "prompt_id": "me"}),
        ("execution_error", {"prompt_id": "another's", "exception_message": "not ours"}),
        ("progress", {"node": "1", "value": 2, "max": 5, "prompt_id": "me"}),
        ("executing", {"node": None, "prompt_id": "me"}),
        ("execution_success", {"prompt_id": "me"}),
    ]
    run = Scripted(events).run({}, lambda *step: shown.append(step))
    assert shown == [("1", 2, 5)] and list(run.seconds) == ["1"] and run.text("9") == "a\nb" and run.text("8") == ""


def test_a_nodes_error_is_the_servers_sentence():
    words = "The word 'frog' is not there.\n"
    error = {"prompt_id": "me", "exception_message": words, "exception_type": "E", "node_id": 3}
    with pytest.raises(client.RunFailed) as caught:
        Scripted([("execution_error", error)]).run({})
    assert (str(caught.value), caught.value.kind, caught.value.node) == (words.strip(), "E", "3")


def test_a_refused_graph_names_every_finding():
    errors = {"3": {"class_type": "KSampler", "errors": [{"message": "Value too small", "details": "steps"}]}}
    said = client.refusal(json.dumps({"error": {"message": "Prompt has errors"}, "node_errors": errors}).encode())
    assert said.splitlines() == [
        "The server refused the workflow: Prompt has errors",
        "KSampler (node 3): Value too small. steps",
    ]
    assert "gateway" in client.refusal(b"<html>bad gateway</html>")
