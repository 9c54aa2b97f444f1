"""Layouts and text: instructions for any language model, its reply, and prompts for models that read boxes."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui

from ..errors import PromptUnderstandingError
from ..layouts import forms, instructions
from ..layouts.reading.coordinates import ORDERS, UNITS
from ..layouts.reading.reply import Wish, read_reply
from ..layouts.types import Layout
from ..prompts.types import ParsedPrompt
from .layout_nodes import canvas_inputs, layout_result
from .node import Node
from .sockets import LayoutSocket, ParsedPromptSocket

AUTO = "auto"


def reading_inputs() -> list[Any]:
    """Canvas, the prompt to check against, and what the user knows of the numbers."""
    return [
        *canvas_inputs(),
        ParsedPromptSocket.Input(
            "prompt", optional=True,
            tooltip="From Encode & Parse Prompt. Then counts are checked, boxes know which word they belong to, and "
            "what the prompt denies is left out. Needed where the layout guides this prompt.",
        ),
        io.Combo.Input(
            "order", options=[AUTO, *ORDERS.values()], default=AUTO, optional=True, advanced=True,
            tooltip="What the four numbers of a box are. 'auto' finds it out and the report says what it took; set it "
            "where boxes come out in the wrong places.",
        ),
        io.Combo.Input(
            "unit", options=[AUTO, *UNITS.values()], default=AUTO, optional=True, advanced=True,
            tooltip="What the numbers count: pixels, fractions, thousandths. 'auto' finds it out.",
        ),
    ]  # fmt: skip


def wish_of(order: str, unit: str) -> Wish:
    named_orders, named_units = ({words: key for key, words in names.items()} for names in (ORDERS, UNITS))
    return Wish(named_orders.get(order), named_units.get(unit))


class PUReadLayout(Node, name="Read Layout", room="layout"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Turns the reply of any language model, or boxes pasted by hand, into a layout: JSON, the form "
            "of LLM-grounded Diffusion, lists, tables, what other models read, with the usual mistakes. Repairs what "
            "is safe, says what it repaired and in which order the numbers were read, and names the line of what it "
            "refuses. The text is never run as code. Takes a moment.",
            search_aliases=["layout", "bounding boxes", "json boxes", "llm reply", "parse boxes", "LMD"],
            inputs=[
                io.String.Input(
                    "text", multiline=True, default="",
                    tooltip="The whole reply, with whatever is around the boxes. Connect a language model's STRING, or "
                    "paste it here.",
                ),
                *reading_inputs(),
            ],
            outputs=[
                LayoutSocket.Output(display_name="layout", tooltip="Boxes, background and negative prompt."),
                io.String.Output(display_name="report", tooltip="The boxes in words, and what was repaired."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, text: str, width: int, height: int, prompt: ParsedPrompt | None = None, order: str = AUTO, unit: str = AUTO
    ) -> io.NodeOutput:
        return layout_result(read_reply(text, width, height, prompt, wish_of(order, unit)))


class PULayoutInstructions(Node, name="Layout Instructions", room="layout"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Writes the text that asks any language model for a layout of your prompt: paste it into a "
            "chat, or connect it to a node that generates text. Give the reply to Read Layout. The prompt may be in "
            "any language; captions come back in English. Takes no time.",
            search_aliases=["llm prompt", "system prompt", "layout", "LMD", "few-shot"],
            inputs=[
                io.String.Input(
                    "text", multiline=True, default="", tooltip="What you want to see, in any language.",
                ),
                *canvas_inputs(),
                io.Combo.Input(
                    "form", options=list(instructions.FORMS), default=instructions.JSON,
                    tooltip="'JSON' suits most models; every number has its name, so none is mixed up. 'paper' is the "
                    "shorter form of LLM-grounded Diffusion, which small models may manage better.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="instructions", tooltip="The whole text, the prompt at its end."),
                io.String.Output(
                    display_name="schema", tooltip="JSON schema of the answer, for programs that hold a model to it.",
                ),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, text: str, width: int, height: int, form: str) -> io.NodeOutput:
        if not text.strip():
            raise PromptUnderstandingError("There is no prompt. Write what you want to see into 'text'.")
        asked = instructions.instructions(text, width, height, form)
        return io.NodeOutput(asked, instructions.schema_text(), ui=ui.PreviewText(asked))


class PULayoutToPrompt(Node, name="Layout to Prompt", room="layout"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Writes the layout into the prompt of a model that reads boxes there: Ideogram 4, FLUX.3 "
            "Klein, MOSS-Image. Connect the text to that model's text encoder. Also as JSON for other programs, or "
            "in words alone for models that read no boxes. Takes no time.",
            search_aliases=["ideogram", "flux 3", "moss image", "box prompt", "regional prompt", "json prompt"],
            inputs=[
                LayoutSocket.Input("layout", tooltip="From Plan Layout, Read Layout or Boxes to Layout."),
                io.Combo.Input(
                    "form", options=list(forms.FORMS), default="Ideogram 4",
                    tooltip="Which model will read it. A wrong one draws the JSON as text, or ignores it.",
                ),
                io.String.Input(
                    "text", multiline=True, default="", optional=True,
                    tooltip="The description of the whole picture. Empty: background and captions. For FLUX.3 Klein it "
                    "may cite boxes as <obj_1>, <obj_2>; where it does not, citations are added.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="prompt", tooltip="For the model's text encoder."),
                io.String.Output(
                    display_name="negative", tooltip="What shall not be there, for models with a negative prompt.",
                ),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, layout: Layout, form: str, text: str = "") -> io.NodeOutput:
        written = forms.FORMS[form](layout, text.strip())
        return io.NodeOutput(written, layout.negative, ui=ui.PreviewText(written))


NODES = [PUReadLayout, PULayoutInstructions, PULayoutToPrompt]
