"""The demo changes a workflow: prompt and seeds in, guidance out, heat maps on; and refuses bad options in words."""

import argparse
import json
import struct
from pathlib import Path

import pytest
from pack.runner import demo, graphs
from pack.runner.errors import RunnerError
from pack.runner.host import Host

GRAPH = {
    "1": {"class_type": "PULoadShapesModel", "inputs": {}},
    "2": {"class_type": "PUEncodePrompt", "inputs": {"clip": ["1", 1], "text": "old"}},
    "3": {"class_type": "PUAttendAndExcite", "inputs": {"model": ["1", 0], "prompt": ["2", 1], "steps": ["9", 0]}},
    "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
    "5": {
        "class_type": "KSampler",
        "inputs": {"model": ["3", 0], "positive": ["2", 0], "latent_image": ["4", 0], "seed": 0, "steps": 30},
    },
    "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
    "7": {"class_type": "PreviewImage", "inputs": {"images": ["6", 0]}},
    "8": {"class_type": "PUGuidanceReport", "inputs": {"model": ["3", 0], "samples": ["5", 0]}},
    "9": {"class_type": "PrimitiveInt", "inputs": {"value": 3}},
}


def classes(graph) -> set[str]:
    return {node["class_type"] for node in graph.values()}


def test_asked_sets_prompt_seed_and_batch_and_leaves_the_original_alone():
    before = json.dumps(GRAPH)
    made = graphs.asked(GRAPH, "new", seed=7, batch=3, steps=5)
    assert made["2"]["inputs"]["text"] == "new" and made["5"]["inputs"]["seed"] == 7
    assert made["4"]["inputs"]["batch_size"] == 3 and made["5"]["inputs"]["steps"] == 5
    assert made["3"]["inputs"]["steps"] == ["9", 0], "a link is not a widget"
    assert json.dumps(GRAPH) == before


def test_plain_has_nothing_of_guidance_and_only_its_own_output():
    made, saved = graphs.plain(GRAPH)
    assert made["5"]["inputs"]["model"] == ["1", 0]
    assert not classes(made) & {"PUAttendAndExcite", "PUGuidanceReport", "PreviewImage", "PUAttentionHeatMap"}
    assert made[saved]["inputs"]["images"] == ["6", 0]


def test_guided_keeps_guidance_and_adds_the_heat_of_the_same_run():
    made, picture, heat = graphs.guided(GRAPH)
    capture = graphs.the(made, "PUCaptureAttention")
    assert made[capture]["inputs"]["model"] == ["3", 0] and made["5"]["inputs"]["model"] == [capture, 0]
    heat_map = made[graphs.the(made, "PUAttentionHeatMap")]["inputs"]
    assert heat_map["model"] == [capture, 0] and heat_map["samples"] == ["5", 0] and heat_map["threshold"] == 0
    assert "PreviewImage" not in classes(made) and {picture, heat} <= made.keys()


def test_guided_and_plain_sample_the_same_seed_and_latent():
    asked = graphs.asked(GRAPH, "new", seed=11, batch=2, steps=None)
    samplers = [
        graph[graphs.the(graph, "KSampler")]["inputs"] for graph in (graphs.plain(asked)[0], graphs.guided(asked)[0])
    ]
    assert [{**s, "model": None} for s in samplers][0] == [{**s, "model": None} for s in samplers][1]


def test_a_workflow_without_a_sampler_is_named():
    with pytest.raises(RunnerError, match="one KSampler node; this one has 0"):
        graphs.the({}, "KSampler")


def header(path: Path, *names: str) -> Path:
    text = json.dumps({name: {} for name in names}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return path


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("conditioner.embedders.1.model.ln_final.weight", "SDXL"),
        ("cond_stage_model.model.ln_final.weight", "SD2"),
        ("cond_stage_model.transformer.text_model.final_layer_norm.weight", "SD1"),
    ],
)
def test_the_family_of_a_checkpoint_is_read_from_its_header(tmp_path, name, family):
    assert graphs.family_of(header(tmp_path / "x.safetensors", name)) == family


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not safetensors at all", b"\xff" * 100])
def test_another_file_format_counts_as_sd1(tmp_path, content):
    (tmp_path / "x.ckpt").write_bytes(content)
    assert graphs.family_of(tmp_path / "x.ckpt") == "SD1"


def wanted(**options) -> argparse.Namespace:
    nothing = {"checkpoint": None, "prompt": None, "seeds": None, "steps": None, "shapes": False}
    return argparse.Namespace(**{**nothing, **options})


def test_a_missing_checkpoint_and_no_seeds_are_refused_before_anything_starts(tmp_path):
    host = Host("9", tmp_path, tmp_path, tmp_path)
    with pytest.raises(RunnerError, match=r"no checkpoint file .*nowhere\.safetensors"):
        demo._plan(host, wanted(checkpoint=tmp_path / "nowhere.safetensors"))
    with pytest.raises(RunnerError, match="--seeds 0"):
        demo._plan(host, wanted(seeds=0))


def test_a_real_checkpoint_gets_its_own_seed_each_and_its_folder_named(tmp_path, monkeypatch):
    monkeypatch.setattr(graphs, "load", lambda name: json.loads(json.dumps(GRAPH)))
    file = header(tmp_path / "x.safetensors", "conditioner.embedders.1.model.x")
    host = Host("9", tmp_path, tmp_path, tmp_path / "home")
    graph, jobs, extra = demo._plan(host, wanted(checkpoint=file, prompt="a cat and a dog", seeds=3))
    assert [(job.seed, job.batch) for job in jobs] == [(1000, 1), (1001, 1), (1002, 1)]
    assert graph["4"]["inputs"]["width"] == 1024 and Path(extra[1]).read_text().count(str(tmp_path)) == 1


def test_the_papers_prompts_are_drawn_unless_shapes_are_asked_for(tmp_path):
    host = Host("9", tmp_path, tmp_path, tmp_path)
    graph, jobs, _ = demo._plan(host, wanted())
    assert {"PULoadSmallWorld", "PUPromptGuidance"} <= classes(graph) and len(jobs) == 6 and jobs[0].batch == 3
    graph, jobs, _ = demo._plan(host, wanted(shapes=True, prompt="a star"))
    assert "PULoadShapesModel" in classes(graph) and [job.text for job in jobs] == ["a star"]


@pytest.mark.parametrize(
    ("name", "guide"),
    [
        (demo.SMALL_WORLD, "PUPromptGuidance"),
        (demo.SHAPES, "PUAttendAndExcite"),
        (demo.REAL, "PUAttendAndExcite"),
    ],
)
def test_the_workflows_that_the_demo_uses_can_be_changed_as_it_needs(name, guide):
    graph = graphs.asked(graphs.load(name), "a red circle and a blue star", seed=3, batch=2, steps=4)
    bare, _ = graphs.plain(graph)
    full, _, _ = graphs.guided(graph)
    assert guide not in classes(bare) and {guide, "PUAttentionHeatMap"} <= classes(full)
    for made in (bare, full):
        links = [value for node in made.values() for value in node["inputs"].values() if isinstance(value, list)]
        assert all(link[0] in made for link in links), "a link leads to a node that was left out"


def test_a_workflow_that_is_missing_is_a_sentence():
    with pytest.raises(RunnerError, match="not complete"):
        graphs.load("no-such-workflow.api.json")
