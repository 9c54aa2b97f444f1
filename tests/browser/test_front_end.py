# ruff: noqa: F811  (fixtures are imported by name)
"""Every workflow file in ComfyUI's own front end: it loads whole, says what its nodes do, and gives its picture."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
from chat_server import TURTLE_ABOVE_CROWN, ChatServer
from front_end import comfy_server, page, wait_for  # noqa: F401  (fixtures)

WORKFLOWS = Path(__file__).resolve().parent.parent.parent / "workflows"
NAMES = sorted(path.stem for path in WORKFLOWS.glob("*.json"))
OURS = (
    "PUEncodePrompt", "PUPickSubjects", "PULoadShapesModel", "PUAttendAndExcite", "PUCaptureAttention",
    "PUAttentionHeatMap", "PUGuidanceReport", "PUTokenStrip", "PULoadShapesUpscaler", "PUSuperResolutionStage",
)  # fmt: skip


def canvas(name: str) -> dict:
    return json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))


def test_there_are_workflows():
    assert {"attend_and_excite_shapes", "attend_and_excite_sd15", "heat_map_mask_shapes"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_workflow_loads_with_every_node_and_link(page, name):
    workflow = canvas(name)
    page.load(workflow)
    assert page.missing_nodes() == []
    assert page.broken_links() == []
    assert page.links() == workflow["links"] != []
    assert len(page.boxes()) == len(workflow["nodes"])


def test_a_missing_node_would_be_seen(page):
    workflow = canvas(NAMES[0])
    workflow["nodes"][1]["type"] = "PUNobodyHasThis"
    page.load(workflow)
    assert page.missing_nodes() == ["PUNobodyHasThis"]
    page.driver.refresh()  # its dialog stays over the canvas
    page.open(page.driver, page.driver.current_url)


def test_a_link_that_leads_nowhere_would_be_seen(page):
    workflow = canvas(NAMES[0])
    workflow["links"][0][3] = 999
    page.load(workflow)
    assert page.broken_links() or page.links() != workflow["links"]


@pytest.mark.parametrize("name", NAMES)
def test_the_front_end_sends_what_the_api_file_says(page, name):
    page.load(canvas(name))
    wanted = json.loads((WORKFLOWS / "api" / f"{name}.api.json").read_text(encoding="utf-8"))
    sent = page.api_form()
    assert sent.keys() == wanted.keys()
    for number, node in wanted.items():
        assert sent[number]["class_type"] == node["class_type"]
        assert sent[number]["inputs"] == node["inputs"], node["class_type"]


@pytest.mark.parametrize("name", NAMES)
def test_no_node_lies_over_another(page, name):
    page.load(canvas(name))
    for a, b in combinations(page.boxes(), 2):
        apart = a["right"] <= b["left"] or b["right"] <= a["left"] or a["bottom"] <= b["top"] or b["bottom"] <= a["top"]
        assert apart, f"{a['name']} lies over {b['name']}: {a}, {b}"


@pytest.mark.parametrize("class_type", OURS)
def test_the_help_page_opens(page, class_type):
    assert len(page.help_text(class_type)) > 200


@pytest.mark.parametrize("class_type", OURS)
def test_every_input_has_a_tooltip(page, class_type):
    bare = page.script("""
        const data = LiteGraph.registered_node_types[args[0]].nodeData;
        const all = Object.values(data.inputs);
        return all.filter(i => !i.tooltip).map(i => i.name)""", class_type)  # fmt: skip
    assert bare == []


def test_a_tooltip_shows_under_the_mouse(page):
    page.alone("PUAttentionHeatMap")
    assert "strongest heat" in page.hover_widget("threshold")


def test_templates_are_offered_with_a_thumbnail_and_without_api_files(page):
    offered = page.script("return await (await fetch('/api/workflow_templates')).json()")
    ((pack, names),) = [(pack, names) for pack, names in offered.items() if "attend_and_excite_shapes" in names]
    assert sorted(names) == NAMES
    for name in names:
        kind = page.script(
            "return (await fetch(args[0])).headers.get('content-type')", f"/api/workflow_templates/{pack}/{name}.jpg"
        )
        assert kind == "image/jpeg", name


GUIDED = [
    name
    for name in NAMES
    if {"PULoadShapesModel", "PUAttendAndExcite"} <= {node["type"] for node in canvas(name)["nodes"]}
]


@pytest.mark.parametrize("name", ["layout_planner", "layout_pasted", "layout_server"])
def test_pressing_run_draws_the_boxes(page, name):
    """By the planner, of pasted text, and by a language model."""
    page.load(canvas(name))
    with ChatServer() as server:
        if name == "layout_server":
            page.set_widget("PUAskLayout", "url", server.url)
        page.press_run()
        drawn = wait_for("The drawn boxes", lambda: page.pictures("PUPreviewLayout"), 120)
    assert drawn == [[768, 512]]


@pytest.mark.parametrize("name", [f"layout_{way}_small_world" for way in ("guidance", "pasted", "asked")])
def test_pressing_run_paints_into_the_boxes(page, name):
    """From the prompt on the canvas: by the planner, of pasted text, and by a language model."""
    page.load(canvas(name))
    page.set_widget("KSampler", "steps", 4)
    with ChatServer(TURTLE_ABOVE_CROWN) as server:
        if name == "layout_asked_small_world":
            page.set_widget("PUAskLayout", "url", server.url)
        page.press_run()
        saved = wait_for("The saved pictures", lambda: page.pictures("SaveImage"), 300)
        drawn = wait_for("The drawn boxes", lambda: page.pictures("PUPreviewLayout"), 60)
    assert saved == [[128, 128]] * 4 and len(drawn) == 4


def test_pressing_run_paints_both_stages_of_the_cascade(page):
    page.load(canvas("cascade_shapes"))
    page.press_run()
    saved = wait_for("The saved pictures", lambda: page.pictures("SaveImage"), 300)
    assert saved == [[128, 128]] * page.widget("EmptyLatentImage", "batch_size")


@pytest.mark.parametrize("name", GUIDED)
def test_pressing_run_gives_the_pictures(page, name):
    page.load(canvas(name))
    page.set_widget("KSampler", "steps", 6)
    page.set_widget("PUAttendAndExcite", "max_refinements", 1)
    page.press_run()
    batch = page.widget("EmptyLatentImage", "batch_size")
    saved = wait_for("The saved pictures", lambda: page.pictures("SaveImage"), 300)
    assert saved == [[64, 64]] * batch
    strips = wait_for("The heat maps", lambda: page.pictures("PUAttentionHeatMap"), 60)
    assert len(strips) == batch and all(width > height > 256 for width, height in strips)
