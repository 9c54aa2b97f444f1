"""From a layout to the picture: the pull of boxes on the attention, and LLM-grounded Diffusion as a whole."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..attention_hooks.host.install import with_guidance
from ..attention_hooks.losses.box_energy import BoxEnergy
from ..attention_hooks.optimize.schedule import IteratedSchedule, parse_iterations
from .guidance_nodes import engine_inputs, first_inputs, guidance_of, loss_inputs
from .sockets import LayoutSocket

CATEGORY = "prompt understanding/layout"
PAPER = IteratedSchedule()


class PULayoutGuidance(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="PULayoutGuidance",
            display_name="Layout Guidance",
            category=CATEGORY,
            description="Puts each thing into its box: with boxes for 'a cat to the left of a dog', the cat comes left "
            "and the dog right. In the first part of sampling each word is drawn into its box and kept out of the rest "
            "of the picture. The picture takes two to three times as long; memory as for one more picture. It chains "
            "with the other guidance nodes.",
            search_aliases=["boxes", "bounding boxes", "regions", "llm-grounded diffusion", "backward guidance"],
            inputs=[
                *first_inputs(PAPER.until),
                LayoutSocket.Input("layout", tooltip="What stands where, for example from Plan Layout."),
                *_schedule_inputs(),
                *loss_inputs(BoxEnergy),
                *engine_inputs(),
            ],
            outputs=[
                io.Model.Output(
                    tooltip="The guided model. Give it to the sampler, or chain more guidance: all of it shares one "
                    "pass."
                )
            ],
            hidden=[io.Hidden.unique_id],
        )  # fmt: skip

    @classmethod
    def execute(cls, model: Any, prompt: Any, **knobs: Any) -> io.NodeOutput:
        node_id = cls.hidden.unique_id if cls.hidden else None
        return io.NodeOutput(with_guidance(model, guidance_of(BoxEnergy, schedule_of(knobs), prompt, knobs, node_id)))


def _schedule_inputs() -> list[Any]:
    return [
        io.Float.Input(
            "step_size", default=PAPER.step_size, min=0.0, max=1000.0, step=0.5, advanced=True,
            tooltip="Length of one update at strength 1. 40 is the paper's on Stable Diffusion 1.5; Small World takes "
            "10.",
        ),
        io.String.Input(
            "iterations", default=", ".join(map(str, PAPER.iterations)), advanced=True,
            tooltip="At most so many updates a step: each number is for an equal part of the guided time. Fewer is "
            "faster. '1' is one update a step.",
        ),
        io.Float.Input(
            "enough", default=PAPER.enough, min=0.0, max=25.0, step=0.025, advanced=True,
            tooltip="A picture whose energy has come down to this is left alone from then on, which saves time. 0: "
            "never.",
        ),
    ]  # fmt: skip


def schedule_of(knobs: dict[str, Any]) -> IteratedSchedule:
    return IteratedSchedule(
        step_size=knobs["strength"] * knobs["step_size"],
        until=knobs["until"],
        iterations=parse_iterations(knobs["iterations"]),
        enough=knobs["enough"],
    )


NODES = [PULayoutGuidance]
