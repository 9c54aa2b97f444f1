"""Composable Diffusion: AND and NOT over any number of prompts, each a pass of its own."""

from __future__ import annotations

from typing import Any

import comfy.samplers
from comfy_api.latest import io

from ..attention_hooks.host.predictions.composition import Composition, with_composition
from ..prompts.conjunctions import read_conjunction, without
from .encoding import encode_prompt
from .node import Node, with_report
from .sockets import CompositionSocket

COST = (
    "Each prompt is a pass of its own: n prompts take at most (n + 1) / 2 times as long as one, less where they fit "
    "into memory together."
)


class PUComposablePrompt(Node, name="Composable Prompt", room="condition"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Adds one prompt to a composition for Composable Diffusion. Chain one of these for each thing "
            f"that should be in the picture, or, with a weight below 0, should not be. {COST}",
            search_aliases=["and", "not", "composable diffusion", "combine prompts"],
            inputs=[
                io.Conditioning.Input(
                    "conditioning",
                    tooltip="The prompt. Areas, masks, ControlNet and timestep ranges that it carries count for it "
                    "alone.",
                ),
                io.Float.Input(
                    "weight", default=1.0, min=-10.0, max=10.0, step=0.05,
                    tooltip="How hard this prompt pulls, times the sampler's cfg. 1 is a prompt's usual pull, below 0 "
                    "pushes away from it (NOT), 0 leaves it out and costs nothing. High sums oversaturate.",
                ),
                CompositionSocket.Input(
                    "composition", optional=True,
                    tooltip="The prompts so far, from another Composable Prompt or Compose Text.",
                ),
            ],
            outputs=[
                CompositionSocket.Output(
                    display_name="composition", tooltip="For the next Composable Prompt, or Composable Diffusion."
                )
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, conditioning: Any, weight: float, composition: Any = None) -> io.NodeOutput:
        return io.NodeOutput((composition or Composition()).with_prompt(conditioning, weight))


class PUComposeText(Node, name="Compose Text", room="condition"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Writes a whole composition in one text: 'a red circle AND a blue star AND NOT a moon'. Each "
            f"prompt between the ANDs is encoded alone. For Composable Diffusion. {COST}",
            search_aliases=["and", "not", "composable diffusion", "prompt conjunction"],
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder of the model that draws the picture."),
                io.String.Input(
                    "text", multiline=True, dynamic_prompts=True,
                    tooltip="Prompts joined by AND in capitals; NOT in front of one pushes away from it. A number "
                    "behind a colon at the end of a prompt is its weight: 'a moon:0.5'.",
                ),
                CompositionSocket.Input(
                    "composition", optional=True, tooltip="Prompts to add these to, from Composable Prompt."
                ),
                io.Float.Input(
                    "denied", default=0.0, min=0.0, max=10.0, step=0.05, optional=True, advanced=True,
                    tooltip="Pushes away from what the text says is not there: with 0.5, 'a man without a hat' is "
                    "'a man without a hat AND NOT hat:0.5'. Each thing is one more pass. 0 leaves the text as it is.",
                ),
            ],
            outputs=[
                CompositionSocket.Output(display_name="composition", tooltip="For Composable Diffusion."),
                io.String.Output(display_name="report", tooltip="The prompts and their weights."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, clip: Any, text: str, composition: Any = None, denied: float = 0.0) -> io.NodeOutput:
        composition, lines = composition or Composition(), []
        for part in read_conjunction(text):
            conditioning, prompt = encode_prompt(clip, part.text)
            unwanted = without(prompt, part.weight, denied)
            composition = composition.with_prompt(conditioning, part.weight)
            for other in unwanted:
                composition = composition.with_prompt(encode_prompt(clip, other.text)[0], other.weight)
            lines += [f"{found.weight:+g}  {found.text}" for found in (part, *unwanted)]
        report = "\n".join(lines)
        return with_report(report, composition)


class PUComposableDiffusion(Node, name="Composable Diffusion", room="condition"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Draws several prompts into one picture by adding up what each of them would change, where "
            "Conditioning (Combine) takes their average. Good for combining a scene with a style or for NOT; prompts "
            f"of two things often blend into one thing. Connect both outputs to the sampler. {COST}",
            search_aliases=["and", "not", "compose", "combine prompts", "negative guidance"],
            inputs=[
                io.Model.Input("model", tooltip="The model to sample with."),
                CompositionSocket.Input("composition", tooltip="From Composable Prompt or Compose Text."),
            ],
            outputs=[
                io.Model.Output(tooltip="For the sampler."),
                io.Conditioning.Output(
                    display_name="positive",
                    tooltip="All prompts, for the sampler's positive input. With another MODEL ComfyUI would average "
                    "them, those with NOT too.",
                ),
            ],
        )

    @classmethod
    def execute(cls, model: Any, composition: Composition) -> io.NodeOutput:
        conditioning = composition.conditioning()
        return io.NodeOutput(with_composition(model, composition), conditioning)


class PUComposableGuider(Node, name="Composable Guider", room="condition"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Composable Diffusion for SamplerCustomAdvanced: several prompts, with AND and NOT, in one "
            f"picture. {COST}",
            search_aliases=["and", "not", "cfg guider", "composable diffusion"],
            inputs=[
                io.Model.Input("model", tooltip="The model to sample with."),
                CompositionSocket.Input("composition", tooltip="From Composable Prompt or Compose Text."),
                io.Conditioning.Input(
                    "negative", tooltip="What every prompt is measured from; usually an empty prompt, as in the paper."
                ),
                io.Float.Input(
                    "cfg", default=7.5, min=0.0, max=100.0, step=0.1,
                    tooltip="Multiplies the weight of every prompt. More follows them closer and oversaturates.",
                ),
            ],
            outputs=[io.Guider.Output(tooltip="For SamplerCustomAdvanced.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, model: Any, composition: Composition, negative: Any, cfg: float) -> io.NodeOutput:
        conditioning = composition.conditioning()
        guider = comfy.samplers.CFGGuider(with_composition(model, composition))
        guider.set_conds(conditioning, negative)
        guider.set_cfg(cfg)
        return io.NodeOutput(guider)


NODES = [PUComposablePrompt, PUComposeText, PUComposableDiffusion, PUComposableGuider]
