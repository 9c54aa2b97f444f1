"""The pack in the real ComfyUI server, through the API that the front end uses."""

import json
import os
import threading
import time
from pathlib import Path

import pytest
from chat_server import GOOD, TURTLE_ABOVE_CROWN, ChatServer
from host_server import CHECKPOINT, Canvas, sd15
from pack.runner.client import Client, RunFailed

pytest_plugins = ["host_server"]

ROOT = Path(__file__).resolve().parent.parent.parent
WORKFLOWS = sorted((ROOT / "workflows").rglob("*.api.json"))
PNG = b"\x89PNG"


# --- Loading ---------------------------------------------------------------------------------------------------------


def test_every_node_of_ours_is_there_and_the_log_is_clean(comfy_server, object_info):
    ours = {name for name, node in object_info.items() if node["category"].startswith("prompt understanding")}
    named = {"PUEncodePrompt", "PUPickSubjects", "PULoadShapesModel", "PUAttendAndExcite", "PUCaptureAttention"}
    assert {*named, "PUAttentionHeatMap", "PUGuidanceReport"} <= ours
    assert all(name.startswith("PU") for name in ours)
    loading = comfy_server.log_text().split("Starting server")[0]
    assert "IMPORT FAILED" not in loading
    # Older hosts log a traceback of their own database; a line of ours in one would be our fault.
    assert "prompt-understanding/" not in loading.replace(os.sep, "/")


def test_every_node_explains_itself(object_info):
    """Description, a tooltip for every input and output, and a help page."""
    for name, node in object_info.items():
        if not name.startswith("PU"):
            continue
        assert node["description"], name
        for group in ("required", "optional"):
            for socket, spec in node["input"].get(group, {}).items():
                assert len(spec) > 1 and spec[1].get("tooltip"), f"{name}.{socket} has no tooltip"
        assert (ROOT / "web" / "docs" / f"{name}.md").is_file(), f"{name} has no help page"


# --- Workflows -------------------------------------------------------------------------------------------------------


def test_there_are_workflows_for_shapes_and_for_sd15():
    loaders = [json.loads(path.read_text(encoding="utf-8")).values() for path in WORKFLOWS]
    kinds = {node["class_type"] for nodes in loaders for node in nodes}
    assert {"PULoadShapesModel", "CheckpointLoaderSimple"} <= kinds


def small(graph: dict) -> dict:
    """The same graph at a size that two cores finish in seconds, on the tiny checkpoint where it wants a real one."""
    most = {"steps": 4, "max_refinements": 1, "batch_size": 2, "width": 128, "height": 128}
    _without_the_x4_upscaler(graph)
    for node in graph.values():
        inputs = node["inputs"]
        if node["class_type"] == "CheckpointLoaderSimple":
            inputs["ckpt_name"] = CHECKPOINT
        inputs |= {name: min(inputs[name], limit) for name, limit in most.items() if isinstance(inputs.get(name), int)}
    return graph


def _without_the_x4_upscaler(graph: dict) -> None:
    """The Shapes models stand in for its three gigabytes; the class itself is tested in test_cascade."""
    stands_in = {0: ["upscaler", 0], 1: ["shapes", 1], 2: ["upscaler", 1]}
    for number in [n for n, node in graph.items() if str(node["inputs"].get("ckpt_name", "")).startswith("x4")]:
        del graph[number]
        for inputs in [node["inputs"] for node in graph.values()]:
            links = {name: value for name, value in inputs.items() if isinstance(value, list) and value[0] == number}
            inputs |= {name: stands_in[output] for name, (_, output) in links.items()}
        graph["upscaler"] = {"class_type": "PULoadShapesUpscaler", "inputs": {}}
        graph["shapes"] = {"class_type": "PULoadShapesModel", "inputs": {}}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_runs_and_gives_pictures(client, path):
    graph = small(json.loads(path.read_text(encoding="utf-8")))
    asked = [node["inputs"] for node in graph.values() if node["class_type"] == "PUAskLayout"]
    # The things of the answer must be those of the prompt that is drawn.
    with ChatServer(TURTLE_ABOVE_CROWN if "turtle" in str(asked) else GOOD) as server:
        for inputs in asked:
            inputs |= {"url": server.url, "keep_answers": False}
        run = client.run(graph)
    pictures = [image for node in run.outputs for image in run.images(node)]
    assert pictures, "the workflow ran but showed no picture"
    assert all(client.picture(image).startswith(PNG) for image in pictures)


