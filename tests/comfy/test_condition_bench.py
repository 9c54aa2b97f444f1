"""What the evaluation of these nodes rests on: pictures whose figures are known, wiring by socket type, and a run."""

import json
from argparse import Namespace

import pytest
import torch
from pack.demo.model import load_shapes
from pack.demo.prompts import prompt
from pack.evaluation import command, saturation
from pack.evaluation.conditioning import TARGETS, measure
from pack.evaluation.methods import ON_SHAPES, Method
from pack.evaluation.networks import TINY
from pack.evaluation.quality import Pipeline
from pack.evaluation.worlds import Recipe
from pack.nodes.prompt_nodes import PUEncodePrompt

RED_CIRCLE = prompt(("circle", "red"))


@pytest.fixture(scope="module")
def pipeline():
    with torch.inference_mode():
        return Pipeline(*load_shapes(), recipe=Recipe(steps=2))


def quiet(_text: str) -> None:
    pass


def test_a_rendered_picture_has_no_error():
    row = saturation.row(saturation.rendered(RED_CIRCLE), RED_CIRCLE)
    assert row["colour error"] < 1 and row["shape lost"] == 0 and row["clipped"] == 0


def test_figures_of_a_spoiled_picture():
    """Red (222, 36, 36) drawn as (255, 0, 0): off by 33, 36, 36 in 8-bit steps."""
    picture = saturation.rendered(RED_CIRCLE)
    inside = picture[0] > 0
    picture[:, inside] = torch.tensor([1.2, -1.2, -1.2])[:, None]
    row = saturation.row(picture, RED_CIRCLE)
    assert row["colour error"] == pytest.approx(((33**2 + 36**2 + 36**2) / 3) ** 0.5, abs=0.1)
    assert row["clipped"] == pytest.approx(float(inside.float().mean()))


def test_an_empty_picture_has_no_colour_and_no_shape():
    row = saturation.row(torch.zeros(3, 64, 64), RED_CIRCLE)
    assert row == {"clipped": 0.0, "colour error": None, "shape lost": 1.0}


def test_every_colour_is_asked_for_equally_often():
    asked = [wish.subjects[0][1] for wish in saturation.prompts(2)]
    assert len(asked) == 18 and {asked.count(colour) for colour in asked} == {2}


def test_nodes_are_wired_by_socket_type(pipeline):
    """Composable takes the prompt apart, and the sampler's positive input becomes the composition."""
    with torch.inference_mode():
        positive, parsed, _ = PUEncodePrompt.execute(pipeline.clip, "a red circle and a blue star").result
        start = {"MODEL": pipeline.model, "CLIP": pipeline.clip, "CONDITIONING": positive, "PU_PARSED_PROMPT": parsed}
        wires = ON_SHAPES.methods["composable"](start)
        assert [weight for _, weight in wires["PU_COMPOSITION"].parts] == [1.0, 1.0]
        assert len(wires["CONDITIONING"]) == 2 and wires["MODEL"] is not pipeline.model
        structured = ON_SHAPES.methods["structured"](start)
    assert structured["CONDITIONING"] is positive and structured["MODEL"] is not pipeline.model
    assert Method()(start) == start


def test_settings_name_a_function_of_the_wires():
    key = ON_SHAPES.methods["composable"].key
    assert "each_subject_a_prompt" in key and "0x" not in key


def test_colour_errors_are_compared_picture_by_picture():
    """2 and 4 less, the third has no object in one of them: -3 on average, a standard error of 1."""
    found = saturation.difference([1.0, 2.0, None], [3.0, 6.0, 9.0])
    assert found.value == -3 and found.high == pytest.approx(-3 + 1.96, abs=1e-3)


def test_the_saturation_part_runs_and_saves(tmp_path, pipeline, monkeypatch):
    monkeypatch.setattr(command, "_pipeline", lambda _file: (pipeline, "w"))
    monkeypatch.setattr(saturation, "QUICK", saturation.Plan((3.0, 12.0), rounds=1))
    command._saturation(Namespace(weights=None, quick=True, output=tmp_path))
    saved = json.loads((tmp_path / "saturation_quick.json").read_text("utf-8"))
    assert set(saved["methods"]) == set(saturation.THRESHOLDING) and saved["pictures"] == 9
    plain, static, dynamic = (saved["methods"][name]["clipped"] for name in ("plain", "static", "dynamic"))
    assert plain[1]["value"] > dynamic[1]["value"]
    assert "| dynamic |" in (tmp_path / "saturation_quick.md").read_text("utf-8")
    assert (tmp_path / "saturation_quick.png").read_bytes().startswith(b"\x89PNG")


def test_the_cost_of_every_form_is_measured():
    results = measure(TINY, 1, quiet)
    assert set(TARGETS) < set(results["ratios"]) and all(ratio["cpu"] > 0 for ratio in results["ratios"].values())
