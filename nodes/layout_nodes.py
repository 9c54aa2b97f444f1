"""Layouts: what stands where, planned without a language model, drawn, or taken from boxes and masks."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui

from ..errors import PromptUnderstandingError
from ..layouts.planner import plan
from ..layouts.report import report
from ..layouts.types import Layout
from ..prompts import read_prompt
from ..prompts.types import ParsedPrompt
from .sockets import LayoutSocket, ParsedPromptSocket

CATEGORY = "prompt understanding/layout"


def canvas_inputs() -> list[Any]:
    """Width and height of the picture that the layout is for."""
    return [
        io.Int.Input(
            "width", default=512, min=16, max=16384, step=8,
            tooltip="Width of the picture in pixels. Boxes suit this shape: a layout for a wide picture is not one for a "
            "square one.",
        ),
        io.Int.Input("height", default=512, min=16, max=16384, step=8, tooltip="Height of the picture in pixels."),
    ]  # fmt: skip


def layout_result(layout: Layout, *others: Any) -> io.NodeOutput:
    """The layout and its report, which is shown in the node too."""
    text = report(layout)
    return io.NodeOutput(layout, text, *others, ui=ui.PreviewText(text))


class PUPlanLayout(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="PUPlanLayout",
            display_name="Plan Layout",
            category=CATEGORY,
            description="Decides where each thing of the prompt stands, how large it is and how many there are: 'three "
            "frogs' become three boxes, 'a cat to the left of a dog' puts them so, 'without cups' goes into the "
            "negative prompt. Needs no language model. The picture does not change until a node uses the layout. Takes "
            "a tenth of a second to two.",
            search_aliases=["layout", "bounding boxes", "planner", "count", "left of", "LMD", "regions"],
            inputs=[
                ParsedPromptSocket.Input(
                    "prompt", optional=True,
                    tooltip="From Encode & Parse Prompt or Pick Subjects. Connect it where the layout will guide the "
                    "same prompt; leave it empty to write the text here.",
                ),
                io.String.Input(
                    "text", multiline=True, default="", optional=True,
                    tooltip="What you want to see, in plain English. Used only where no prompt is connected.",
                ),
                *canvas_inputs(),
                io.Int.Input(
                    "seed", default=0, min=0, max=0xFFFFFFFF,
                    tooltip="Another seed puts things elsewhere wherever the prompt leaves it open. The same seed gives the "
                    "same boxes.",
                ),
            ],
            outputs=[
                LayoutSocket.Output(display_name="layout", tooltip="Boxes, background and negative prompt."),
                io.String.Output(display_name="report", tooltip="The boxes in words, and what could not be placed."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, width: int, height: int, seed: int, prompt: ParsedPrompt | None = None, text: str = ""
    ) -> io.NodeOutput:
        return layout_result(plan(_prompt(prompt, text, "A layout"), width, height, seed))


def _prompt(prompt: ParsedPrompt | None, text: str, wanted: str) -> ParsedPrompt:
    if prompt is not None:
        return prompt
    if not text.strip():
        raise PromptUnderstandingError(
            f"{wanted} was asked for, but there is no prompt. Connect 'prompt' from Encode & Parse Prompt, or write what "
            "you want to see into 'text'."
        )
    return read_prompt(text)


NODES = [PUPlanLayout]
