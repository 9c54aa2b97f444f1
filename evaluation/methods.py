"""The methods of the quality table: name -> what becomes of a MODEL and a prompt. "plain" is what all are
compared with.

A method goes through the nodes a user would place, with their defaults and what Shapes needs set otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

PLAIN = "plain"


Wires = Mapping[str, Any]
"""Socket type -> what comes out of the last node that has it: "MODEL", "CLIP", "CONDITIONING" (the positive one),
"PU_PARSED_PROMPT", …"""
WIDGETS = {"STRING", "INT", "FLOAT", "BOOLEAN", "COMBO"}


@dataclass(frozen=True)
class Method:
    """Nodes in the order they are placed, each (node id, inputs that differ from its defaults). An input may be a
    function of the wires. Every node is wired by socket type: it takes what the nodes before it have made."""

    nodes: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def __call__(self, wires: Wires) -> Wires:
        for node_id, changes in self.nodes:
            schema = our_nodes()[node_id].define_schema()
            wired = {i.id: wires[i.io_type] for i in schema.inputs if i.io_type in wires}
            set_by_hand = {name: value(wires) if callable(value) else value for name, value in changes.items()}
            made = run_node(node_id, **{**wired, **set_by_hand})
            kinds = (output.io_type for output in schema.outputs)
            wires = {**wires, **{k: v for k, v in zip(kinds, made, strict=True) if k not in WIDGETS}}
        return wires

    @property
    def key(self) -> str:
        """Changes when the method's settings do."""
        return repr([(node_id, sorted(_named(changes).items())) for node_id, changes in self.nodes])


def _named(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.__name__ if callable(value) else value for name, value in changes.items()}


@dataclass
class Registry:
    methods: dict[str, Method] = field(default_factory=dict)

    def add(self, name: str, *nodes: tuple[str, Mapping[str, Any]]) -> None:
        self.methods[name] = Method(nodes)

    def choose(self, names: list[str] | None) -> dict[str, Method]:
        """Those named and "plain", which every other is compared with; all when none is named."""
        unknown = sorted(set(names or []) - set(self.methods))
        if unknown:
            raise SystemExit(f"There is no method {', '.join(unknown)}. There are: {', '.join(self.methods)}.")
        return {name: method for name, method in self.methods.items() if not names or name in (*names, PLAIN)}


def run_node(node_id: str, **inputs: Any) -> tuple[Any, ...]:
    """Outputs of one of our nodes, its other inputs at their defaults."""
    node = our_nodes()[node_id]
    defaults = {i.id: i.default for i in node.define_schema().inputs if getattr(i, "default", None) is not None}
    return node.execute(**{**defaults, **inputs}).result


@cache
def our_nodes() -> dict[str, Any]:
    """Our node classes by id, as ComfyUI gets them."""
    from ..nodes import PromptUnderstandingExtension

    classes = asyncio.run(PromptUnderstandingExtension().get_node_list())
    return {node.define_schema().node_id: node for node in classes}


def each_subject_a_prompt(wires: Wires) -> str:
    """ "a red circle and a blue star" -> "a red circle AND a blue star", as the papers compare Composable Diffusion."""
    return wires["PU_PARSED_PROMPT"].text.replace(" and ", " AND ")


def every_method(
    excite: Mapping[str, Any], bind: Mapping[str, Any], part: Mapping[str, Any], auto: Mapping[str, Any]
) -> Registry:
    """The table's methods, with what a model needs set otherwise in Attend-and-Excite, SynGen, A-STAR and auto."""
    attend_and_excite, syngen, a_star = ("PUAttendAndExcite", excite), ("PUSynGen", bind), ("PUAStar", part)
    registry = Registry()
    registry.add(PLAIN)
    registry.add("attend-and-excite", attend_and_excite)
    registry.add("syngen", syngen)
    registry.add("a-star", a_star)
    registry.add("attend-and-excite + syngen", attend_and_excite, syngen)
    registry.add("attend-and-excite + a-star", attend_and_excite, a_star)
    registry.add("all three", attend_and_excite, syngen, a_star)
    registry.add("auto", ("PUPromptGuidance", {**excite, **auto}))
    registry.add("structured", ("PUStructuredDiffusion", {}))
    registry.add("structured, several key sets", ("PUStructuredDiffusion", {"mode": "several key sets"}))
    registry.add("composable", ("PUComposeText", {"text": each_subject_a_prompt}), ("PUComposableDiffusion", {}))
    return registry


ON_SHAPES = every_method(
    {"step_size": 10.0, "sharpness": 10.0, "max_refinements": 4}, {"step_size": 10.0}, {"step_size": 10.0}, {}
)
"""Shapes' latent is the picture itself, where a step of 20 is long, and its maps are ten times as bright as a real
model's, where a sharpness of 100 leaves no gradient."""
ON_SMALL_WORLD = every_method(
    {"step_size": 12.0, "sharpness": 10.0, "max_refinements": 4},
    {"step_size": 5.0},
    {"step_size": 2.5},
    {"binding": 0.4, "apart": 0.2},
)
"""Small World's maps are as bright as those of Shapes; a step that suits Attend-and-Excite breaks pictures in the
others."""
