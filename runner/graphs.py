"""Changes workflow graphs in ComfyUI's API format: another prompt, other seeds, the same picture without guidance.

Nodes are found by their class, never by their number, so that a workflow may be saved anew from the canvas.
"""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .client import Graph
from .errors import RunnerError
from .host import ROOT

SAMPLER, ENCODE, CAPTURE = "KSampler", "PUEncodePrompt", "PUCaptureAttention"
GUIDES = ("PUAttendAndExcite", "PUSynGen", "PUAStar", "PUPromptGuidance")
HEAT, SAVE = "PUAttentionHeatMap", "SaveImage"
SIZES = {"SDXL": 1024, "SD2": 768, "SD1": 512}
"""Pixels a side that each family was trained on."""


def load(name: str) -> Graph:
    path = ROOT / "workflows" / "api" / name
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunnerError(f"The workflow {path} is missing, so this clone is not complete. Fetch it again.") from error


def of_class(graph: Graph, class_type: str) -> Iterator[str]:
    return (number for number, node in graph.items() if node["class_type"] == class_type)


def the(graph: Graph, class_type: str) -> str:
    """The number of the one node of this class."""
    found = list(of_class(graph, class_type))
    if len(found) != 1:
        raise RunnerError(f"The demo needs a workflow with one {class_type} node; this one has {len(found)}.")
    return found[0]


def add(graph: Graph, class_type: str, **inputs: Any) -> str:
    number = str(max((int(n) for n in graph if n.isdigit()), default=0) + 1)
    graph[number] = {"class_type": class_type, "inputs": inputs}
    return number


def set_inputs(graph: Graph, **values: Any) -> None:
    """Sets these widgets in every node that has them; links stay as they are."""
    for node in graph.values():
        inputs = node["inputs"]
        inputs.update({k: v for k, v in values.items() if k in inputs and not isinstance(inputs[k], list)})


def without(graph: Graph, class_type: str, through: str = "model") -> Graph:
    """The same graph with nodes of this class passed by: who took their first output takes their input instead."""
    graph = copy.deepcopy(graph)
    for number in list(of_class(graph, class_type)):
        source = graph.pop(number)["inputs"][through]
        for node in graph.values():
            for name, value in node["inputs"].items():
                if value == [number, 0]:
                    node["inputs"][name] = source
    return graph


def kept(graph: Graph, *ends: str) -> Graph:
    """Only the nodes that `ends` need: ComfyUI runs every output node it is given."""
    wanted, open_ = set(), list(ends)
    while open_:
        number = open_.pop()
        if number not in wanted:
            wanted.add(number)
            open_ += [value[0] for value in graph[number]["inputs"].values() if isinstance(value, list)]
    return {number: node for number, node in graph.items() if number in wanted}


def asked(graph: Graph, text: str, seed: int, batch: int, steps: int | None) -> Graph:
    """The graph for this prompt and these seeds."""
    graph = copy.deepcopy(graph)
    graph[the(graph, ENCODE)]["inputs"]["text"] = text
    set_inputs(graph, seed=seed, batch_size=batch, **({"steps": steps} if steps else {}))
    return graph


def plain(graph: Graph) -> tuple[Graph, str]:
    """The picture as the model alone makes it, and the node that saves it."""
    for class_type in (*GUIDES, CAPTURE):
        graph = without(graph, class_type)
    return _saving(graph, "demo_plain")


def guided(graph: Graph) -> tuple[Graph, str, str]:
    """The guided picture with the heat of every subject: the nodes that save the picture and the heat."""
    graph = copy.deepcopy(graph)
    sampler, encode = the(graph, SAMPLER), the(graph, ENCODE)
    if not list(of_class(graph, CAPTURE)):
        graph[sampler]["inputs"]["model"] = [add(graph, CAPTURE, model=graph[sampler]["inputs"]["model"]), 0]
    graph, picture = _saving(graph, "demo_guided")
    decoded = graph[picture]["inputs"]["images"]
    model = graph[sampler]["inputs"]["model"]
    # Threshold 0 gives the heat itself as a soft mask, and a mask is a picture that the API can hand over.
    heat = add(
        graph, HEAT, model=model, samples=[sampler, 0], prompt=[encode, 1], image=decoded, words="", mode="plain",
        normalise="per word", threshold=0.0, grow=0, blur=0.0, combine="mean over the steps", arrange="strip",
        masks="one a word", sites="quarter", site_list="", start=0.0, until=1.0,
    )  # fmt: skip
    saved = add(graph, SAVE, images=[add(graph, "MaskToImage", mask=[heat, 1]), 0], filename_prefix="demo_heat")
    for capture in of_class(graph, CAPTURE):
        graph[capture]["inputs"] |= {"sites": "quarter", "keep": "mean over the steps", "start": 0.0, "until": 1.0}
    return kept(graph, picture, saved), picture, saved


def _saving(graph: Graph, prefix: str) -> tuple[Graph, str]:
    graph = copy.deepcopy(graph)
    decode = the(graph, "VAEDecode")
    saved = add(graph, SAVE, images=[decode, 0], filename_prefix=prefix)
    return kept(graph, saved), saved


def family_of(checkpoint: Path) -> str:
    """SD1, SD2 or SDXL, by the names in a safetensors header; SD1 for other formats."""
    try:
        with checkpoint.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            names = json.loads(file.read(length)).keys() if length < 100_000_000 else ()
    except (struct.error, ValueError):
        return "SD1"
    if any(name.startswith("conditioner.embedders.1.") for name in names):
        return "SDXL"
    return "SD2" if any(name.startswith("cond_stage_model.model.") for name in names) else "SD1"
