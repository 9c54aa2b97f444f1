"""Dependency trees with the words in order: what the generator builds and spaCy learns from.

Tags are Penn Treebank's, dependencies those of spaCy's English models (ClearNLP), so that one grammar reads all.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Node:
    """A word with the phrases that hang on it, in order, left and right."""

    word: str
    tag: str
    dep: str = "ROOT"
    left: list[Node] = field(default_factory=list)
    right: list[Node] = field(default_factory=list)
    glued: bool = False
    """No blank in front: a comma, a possessive, a part of a hyphenated word."""

    def as_(self, dep: str) -> Node:
        self.dep = dep
        return self

    def before(self, *nodes: Node) -> Node:
        self.left += nodes
        return self

    def after(self, *nodes: Node) -> Node:
        self.right += nodes
        return self


@dataclass
class Sentence:
    words: list[str]
    spaces: list[bool]
    tags: list[str]
    deps: list[str]
    heads: list[int]


def flatten(root: Node) -> Sentence:
    """The tree's words in order, with the index of each one's head."""
    nodes: list[Node] = []
    heads: dict[int, Node] = {}

    def visit(node: Node, head: Node) -> None:
        for child in node.left:
            visit(child, node)
        nodes.append(node)
        heads[id(node)] = head
        for child in node.right:
            visit(child, node)

    visit(root, root)
    places = {id(node): i for i, node in enumerate(nodes)}
    return Sentence(
        words=[node.word for node in nodes],
        spaces=[i + 1 < len(nodes) and not nodes[i + 1].glued for i in range(len(nodes))],
        tags=["PRP" if node.tag == "THEY" else node.tag for node in nodes],
        deps=[node.dep for node in nodes],
        heads=[places[id(heads[id(node)])] for node in nodes],
    )


def punct(mark: str) -> Node:
    return Node(mark, {",": ",", ".": "."}.get(mark, "HYPH" if mark == "-" else ":"), "punct", glued=True)
