"""Layouts: what stands where, planned without a language model, drawn, or taken from boxes and masks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from comfy_api.latest import io, ui
from torch import Tensor

from ..errors import PromptUnderstandingError
from ..layouts.by_hand import by_hand, given_boxes
from ..layouts.planner import plan
from ..layouts.report import pixels, report
from ..layouts.types import Box, Layout
from ..plots.canvas import stack, to_pil
from ..plots.layout import drawn_size, layout_picture
from ..prompts import read_prompt
from ..prompts.types import ParsedPrompt
from .node import Node
from .sockets import LayoutSocket, ParsedPromptSocket

BoundingBoxSocket, ElementsSocket = io.Custom("BOUNDING_BOX"), io.Custom("ARRAY")
"""ComfyUI's own, by their names: older versions have no class for them."""


def canvas_inputs() -> list[Any]:
    """Width and height of the picture that the layout is for."""
    return [
        io.Int.Input(
            "width", default=512, min=16, max=16384, step=8,
            tooltip="Width of the picture in pixels. Boxes suit this shape: a layout for a wide picture is not one for "
            "a square one.",
        ),
        io.Int.Input("height", default=512, min=16, max=16384, step=8, tooltip="Height of the picture in pixels."),
    ]  # fmt: skip


def layout_result(layout: Layout, *others: Any) -> io.NodeOutput:
    """The layout and its report, which is shown in the node too."""
    text = report(layout)
    return io.NodeOutput(layout, text, *others, ui=ui.PreviewText(text))


class PUPlanLayout(Node, name="Plan Layout", room="layout"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
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
                    "seed", default=0, min=0, max=0xFFFFFFFF, control_after_generate=True,
                    tooltip="Another seed puts things elsewhere wherever the prompt leaves it open. The same seed "
                    "gives the same boxes.",
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
            f"{wanted} was asked for, but there is no prompt. Connect 'prompt' from Encode & Parse Prompt, or write "
            "what you want to see into 'text'."
        )
    return read_prompt(text)


class PUBoxesToLayout(Node, name="Boxes to Layout", room="layout"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Makes a layout of boxes you drew: with ComfyUI's Create Bounding Boxes, any other node that "
            "gives boxes, or masks (each mask's outline is one box). Takes a moment.",
            search_aliases=["draw boxes", "bounding box", "mask to box", "layout by hand", "regional"],
            inputs=[
                io.MultiType.Input(
                    "bboxes", [BoundingBoxSocket, ElementsSocket], optional=True,
                    tooltip="Boxes in pixels of the canvas below ('bboxes'), or 'elements' of Create Bounding Boxes, "
                    "which bring their captions.",
                ),
                io.Mask.Input(
                    "masks", optional=True, tooltip="One mask a thing; its outline becomes a box. After the boxes.",
                ),
                io.String.Input(
                    "captions", multiline=True, default="",
                    tooltip="What is in each box, one line a box in their order, such as 'a red cat'. Empty where the "
                    "boxes have captions of their own.",
                ),
                *canvas_inputs(),
                io.String.Input(
                    "background", multiline=True, default="", optional=True,
                    tooltip="The scene around the boxes. Empty: that of the prompt, or 'A realistic scene'.",
                ),
                io.String.Input(
                    "negative", default="", optional=True, tooltip="What the picture shall not show.",
                ),
                ParsedPromptSocket.Input(
                    "prompt", optional=True,
                    tooltip="From Encode & Parse Prompt. Then every box knows its word. Needed where the layout guides "
                    "this prompt.",
                ),
            ],
            outputs=[
                LayoutSocket.Output(display_name="layout", tooltip="Boxes, background and negative prompt."),
                io.String.Output(display_name="report", tooltip="The boxes in words, and what was repaired."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        captions: str,
        width: int,
        height: int,
        bboxes: Any = None,
        masks: Tensor | None = None,
        background: str = "",
        negative: str = "",
        prompt: ParsedPrompt | None = None,
    ) -> io.NodeOutput:
        boxes = [] if bboxes is None else given_boxes(bboxes, width, height)
        boxes += [] if masks is None else [(_outline(mask, number), "") for number, mask in enumerate(masks, 1)]
        if not boxes:
            raise PromptUnderstandingError("There are no boxes. Connect 'bboxes' or 'masks'.")
        return layout_result(by_hand(boxes, captions, width, height, background, negative, prompt))


def _outline(mask: Tensor, number: int) -> Box:
    """Smallest box that holds all of a mask [height width] above a half."""
    rows, columns = (mask > 0.5).any(1).nonzero().flatten(), (mask > 0.5).any(0).nonzero().flatten()
    if not len(rows):
        raise PromptUnderstandingError(f"Mask {number} is empty: no place of it is above 0.5, so it has no outline.")
    height, width = mask.shape
    return Box(
        int(columns[0]) / width, int(rows[0]) / height, (int(columns[-1]) + 1) / width, (int(rows[-1]) + 1) / height
    )


class PUPreviewLayout(Node, name="Preview Layout", room="layout"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Draws the boxes of a layout with their captions, on paper or over a picture, to see before "
            "sampling where things will stand and after it whether they do. Also gives a mask and a bounding box for "
            "each thing, for any other node. Takes a moment; with ComfyUI's 'Run (On Change)' it follows the text as "
            "you type.",
            search_aliases=["show boxes", "draw bounding boxes", "layout preview", "layout to mask", "regional masks"],
            is_output_node=True,
            inputs=[
                LayoutSocket.Input("layout", tooltip="From Plan Layout, Read Layout or Boxes to Layout."),
                io.Image.Input(
                    "image", optional=True, tooltip="A picture to draw the boxes over. Without it: paper.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The boxes, one picture an image."),
                io.Mask.Output(display_name="masks", tooltip="One for each box, as large as the drawing."),
                BoundingBoxSocket.Output(display_name="bboxes", tooltip="The boxes in pixels, for ComfyUI's nodes."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, layout: Layout, image: Tensor | None = None) -> io.NodeOutput:
        grounds = [None] if image is None else [to_pil(picture) for picture in image]
        pictures = stack([layout_picture(layout, ground) for ground in grounds])
        return io.NodeOutput(pictures, _masks(layout), _bounding_boxes(layout), ui=ui.PreviewImage(pictures, cls=cls))


def _masks(layout: Layout) -> Tensor:
    """[boxes height width]; one empty mask where there is no box, for a MASK has at least one."""
    width, height = drawn_size(layout)
    drawn = replace(layout, width=width, height=height)
    masks = torch.zeros(max(1, len(layout.objects)), height, width)
    for mask, thing in zip(masks, drawn.objects, strict=False):
        left, top, right, bottom = pixels(drawn, thing)
        mask[top:bottom, left:right] = 1.0
    return masks


def _bounding_boxes(layout: Layout) -> list[list[dict[str, Any]]]:
    """As Create Bounding Boxes gives them: one frame, each box with its caption."""
    frame = []
    for thing in layout.objects:
        left, top, right, bottom = pixels(layout, thing)
        box = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        frame.append({**box, "metadata": {"type": "obj", "text": "", "desc": thing.caption, "palette": []}})
    return [frame] if frame else []


NODES = [PUPlanLayout, PUBoxesToLayout, PUPreviewLayout]
