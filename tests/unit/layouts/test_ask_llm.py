"""Asking a real HTTP server: what is sent, every way it can fail, the second round, the cache, interrupts."""

import json
import threading
import time

import pytest
from chat_server import GOOD, ChatServer
from pack.errors import PromptUnderstandingError
from pack.layouts.asking import cache
from pack.layouts.asking.address import HOSTS, KEY, address_of
from pack.layouts.asking.ask import Question, ask
from pack.prompts import read_prompt

PAPER = "Objects: [('a cat', [40, 200, 180, 220]), ('a dog', [270, 200, 220, 220])]\nNegative prompt: None"


def question(**changed):
    return Question(**{"text": "a cat and a dog", "width": 512, "height": 512, "model": "tiny", **changed})


def go_on():
    pass


def asked(server, seconds=10, folder=None, prompt=None, environment=None, **changed):
    address = address_of(server.url, environment or {})
    return ask(question(**changed), address, seconds, go_on, folder, prompt)


# --- what is said ---


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("form, reply", [("JSON", GOOD), ("paper", PAPER)])
def test_streamed_or_whole_the_reply_becomes_the_layout(stream, form, reply):
    with ChatServer(reply) as server:
        answer = asked(server, stream=stream, form=form)
    assert [thing.caption for thing in answer.layout.objects] == ["a cat", "a dog"] and answer.reply == reply
    assert answer.layout.objects[0].box.left == pytest.approx(40 / 512)


def test_the_request_is_the_protocols():
    with ChatServer() as server:
        asked(server, stream=False, temperature=0.5, seed=9)
    (sent,) = server.requests
    assert sent["path"] == "/v1/chat/completions" and sent["model"] == "tiny"
    assert (sent["temperature"], sent["seed"], sent["stream"]) == (0.5, 9, False)
    assert sent["response_format"]["json_schema"]["schema"]["required"] == ["background", "negative", "objects"]
    assert sent["messages"][0]["role"] == "user" and sent["messages"][0]["content"].endswith("a cat and a dog\n")
    assert "Authorization" not in server.headers[0]


def test_the_paper_form_sends_no_schema():
    with ChatServer(PAPER) as server:
        asked(server, form="paper")
    assert "response_format" not in server.requests[0]


def test_a_server_without_schemas_is_asked_again_without():
    with ChatServer(ways=("no_schema",)) as server:
        assert len(asked(server).layout.objects) == 2
    assert ["response_format" in sent for sent in server.requests] == [True, False]


# --- what goes wrong ---


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "way, words",
    [
        ("nonsense", "no chat completion; it begins: '<html>"),
        ("other_json", "no chat completion"),
        ("error_in_200", "model is loading"),
        ("break_off", "broke off"),
        ("break_off_plain", "broke off|no chat completion"),
        ("redirect", "not followed.*elsewhere"),
        ("flood", "more than 1000 kB"),
        ("flood_stream", "more than 1000 kB"),
        ("forbidden", KEY),
        ("unknown", "does not know this address or the model 'tiny'.*model not found"),
        ("busy", "too many requests"),
        ("failing", "status 503"),
    ],
)
def test_every_failure_is_a_sentence(way, words, stream):
    begun = time.monotonic()
    with ChatServer(ways=(way,)) as server, pytest.raises(PromptUnderstandingError, match=f"(?s)({words})"):
        asked(server, stream=stream)
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("way", ["stall", "stall_in_the_middle", "drip"])
def test_the_timeout_counts_the_whole_answer(way):
    begun = time.monotonic()
    with ChatServer(ways=(way,)) as server, pytest.raises(PromptUnderstandingError, match="within 1 seconds"):
        asked(server, seconds=1)
    assert time.monotonic() - begun < 4


def test_a_server_that_is_down():
    with ChatServer() as server:
        gone = server.url
    with pytest.raises(PromptUnderstandingError, match="No server answers"):
        ask(question(), address_of(gone, {}), 5, go_on)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("way", ["stall", "stall_in_the_middle", "drip"])
def test_an_interrupt_ends_it_at_once_and_leaves_no_thread(way):
    begun = time.monotonic()

    def interrupt():
        if time.monotonic() - begun > 0.4:
            raise Interrupted

    with ChatServer(ways=(way,)) as server:
        with pytest.raises(Interrupted):
            ask(question(), address_of(server.url, {}), 60, interrupt)
        assert time.monotonic() - begun < 3
        until = time.monotonic() + 5
        while _waiting() and time.monotonic() < until:
            time.sleep(0.05)
        assert not _waiting()


def _waiting():
    return [thread for thread in threading.enumerate() if thread.name == "ask for a layout"]


# --- the second round ---