# --- Runs one after another -----------------------------------------------------------------------------------------


def pixels(client: Client, canvas: Canvas) -> bytes:
    forget(client)
    run = client.run(canvas.graph)
    (image,) = [image for node in run.outputs for image in run.images(node)]
    return client.picture(image)


def forget(client: Client) -> None:
    """Empties the server's cache of node outputs; its worker looks at the flag at least once a second."""
    client.post("/free", {"free_memory": True})
    time.sleep(1.2)


def test_guidance_changes_the_picture_and_strength_zero_does_not(client, object_info):
    guided = pixels(client, sd15(object_info))
    unguided = sd15(object_info)
    unguided.graph["7"]["inputs"]["model"] = ["1", 0]
    plain = pixels(client, unguided)
    assert guided != plain
    assert pixels(client, sd15(object_info, strength=0.0)) == plain


def test_the_second_run_equals_the_first(client, object_info):
    assert pixels(client, sd15(object_info)) == pixels(client, sd15(object_info))


def test_an_interrupt_in_the_middle_leaves_the_next_run_clean(client, comfy_server, object_info):
    before = pixels(client, sd15(object_info))
    started = threading.Event()
    caught = []

    def long_run() -> None:
        with Client(comfy_server.port) as other, pytest.raises(RunFailed) as failure:
            other.run(sd15(object_info, steps=400, until=1.0).graph, lambda *_: started.set())
        caught.append(failure.value.kind)

    thread = threading.Thread(target=long_run)
    thread.start()
    assert started.wait(60)
    client.interrupt()
    thread.join(60)
    assert caught == ["interrupted"]
    assert pixels(client, sd15(object_info)) == before


# --- Bad input -------------------------------------------------------------------------------------------------------


def failure(client: Client, canvas: Canvas) -> RunFailed:
    with pytest.raises(RunFailed) as caught:
        client.run(canvas.graph)
    assert str(caught.value).rstrip().endswith((".", ")")), "not a sentence"
    assert "Traceback" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("text", ["", "   ", "!!! ..."], ids=["empty", "blank", "no word"])
def test_a_prompt_without_subjects_is_refused_before_sampling(client, object_info, text):
    error = failure(client, sd15(object_info, text=text))
    assert "subject" in str(error) and repr(text) in str(error) and error.node in ("2", "4")


def test_a_conditioning_of_another_text_is_refused_naming_both(client, object_info):
    canvas = sd15(object_info, text="a red cat and a dog")
    other = canvas.add("PUEncodePrompt", clip=["1", 1], text="a bear and a turtle")
    canvas.graph["7"]["inputs"]["positive"] = other[0]
    error = failure(client, canvas)
    assert "a red cat and a dog" in str(error) and "a bear and a turtle" in str(error)


def test_a_threshold_out_of_range_is_refused_by_the_node(client, object_info):
    assert failure(client, sd15(object_info, refine_to="0.05, 7, 0.8")).node in ("4", "")


def test_a_missing_checkpoint_is_refused_with_the_choices(client, object_info):
    canvas = sd15(object_info)
    canvas.graph["1"]["inputs"]["ckpt_name"] = "no-such-file.safetensors"
    with pytest.raises(RunFailed) as caught:
        client.run(canvas.graph)
    assert caught.value.kind == "refused"
    assert "no-such-file.safetensors" in str(caught.value) and CHECKPOINT in str(caught.value)


def test_after_every_bad_input_the_next_run_is_clean(client, object_info):
    before = pixels(client, sd15(object_info))
    for bad in (sd15(object_info, text=""), sd15(object_info, refine_to="7")):
        failure(client, bad)
    assert pixels(client, sd15(object_info)) == before


def test_samplers_that_leave_the_schedule_are_refused(client, object_info):
    canvas = sd15(object_info)
    canvas.graph["7"]["inputs"]["sampler_name"] = "dpm_adaptive"
    assert "dpm_adaptive" in str(failure(client, canvas))
