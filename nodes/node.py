"""What all nodes of the pack say in the same way."""

from __future__ import annotations

from typing import Any, ClassVar

from comfy_api.latest import io, ui

MENU = "prompt understanding"


class Node(io.ComfyNode):
    """`class PURefine(Node, name="Refine", room="edit")`: the class's name is the node's id, which saved workflows know
    it by, `name` what people see, `room` its place in the menu. `define_schema` gives the rest to `schema`."""

    ID: ClassVar[str]
    NAME: ClassVar[str]
    ROOM: ClassVar[str]

    def __init_subclass__(cls, name: str = "", room: str = "", id: str = "", **keywords: Any) -> None:
        """ComfyUI makes a nameless copy of the class for each run, which stays what it is a copy of."""
        super().__init_subclass__(**keywords)
        if name:
            cls.ID, cls.NAME, cls.ROOM = id or cls.__name__, name, room

    @classmethod
    def schema(cls, **said: Any) -> io.Schema:
        category = f"{MENU}/{cls.ROOM}" if cls.ROOM else MENU
        return io.Schema(node_id=cls.ID, display_name=cls.NAME, category=category, **said)


def with_report(text: str, *outputs: Any) -> io.NodeOutput:
    """The outputs, then the text as the last of them; the text is also shown on the node."""
    return io.NodeOutput(*outputs, text, ui=ui.PreviewText(text))
