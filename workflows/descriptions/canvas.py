"""A workflow as a list of nodes with their places on the canvas."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class Link(tuple[int, int]):
    """Node id and output number."""


@dataclass
class Node:
    id: int
    class_type: str
    at: tuple[int, int]
    size: tuple[int, int]
    inputs: dict[str, Any]
    title: str | None = None

    def __getitem__(self, output: int) -> Link:
        return Link((self.id, output))


@dataclass
class Sheet:
    """One workflow: nodes with their places on the canvas."""

    name: str
    nodes: list[Node] = field(default_factory=list)

    def add(
        self, class_type: str, at: tuple[int, int], size: tuple[int, int], title: str | None = None, **inputs: Any
    ) -> Node:
        self.nodes.append(Node(len(self.nodes) + 1, class_type, at, size, inputs, title))
        return self.nodes[-1]

    def note(self, at: tuple[int, int], size: tuple[int, int], title: str, text: str) -> None:
        self.add("MarkdownNote", at, size, title, text=text)
