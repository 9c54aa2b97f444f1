"""Keep the attention maps of a run for the nodes that look at them."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..attention_hooks.capture.sites import CHOICES
from ..attention_hooks.host.install import with_capture
from ..attention_hooks.host.settings import Capture
from ..errors import PromptUnderstandingError
from .node import Node
from .sockets import ParsedPromptSocket

MEAN = "mean over the steps"
EACH = "each step"


class PUCaptureAttention(Node, name="Capture Attention", room="look"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Keeps what each word looked at while the picture was made; the picture itself stays exactly "
            "the same. Give this MODEL to the sampler and to Attention Heat Map. Costs a few per cent of time.",
            search_aliases=["attention map", "heat map", "daam", "word mask"],
            inputs=[
                io.Model.Input("model", tooltip="Put this node last, after guidance and other model patches."),
                ParsedPromptSocket.Input(
                    "prompt", optional=True,
                    tooltip="Whose words to capture, where the sampler gets several positive conditionings. Without "
                    "it: the first one's.",
                ),
                io.Combo.Input(
                    "sites", options=list(CHOICES), default="quarter",
                    tooltip="Size of the maps against the latent's: 'quarter' shows clear objects; 'half' is finer "
                    "and noisier; 'all' keeps every layer and takes the most memory.",
                ),
                io.Combo.Input(
                    "keep", options=[MEAN, EACH], default=MEAN,
                    tooltip="One map for the whole run, or one for each step (takes as many times the memory as "
                    "there are steps).",
                ),
                io.Float.Input(
                    "start", default=0.0, min=0.0, max=1.0, step=0.05, advanced=True,
                    tooltip="From which part of sampling on, 0 to 1.",
                ),
                io.Float.Input(
                    "until", default=1.0, min=0.0, max=1.0, step=0.05, advanced=True,
                    tooltip="Up to which part of sampling, 0 to 1. The first half shows where things are put, the "
                    "second their detail.",
                ),
            ],
            outputs=[io.Model.Output(tooltip="Give it to the sampler and to Attention Heat Map.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, model: Any, sites: str, keep: str, start: float, until: float, prompt: Any = None
    ) -> io.NodeOutput:
        if start > until:
            raise PromptUnderstandingError(
                f"Capture was asked to run from {start:g} until {until:g}. Both lie between 0 and 1, start first."
            )
        return io.NodeOutput(with_capture(model, Capture(sites, start, until, keep == EACH, prompt)))


NODES = [PUCaptureAttention]
