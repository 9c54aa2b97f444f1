"""Ask a language model behind a URL for a layout."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import folder_paths
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy_api.latest import io

from ..errors import PromptUnderstandingError
from ..layouts import instructions
from ..layouts.asking.address import address_of
from ..layouts.asking.ask import Question, ask
from ..prompts.types import ParsedPrompt
from .layout_nodes import canvas_inputs, layout_result
from .node import Node
from .sockets import LayoutSocket, ParsedPromptSocket


class PUAskLayout(Node, name="Ask LLM for Layout", room="layout"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Lets a language model place the things of the prompt: any OpenAI-compatible server, such as "
            "llama.cpp, Ollama, LM Studio or vLLM on this computer. It understands what the planner does not, and any "
            "language. What cannot be read is shown to the model once. Takes as long as the model writes, a second "
            "time nothing; the server's memory is its own.",
            search_aliases=["openai", "ollama", "llama.cpp", "vllm", "lm studio", "chat", "LMD", "llm layout"],
            inputs=[
                io.String.Input("text", multiline=True, default="", tooltip="What you want to see, in any language."),
                io.String.Input(
                    "url", default="http://127.0.0.1:11434/v1",
                    tooltip="The server. llama.cpp: http://127.0.0.1:8080/v1, Ollama: http://127.0.0.1:11434/v1. Other "
                    "computers must be allowed by whoever runs ComfyUI; see the help page.",
                ),
                io.String.Input("model", default="", tooltip="The model as the server calls it, such as qwen3:8b."),
                *canvas_inputs(),
                ParsedPromptSocket.Input(
                    "prompt", optional=True,
                    tooltip="From Encode & Parse Prompt. Then counts are checked, and a model that miscounted is told "
                    "so once. Needed where the layout guides this prompt.",
                ),
                io.Combo.Input(
                    "form", options=list(instructions.FORMS), default=instructions.JSON, optional=True, advanced=True,
                    tooltip="'JSON' holds the model to a schema where the server can. 'paper' is shorter; small models "
                    "may manage it better.",
                ),
                io.Float.Input(
                    "temperature", default=0.25, min=0.0, max=2.0, step=0.05, optional=True, advanced=True,
                    tooltip="0 gives the same layout again, higher ones vary more and err more.",
                ),
                io.Int.Input(
                    "seed", default=0, min=0, max=0x7FFFFFFF, control_after_generate=True, optional=True,
                    tooltip="Another seed, another answer, where the server takes seeds.",
                ),
                io.Int.Input(
                    "timeout", default=120, min=1, max=3600, optional=True, advanced=True,
                    tooltip="Seconds that each answer may take. Cancelling works at any moment.",
                ),
                io.Boolean.Input(
                    "stream", default=True, optional=True, advanced=True,
                    tooltip="Let the server send the answer as it writes. Switch it off for servers that cannot.",
                ),
                io.Boolean.Input(
                    "keep_answers", default=True, optional=True, advanced=True,
                    tooltip="Keep answers on disk: the same question is not asked twice, even after a restart.",
                ),
            ],
            outputs=[
                LayoutSocket.Output(display_name="layout", tooltip="Boxes, background and negative prompt."),
                io.String.Output(display_name="report", tooltip="The boxes in words, and what was repaired."),
                io.String.Output(display_name="reply", tooltip="What the model wrote, to look at or to edit."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        text: str,
        url: str,
        model: str,
        width: int,
        height: int,
        prompt: ParsedPrompt | None = None,
        form: str = instructions.JSON,
        temperature: float = 0.25,
        seed: int = 0,
        timeout: int = 120,
        stream: bool = True,
        keep_answers: bool = True,
    ) -> io.NodeOutput:
        wanted = text.strip() or (prompt.plain.strip() if prompt is not None else "")
        _check(wanted, model)
        question = Question(wanted, width, height, model.strip(), form, temperature, seed, stream=stream)
        folder = answers_folder() if keep_answers else None
        address = address_of(url, os.environ)
        answer = ask(question, address, timeout, throw_exception_if_processing_interrupted, folder, prompt)
        return layout_result(answer.layout, answer.reply)


def _check(text: str, model: Any) -> None:
    if not text:
        raise PromptUnderstandingError("There is no prompt. Write what you want to see into 'text'.")
    if not model.strip():
        raise PromptUnderstandingError(
            "No model was named. Write its name as the server knows it into 'model'; llama.cpp takes any."
        )


def answers_folder() -> Path:
    return Path(folder_paths.get_user_directory()) / "prompt_understanding" / "layout_answers"


NODES = [PUAskLayout]
