"""Prompt Guidance (auto): the losses are chosen from the parsed prompt, one strength for all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ..attention_hooks.host.install import with_guidance
from ..attention_hooks.host.settings import Guidance
from ..attention_hooks.losses.base import REGISTRY
from ..attention_hooks.losses.choice import Choice, choose
from .guidance_nodes import TEXTS, engine_inputs, first_inputs, guidance_of
from .node import Node


class PUPromptGuidance(Node, name="Prompt Guidance (auto)", room="guide"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Makes the picture follow the prompt without any theory: looks at what the prompt names and "
            "chooses. Things are brought back (Attend-and-Excite), several are kept apart (A-STAR), and colours stay "
            "with their own thing (SynGen). Its report says what it chose and why. Takes roughly a third more time, "
            "more where a subject resists.",
            search_aliases=["prompt adherence", "follow the prompt", "auto guidance", "semantic guidance"],
            inputs=[
                *first_inputs(until=0.5),
                io.Float.Input(
                    "step_size", default=20.0, min=0.0, max=1000.0, step=0.5, advanced=True,
                    tooltip="Length of one step at strength 1. 20 suits latent models at 512 pixels.",
                ),
                io.Float.Input(
                    "sharpness", default=100.0, min=1.0, max=1000.0, step=1.0, advanced=True,
                    tooltip="How strongly the brightest word wins a place (Attend-and-Excite's part).",
                ),
                io.Int.Input(
                    "max_refinements", default=20, min=0, max=100, advanced=True,
                    tooltip="Most extra passes at the moments where a picture that is behind is worked on repeatedly. "
                    "0 is fastest.",
                ),
                *engine_inputs(),
                # Behind the others: saved workflows know widgets by their place.
                io.Float.Input(
                    "binding", default=1.0, min=0.0, max=5.0, step=0.05, advanced=True,
                    tooltip="How hard colours are put on their own thing (SynGen), beside the rest. Less where colours "
                    "are right but things get lost; 0 leaves it out.",
                ),
                io.Float.Input(
                    "apart", default=1.0, min=0.0, max=5.0, step=0.05, advanced=True,
                    tooltip="How hard things are kept apart (A-STAR), beside the rest. 0 leaves it out.",
                ),
            ],
            outputs=[
                io.Model.Output(tooltip="The guided model. Give it to the sampler, or chain more guidance."),
                io.String.Output(display_name="why", tooltip="What was chosen for this prompt, and why."),
            ],
            hidden=[io.Hidden.unique_id],
        )  # fmt: skip

    @classmethod
    def execute(cls, model: Any, prompt: Any, **knobs: Any) -> io.NodeOutput:
        chosen = [choice for choice in choose(prompt) if _share(choice, knobs) > 0]
        for choice in chosen:
            node_id = cls.hidden.unique_id if cls.hidden and choice is chosen[0] else None
            model = with_guidance(model, _guidance(choice, prompt, knobs, node_id))
        return io.NodeOutput(model, "\n".join(f"{choice.why}." for choice in chosen))


def _guidance(choice: Choice, prompt: Any, knobs: dict[str, Any], node_id: str | None) -> Guidance:
    """The technique as its own node has it, but for the few knobs that are shared here."""
    schedule = replace(
        TEXTS[choice.loss].schedule,
        step_size=knobs["strength"] * knobs["step_size"] * _share(choice, knobs),
        until=knobs["until"],
        max_refinements=knobs["max_refinements"],
    )
    return guidance_of(REGISTRY[choice.loss], schedule, prompt, knobs, node_id, f"Chosen: {choice.why}.")


SHARES = {"syngen": "binding", "a_star": "apart"}
"""Loss -> the knob that says how far it steps beside Attend-and-Excite."""


def _share(choice: Choice, knobs: dict[str, Any]) -> float:
    return knobs[SHARES[choice.loss]] if choice.loss in SHARES else 1.0


NODES = [PUPromptGuidance]
