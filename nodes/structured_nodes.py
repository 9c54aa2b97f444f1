"""Structured Diffusion: the prompt's noun phrases, each encoded alone, beside the prompt."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..attention_hooks.edits.structured import MODES, Phrase
from ..attention_hooks.host.conditioning.encoding import encode_phrase
from ..attention_hooks.host.editing.attention_values import check_width, with_value_edit
from ..errors import PromptUnderstandingError
from ..prompts.noun_phrases import as_written, noun_phrases
from ..prompts.types import ParsedPrompt
from .node import Node, with_report
from .sockets import ParsedPromptSocket


class PUStructuredDiffusion(Node, name="Structured Diffusion", room="condition"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Helps attributes stay with their own thing: every noun phrase ('a red car') is also encoded "
            "alone, without the rest of the prompt, and paints with that meaning. The layout hardly changes and many "
            "pictures stay nearly the same; it brings back no missing thing. Takes no measurable time.",
            search_aliases=["structure diffusion", "attribute binding", "colour leak", "noun phrase"],
            inputs=[
                io.Model.Input("model", tooltip="The model to sample with: Stable Diffusion 1.x, 2.x, SDXL or Shapes."),
                io.Clip.Input("clip", tooltip="The text encoder that Encode & Parse Prompt uses."),
                ParsedPromptSocket.Input(
                    "prompt", tooltip="From Encode & Parse Prompt (or Pick Subjects): whose noun phrases are used."
                ),
                io.Float.Input(
                    "strength", default=1.0, min=0.0, max=2.0, step=0.05,
                    tooltip="How far each phrase's own meaning takes the place of the one it has in the whole prompt. "
                    "1 is the paper's, 0 leaves the picture exactly as it was.",
                ),
                io.Combo.Input(
                    "mode", options=list(MODES), default="one key set", advanced=True,
                    tooltip="'one key set' is the paper's. 'several key sets' also looks for places with every phrase, "
                    "which the authors advise for prompts of the form 'A and B'; it costs one more cross-attention "
                    "for each phrase.",
                ),
            ],
            outputs=[
                io.Model.Output(tooltip="For the sampler, whose positive input takes the same prompt's conditioning."),
                io.String.Output(display_name="report", tooltip="The noun phrases and where they lie."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, model: Any, clip: Any, prompt: ParsedPrompt, strength: float, mode: str) -> io.NodeOutput:
        phrases = tuple(
            encode_phrase(clip, prompt, phrase, as_written(prompt, phrase)) for phrase in _noun_phrases(prompt)
        )
        check_width(model, phrases[0].vectors.shape[-1])
        report = "\n".join(map(_line, phrases))
        if strength:
            model = with_value_edit(model, prompt, MODES[mode](phrases, strength))
        return with_report(report, model)


def _noun_phrases(prompt: ParsedPrompt) -> list[Any]:
    phrases = [phrase for phrase in noun_phrases(prompt) if phrase.positions]
    if not phrases:
        raise PromptUnderstandingError(
            f"Structured Diffusion was asked for, but no noun phrase of two or more words was found inside the prompt "
            f"{prompt.plain!r}. Describe a thing within a longer prompt, such as 'a red car and a white sheep', or "
            "name it with Pick Subjects."
        )
    return phrases


def _line(phrase: Phrase) -> str:
    return f"{phrase.text}: {', '.join(map(str, phrase.positions))}"


NODES = [PUStructuredDiffusion]
