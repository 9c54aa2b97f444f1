"""The canvas files and the API files say the same, without a server."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

WORKFLOWS = Path(__file__).resolve().parent.parent.parent / "workflows"
NAMES = sorted(path.stem for path in WORKFLOWS.glob("*.json"))
NOTES = ("Note", "MarkdownNote")
SEED_CONTROLS = ("fixed", "increment", "decrement", "randomize")


def canvas(name: str) -> dict:
    return json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))


def api(name: str) -> dict:
    return json.loads((WORKFLOWS / "api" / f"{name}.api.json").read_text(encoding="utf-8"))


def to_api(workflow: dict) -> dict:
    """As the front end does it, for graphs without subgraphs, bypassed nodes or converted widgets."""
    sources = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    graph = {}
    for node in workflow["nodes"]:
        if node["type"] in NOTES:
            continue
        values = list(node["widgets_values"])
        inputs = {}
        for slot in node["inputs"]:
            if "widget" in slot:
                inputs[slot["name"]] = values.pop(0)
                if slot["name"] in ("seed", "noise_seed"):
                    assert values.pop(0) in SEED_CONTROLS
            if slot["link"] is not None:
                inputs[slot["name"]] = sources[slot["link"]]
        assert values == [], node["type"]
        graph[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return graph


def test_every_canvas_file_has_an_api_file_and_the_other_way_round():
    assert NAMES and sorted(path.name.removesuffix(".api.json") for path in (WORKFLOWS / "api").iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_both_forms_agree(name):
    wanted = {number: {k: v for k, v in node.items() if k != "_meta"} for number, node in api(name).items()}
    assert to_api(canvas(name)) == wanted


@pytest.mark.parametrize("name", NAMES)
def test_links_hold_at_both_ends_and_join_equal_types(name):
    workflow = canvas(name)
    nodes = {node["id"]: node for node in workflow["nodes"]}
    seen = set()
    for number, origin, out, target, slot, kind in workflow["links"]:
        assert number in nodes[origin]["outputs"][out]["links"] and nodes[target]["inputs"][slot]["link"] == number
        assert nodes[origin]["outputs"][out]["type"] == kind and nodes[target]["inputs"][slot]["type"] in (kind, "*")
        seen.add(number)
    assert len(seen) == len(workflow["links"]) and workflow["last_link_id"] == max(seen)
    assert workflow["last_node_id"] == max(nodes) and workflow["version"] == 0.4


@pytest.mark.parametrize("name", NAMES)
def test_a_note_says_what_to_look_at(name):
    notes = [node for node in canvas(name)["nodes"] if node["type"] in NOTES]
    assert notes and all(len(note["widgets_values"][0]) > 200 for note in notes)


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_thumbnail(name):
    picture = (WORKFLOWS / f"{name}.jpg").read_bytes()
    assert picture.startswith(b"\xff\xd8") and len(picture) < 200_000


VIEWERS = {"PUAttentionHeatMap", "PUGuidanceReport", "PUBlendMask"}
VIEWED = [name for name in NAMES if VIEWERS & {node["class_type"] for node in api(name).values()}]


@pytest.mark.parametrize("name", VIEWED)
def test_the_sampler_and_the_viewers_take_the_same_model(name):
    """The runs that viewers look at are found through the MODEL."""
    graph = api(name)
    models = {tuple(n["inputs"]["model"]) for n in graph.values() if n["class_type"] in VIEWERS | {"KSampler"}}
    assert len(models) == 1
    ((patched, _),) = models
    edits = any(n["class_type"] == "PUEncodeEdit" for n in graph.values())
    assert graph[patched]["class_type"] == ("PUPromptToPrompt" if edits else "PUCaptureAttention")


@pytest.mark.skipif(not os.environ.get("COMFYUI_PATH"), reason="the schemas need ComfyUI")
@pytest.mark.parametrize("name", NAMES)
def test_the_files_follow_the_schemas_of_our_nodes(name):
    """A new or renamed input means: run workflows/build.py again."""
    from pack.evaluation.methods import our_nodes

    schemas = {node_id: node.GET_SCHEMA() for node_id, node in our_nodes().items()}
    for node in api(name).values():
        if node["class_type"] in schemas:
            inputs = {i.id: i for i in schemas[node["class_type"]].inputs}
            assert set(node["inputs"]) <= set(inputs)
            assert set(node["inputs"]) >= {i.id for i in inputs.values() if not i.optional}
