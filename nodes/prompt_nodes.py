"""Understand the prompt: encode and parse it, pick its subjects by hand."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..prompts import pick_subjects, report
from ..prompts.pipelines import AUTO, pipeline_choices
from ..prompts.types import ParsedPrompt
from .encoding import encode_prompt
from .node import Node, with_report
from .sockets import ParsedPromptSocket


class PUEncodePrompt(Node, name="Encode & Parse Prompt"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Encodes a prompt as CLIP Text Encode does, and finds the things it names, the words that "
            "describe them, and where each word lies in the text encoder. The picture does not change by itself: "
            "guidance and heat maps need the second output. Takes a few milliseconds more than CLIP Text Encode.",
            search_aliases=["clip text encode", "parse prompt", "subjects", "tokens", "prompt understanding"],
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder of the model that draws the picture."),
                io.String.Input(
                    "text", multiline=True, dynamic_prompts=True,
                    tooltip="What you want to see, in plain English: 'a red crown and a blue bowl'. Weights such as "
                    "(red:1.3) and embedding:name work as always.",
                ),
                io.Combo.Input(
                    "parser", options=pipeline_choices(), default=AUTO, advanced=True, optional=True,
                    tooltip="Who reads the sentence. 'auto' takes the small model that comes with this pack: on "
                    "prompts it is the best of those measured. Change it when a subject in the report is wrong.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(tooltip="For the sampler, as from CLIP Text Encode."),
                ParsedPromptSocket.Output(
                    display_name="prompt", tooltip="Subjects and positions of words, for guidance and heat maps."
                ),
                io.String.Output(display_name="report", tooltip="What was understood, with every token's position."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, clip: Any, text: str, parser: str = AUTO) -> io.NodeOutput:
        conditioning, prompt = encode_prompt(clip, text, parser)
        return with_report(report(prompt), conditioning, prompt)


class PUPickSubjects(Node, name="Pick Subjects"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Guidance strengthens the words written here, and no others. Use it where the parser missed "
            "a subject or took one too many. Takes no time.",
            search_aliases=["choose words", "token indices", "subjects by hand"],
            inputs=[
                ParsedPromptSocket.Input("prompt", tooltip="From Encode & Parse Prompt."),
                io.String.Input(
                    "words", multiline=True, default="",
                    tooltip="Words of the prompt, separated by commas or lines: 'turtle, red crown#2'. The last word "
                    "of each is the thing, those before describe it. '#2' is the second time it comes. '*' takes all "
                    "that was found, '*, -turtle' all but the turtle; the report names what was found.",
                ),
                io.String.Input(
                    "excluded", default="", optional=True, advanced=True,
                    tooltip="Words of the prompt that should not be in the picture, separated by commas, in place of "
                    "those the parser found. Nothing strengthens them. Empty keeps what was found.",
                ),
            ],
            outputs=[
                ParsedPromptSocket.Output(display_name="prompt", tooltip="The same prompt with these subjects."),
                io.String.Output(display_name="report", tooltip="What guidance will see."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, prompt: ParsedPrompt, words: str, excluded: str = "") -> io.NodeOutput:
        picked = pick_subjects(prompt, words, excluded)
        return with_report(report(picked, parsed=prompt), picked)


NODES = [PUEncodePrompt, PUPickSubjects]