def test_what_was_wrong_is_shown_once():
    with ChatServer("I would put the cat on the left.", GOOD) as server:
        answer = asked(server)
    assert len(server.requests) == 2 and len(answer.layout.objects) == 2
    *_, reply, objection = server.requests[1]["messages"]
    assert reply == {"role": "assistant", "content": "I would put the cat on the left."}
    assert "No boxes were found" in objection["content"]
    assert any("shown once what was wrong" in note for note in answer.layout.notes)


def test_a_miscount_is_shown_and_the_better_layout_kept():
    prompt = read_prompt("a cat and a dog")
    one = json.dumps({"objects": [{"caption": "a cat", "x": 1, "y": 1, "width": 100, "height": 100}]})
    with ChatServer(one, GOOD) as server:
        assert len(asked(server, prompt=prompt).layout.objects) == 2
    assert "asks for 1 of 'a dog', the layout has 0" in server.requests[1]["messages"][-1]["content"]
    with ChatServer(one, '{"objects": []}') as server:
        answer = asked(server, prompt=prompt)
    assert len(answer.layout.objects) == 1 and any("no better" in note for note in answer.layout.notes)


def test_twice_unreadable_is_refused_with_the_reply():
    refused = pytest.raises(PromptUnderstandingError, match="twice.*Cats are great")
    with ChatServer("Cats are great.") as server, refused:
        asked(server)
    assert len(server.requests) == 2


# --- the cache ---


def test_the_same_question_is_asked_once(tmp_path):
    with ChatServer() as server:
        first = asked(server, folder=tmp_path)
        second = asked(server, folder=tmp_path)
        assert len(server.requests) == 1 and first == second
        for changed in ({"seed": 1}, {"model": "other"}, {"width": 768}, {"text": "a dog"}, {"temperature": 0.0}):
            asked(server, folder=tmp_path, **changed)
        assert len(server.requests) == 6


def test_failures_are_not_kept_and_broken_files_are_asked_again(tmp_path):
    with ChatServer(ways=("busy", "speak")) as server:
        with pytest.raises(PromptUnderstandingError):
            asked(server, folder=tmp_path)
        assert not list(tmp_path.iterdir())
        asked(server, folder=tmp_path)
        (file,) = tmp_path.iterdir()
        file.write_text("{broken", "utf-8")
        assert len(asked(server, folder=tmp_path).layout.objects) == 2
    assert len(server.requests) == 3


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("x", "utf-8")
    with ChatServer() as server:
        assert len(asked(server, folder=blocked / "inside").layout.objects) == 2


def test_old_answers_go(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MOST", 3)
    for number in range(6):
        cache.keep(tmp_path, f"{number}", "x")
    assert len(list(tmp_path.iterdir())) == 3


# --- whom, and with which key ---


@pytest.mark.parametrize(
    "url, expected",
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/chat/completions"),
        ("http://localhost:1234/v1/", "http://localhost:1234/v1/chat/completions"),
        ("http://[::1]:99/api/chat/completions", "http://[::1]:99/api/chat/completions"),
        ("https://127.0.0.1/v1", "https://127.0.0.1:443/v1/chat/completions"),
    ],
)
def test_addresses(url, expected):
    assert str(address_of(url, {})) == expected


NO_ADDRESS = ["", "hello", "ftp://127.0.0.1", "http://", "http://a:b@127.0.0.1/v1", "http://127.0.0.1:x", "file:///etc"]


@pytest.mark.parametrize("url", NO_ADDRESS)
def test_what_is_no_address(url):
    with pytest.raises(PromptUnderstandingError, match="no address"):
        address_of(url, {})


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "169.254.169.254", "127.0.0.1.example.com", "0.0.0.0"])
def test_other_computers_only_where_they_were_named(host):
    with pytest.raises(PromptUnderstandingError, match=HOSTS):
        address_of(f"https://{host}/v1", {})
    assert address_of(f"https://{host}/v1", {HOSTS: f"a.b, {host}"}).host == host
    assert address_of(f"https://{host}:8443/v1", {HOSTS: f"{host}:8443"}).port == 8443
    with pytest.raises(PromptUnderstandingError, match=HOSTS):
        address_of(f"https://{host}:8444/v1", {HOSTS: f"{host}:8443"})


def test_the_key_comes_from_the_environment_and_is_never_kept_or_sent_in_the_clear(tmp_path):
    with ChatServer() as server:
        asked(server, environment={KEY: " secret-key "}, folder=tmp_path)
    assert server.headers[0]["Authorization"] == "Bearer secret-key"
    assert "secret" not in "".join(file.read_text("utf-8") + file.name for file in tmp_path.iterdir())
    with pytest.raises(PromptUnderstandingError, match="unencrypted"):
        address_of("http://example.com/v1", {KEY: "secret-key", HOSTS: "example.com"})
