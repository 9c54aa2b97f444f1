"""Writes the example workflows, for the canvas and for the API, from one description of each (`descriptions/`).

    python workflows/build.py [http://127.0.0.1:8188]

The server must have this pack: the order and the defaults of all widgets are asked from it, so run this again when a
node gets another input. `tests/unit/test_workflows.py` and `tests/browser` fail when the two forms drift apart.
"""

from __future__ import annotations

import json
import sys
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from descriptions import SHEETS
from descriptions.canvas import Link, Node, Sheet

HERE = Path(__file__).resolve().parent
API = HERE / "api"
"""Beside the canvas files and not among them: ComfyUI offers every JSON file of `workflows` as a template to load."""

PACK, CORE = "prompt-understanding", "comfy-core"
NOTE_COLOURS = {"color": "#432", "bgcolor": "#653"}
OURS_COLOURS = {"color": "#233", "bgcolor": "#355"}

Info = dict[str, Any]


# --- From a description to the two forms ----------------------------------------------------------------------------


def declared(info: Info, class_type: str) -> dict[str, list[Any]]:
    """Input name -> its declaration, required ones first, in the order of the canvas."""
    groups = info[class_type]["input"]
    return {**groups.get("required", {}), **groups.get("optional", {})}


def is_widget(spec: list[Any]) -> bool:
    kind, options = spec[0], spec[1] if len(spec) > 1 else {}
    return (isinstance(kind, list) or kind in ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")) and not options.get(
        "forceInput"
    )


def default(spec: list[Any]) -> Any:
    kind, options = spec[0], spec[1] if len(spec) > 1 else {}
    choices = kind if isinstance(kind, list) else options.get("options", [])
    return options.get("default", choices[0] if choices else None)


def widgets(info: Info, node: Node) -> dict[str, Any]:
    """Widget name -> value, in the order of the canvas."""
    found = {name: spec for name, spec in declared(info, node.class_type).items() if is_widget(spec)}
    unknown = set(node.inputs) - set(declared(info, node.class_type))
    if unknown:
        raise SystemExit(f"{node.class_type} has no input {', '.join(sorted(unknown))}.")
    return {name: node.inputs.get(name, default(spec)) for name, spec in found.items()}


def api_form(info: Info, sheet: Sheet) -> dict[str, Any]:
    """{"node id": {"class_type", "inputs", "_meta"}}, without notes."""
    graph = {}
    for node in (n for n in sheet.nodes if n.class_type in info):
        links = {name: [str(link[0]), link[1]] for name, link in node.inputs.items() if isinstance(link, Link)}
        title = node.title or info[node.class_type]["display_name"]
        inputs = {**widgets(info, node), **links}
        graph[str(node.id)] = {"class_type": node.class_type, "inputs": inputs, "_meta": {"title": title}}
    return graph


def canvas_form(info: Info, sheet: Sheet) -> dict[str, Any]:
    """Litegraph's own format, version 0.4."""
    links = [
        [number, link[0], link[1], node.id, slot, info_type(info, sheet, link)]
        for number, (node, slot, link) in enumerate(_links(info, sheet), 1)
    ]
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"prompt-understanding/{sheet.name}")),
        "revision": 0,
        "last_node_id": max(node.id for node in sheet.nodes),
        "last_link_id": len(links),
        "nodes": [_canvas_node(info, node, order, links) for order, node in enumerate(sheet.nodes)],
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


def info_type(info: Info, sheet: Sheet, link: Link) -> str:
    source = next(node for node in sheet.nodes if node.id == link[0])
    return info[source.class_type]["output"][link[1]]


def _slots(info: Info, node: Node) -> list[str]:
    """Inputs that have a socket, in the order of the canvas: those without a widget come first."""
    if node.class_type not in info:
        return []
    return sorted(declared(info, node.class_type), key=lambda name: is_widget(declared(info, node.class_type)[name]))


def _links(info: Info, sheet: Sheet) -> list[tuple[Node, int, Link]]:
    return [
        (node, slot, node.inputs[name])
        for node in sheet.nodes
        for slot, name in enumerate(_slots(info, node))
        if isinstance(node.inputs.get(name), Link)
    ]


def _canvas_node(info: Info, node: Node, order: int, links: list[list[Any]]) -> dict[str, Any]:
    head = {"id": node.id, "type": node.class_type, "pos": list(node.at), "size": list(node.size), "flags": {}}
    head |= {"order": order, "mode": 0}
    title = {"title": node.title} if node.title else {}
    if node.class_type not in info:
        body = {"inputs": [], "outputs": [], "properties": {}, "widgets_values": [node.inputs["text"]]}
        return {**head, **body, **title, **NOTE_COLOURS}
    ours = node.class_type.startswith("PU")
    return {
        **head,
        "inputs": [_input_slot(info, node, slot, name, links) for slot, name in enumerate(_slots(info, node))],
        "outputs": [_output_slot(info, node, slot, links) for slot in range(len(info[node.class_type]["output"]))],
        "properties": {"Node name for S&R": node.class_type, "cnr_id": PACK if ours else CORE},
        "widgets_values": _widget_values(info, node),
        **title,
        **(OURS_COLOURS if ours else {}),
    }


def _input_slot(info: Info, node: Node, slot: int, name: str, links: list[list[Any]]) -> dict[str, Any]:
    spec = declared(info, node.class_type)[name]
    kind = "COMBO" if isinstance(spec[0], list) else spec[0]
    link = next((link[0] for link in links if link[3] == node.id and link[4] == slot), None)
    optional = {"shape": 7} if name in info[node.class_type]["input"].get("optional", {}) else {}
    widget = {"widget": {"name": name}} if is_widget(spec) else {}
    return {"name": name, "type": kind, **optional, **widget, "link": link}


def _output_slot(info: Info, node: Node, slot: int, links: list[list[Any]]) -> dict[str, Any]:
    taken = [link[0] for link in links if link[1] == node.id and link[2] == slot]
    name, kind = info[node.class_type]["output_name"][slot], info[node.class_type]["output"][slot]
    return {"name": name, "type": kind, "slot_index": slot, "links": taken or None}


def _widget_values(info: Info, node: Node) -> list[Any]:
    values = []
    for name, value in widgets(info, node).items():
        values.append(value)
        options = (declared(info, node.class_type)[name] + [{}])[1]
        if options.get("control_after_generate"):
            # The canvas puts a second widget behind a seed; "fixed", so that a second run can be compared.
            values.append("fixed")
    return values


def write(info: Info, sheet: Sheet) -> None:
    API.mkdir(exist_ok=True)
    for path, content in (
        (HERE / f"{sheet.name}.json", canvas_form(info, sheet)),
        (API / f"{sheet.name}.api.json", api_form(info, sheet)),
    ):
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    server = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8188"
    with urllib.request.urlopen(f"{server}/object_info") as reply:
        info = json.load(reply)
    for make in SHEETS:
        sheet = make()
        write(info, sheet)
        print(f"{sheet.name}: {len(sheet.nodes)} nodes")


if __name__ == "__main__":
    main()
