"""What saved workflows hold on to: node ids, names and kinds of sockets, the order of widgets and outputs.

`tests/data/saved_nodes.json` is what was there. ComfyUI finds widget values again by their place, outputs by their
number; so a node may gain sockets, and widgets and outputs behind those it has. Where a node must go all the same: keep
it, deprecated, for one version, and then tell ComfyUI its successor (`io.NodeReplace`, registered in `on_load`).
"""

import asyncio
import json
from pathlib import Path

import pytest
from pack.nodes import PromptUnderstandingExtension

FILE = Path(__file__).resolve().parent.parent / "data" / "saved_nodes.json"
SAVED = json.loads(FILE.read_text(encoding="utf-8"))
NODES = {node.GET_SCHEMA().node_id: node for node in asyncio.run(PromptUnderstandingExtension().get_node_list())}
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}


def held(node):
    schema = node.GET_SCHEMA()
    inputs = [[one.id, one.io_type] for one in schema.inputs]
    return {
        "widgets": [one for one in inputs if one[1] in WIDGETS],
        "sockets": [one for one in inputs if one[1] not in WIDGETS],
        "outputs": [one.io_type for one in schema.outputs],
    }


@pytest.mark.parametrize("node_id", SAVED)
def test_a_saved_node_is_still_the_same(node_id):
    saved, now = SAVED[node_id], held(NODES[node_id])
    for ordered in ("widgets", "outputs"):
        assert now[ordered][: len(saved[ordered])] == saved[ordered]
    assert all(socket in now["sockets"] for socket in saved["sockets"])


def test_what_a_node_gives_depends_on_its_inputs_alone():
    """So none says more to ComfyUI's cache. One that did, and said it wrong, would run again at every queue, and all
    behind it; viewers find their run by the latent that they are given."""
    assert not [name for name, node in NODES.items() if any("fingerprint_inputs" in vars(one) for one in ours(node))]


def ours(node):
    return [one for one in node.__mro__ if not one.__module__.startswith("comfy")]
