"""The conversation: instructions, the answer, one more round that shows the model what was wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import PromptUnderstandingError
from ...prompts.types import ParsedPrompt
from ..instructions import JSON, instructions, schema
from ..reading.reply import read_reply
from ..types import Layout
from .address import Address
from .cache import keep, kept, mark_of
from .client import SHOWN, Refused, post

COUNTED = "The prompt asks for "
"""How a note of Read Layout begins that a second round may mend."""
NO_SCHEMA = (400, 404, 415, 422, 500, 501)
"""What servers answer that do not know `response_format`, or not beside other fields."""


@dataclass(frozen=True)
class Question:
    text: str
    width: int
    height: int
    model: str
    form: str = JSON
    temperature: float = 0.25
    """The paper's."""
    seed: int = 0
    most_tokens: int = 1500
    stream: bool = True


@dataclass(frozen=True)
class Answer:
    layout: Layout
    reply: str
    """Of the last round."""


def ask(
    question: Question,
    address: Address,
    seconds: float,
    go_on: Callable[[], None],
    folder: Path | None = None,
    prompt: ParsedPrompt | None = None,
) -> Answer:
    """`folder` keeps answers; None keeps none. Raises PromptUnderstandingError, and whatever `go_on` raises."""
    messages = [
        {"role": "user", "content": instructions(question.text, question.width, question.height, question.form)}
    ]
    first = _say(question, address, messages, seconds, go_on, folder)
    layout, wrong = _read(first, question, prompt)
    if not wrong:
        return Answer(_told(layout), first)
    messages += [{"role": "assistant", "content": first}, {"role": "user", "content": _objection(wrong)}]
    second = _say(question, address, messages, seconds, go_on, folder)
    again, still_wrong = _read(second, question, prompt)
    if again is None and layout is None:
        raise PromptUnderstandingError(
            f"The model {question.model!r} gave no layout that can be read, twice. The last time: {still_wrong} Its "
            f"reply begins: {second.strip()[:SHOWN]!r}. Try another model or 'form', or use Plan Layout."
        )
    if again is None or layout is not None and _misses(again) > _misses(layout):
        return Answer(_told(layout, "A second round with the model made it no better."), first)
    return Answer(_told(again, f"The model was shown once what was wrong: {wrong}"), second)


def _told(layout: Layout | None, note: str = "") -> Layout:
    assert layout is not None
    return replace(layout, notes=(*layout.notes, note)) if note else layout


def _read(reply: str, question: Question, prompt: ParsedPrompt | None) -> tuple[Layout | None, str]:
    """(layout, what is wrong with it); None where it cannot be read."""
    try:
        layout = read_reply(reply, question.width, question.height, prompt)
    except PromptUnderstandingError as refusal:
        return None, str(refusal)
    return layout, " ".join(note for note in layout.notes if note.startswith(COUNTED))


def _misses(layout: Layout) -> int:
    return sum(note.startswith(COUNTED) for note in layout.notes)


def _objection(wrong: str) -> str:
    return f"That cannot be used: {wrong}\nAnswer again with the whole corrected layout in the same form, nothing else."


def _say(
    question: Question,
    address: Address,
    messages: list[dict[str, str]],
    seconds: float,
    go_on: Callable[[], None],
    folder: Path | None,
) -> str:
    mark = mark_of({"url": str(address), "messages": messages, **asdict(question)})
    reply = None if folder is None else kept(folder, mark)
    if reply is None:
        reply = _from_server(question, address, messages, seconds, go_on)
        if folder is not None and reply.strip():
            keep(folder, mark, reply)
    return reply


def _from_server(
    question: Question, address: Address, messages: list[dict[str, str]], seconds: float, go_on: Callable[[], None]
) -> str:
    """With a schema where the server takes one."""
    request: dict[str, Any] = {
        "model": question.model, "messages": messages, "temperature": question.temperature, "seed": question.seed,
        "max_tokens": question.most_tokens, "stream": question.stream,
    }  # fmt: skip
    try:
        if question.form != JSON:
            return post(address, request, seconds, go_on)
        try:
            return post(address, {**request, "response_format": _held_to()}, seconds, go_on)
        except Refused as refused:
            if refused.status not in NO_SCHEMA:
                raise
            return post(address, request, seconds, go_on)
    except Refused as refused:
        raise PromptUnderstandingError(_why(refused, address, question.model)) from None


def _held_to() -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "layout", "strict": True, "schema": schema()}}


def _why(refused: Refused, address: Address, model: str) -> str:
    said = f" It says: {' '.join(refused.text.split())[:SHOWN]!r}." if refused.text.strip() else ""
    if 300 <= refused.status < 400:
        return (
            f"The server at {address} sends on to another address, which is not followed.{said} Write that into 'url'."
        )
    if refused.status in (401, 403):
        return (
            f"The server at {address} wants a key or refuses it.{said} Put it into the environment variable "
            "PROMPT_UNDERSTANDING_LLM_KEY and start ComfyUI again."
        )
    if refused.status == 404:
        return f"The server at {address} does not know this address or the model {model!r}.{said}"
    if refused.status == 429:
        return f"The server at {address} has too many requests.{said} Wait a little."
    return f"The server at {address} refused with status {refused.status}.{said}"
