"""The benchmark on the real host: it runs, it measures what it says, and it refuses to time other work."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pack.evaluation import peer, quality, speed, tuning
from pack.evaluation.methods import PLAIN, Method
from pack.evaluation.networks import TINY
from pack.evaluation.steps import Sampling, first_loss, guided_steps
from pack.evaluation.worlds import SHAPES, Recipe

ROOT = Path(__file__).resolve().parents[2]
needs_diffusers = pytest.mark.skipif(importlib.util.find_spec("diffusers") is None, reason="diffusers is not installed")


@pytest.fixture(scope="module")
def sampling():
    return Sampling.of(TINY)


def quiet(_: str) -> None:
    pass


@pytest.mark.slow
def test_the_command_saves_its_figures_and_a_page(tmp_path):
    command = [
        sys.executable,
        str(ROOT / "evaluation" / "bench.py"),
        "--quick",
        "--only",
        "speed",
        "--output",
        str(tmp_path),
    ]
    done = subprocess.run(command, env={**os.environ, "PYTHONUTF8": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "speed_quick.json").read_text("utf-8"))["speed"]
    for name in ("guided / plain", "guided step / plain step", "three losses / one", "capture / plain"):
        assert figures[name]["low"] <= figures[name]["median"] <= figures[name]["high"]
        assert figures[name]["cpu"] > 0
    assert figures["whole runs"]["guided steps"] * 2 == figures["whole runs"]["steps"]
    page = (tmp_path / "speed_quick.md").read_text("utf-8")
    assert "÷ plain" in page and page.strip() in done.stdout


def test_half_of_the_steps_are_guided_and_none_is_refined(sampling):
    model = sampling.guided()
    sampling.image(model, 50)
    assert guided_steps(model) == speed.GUIDED


def test_a_guided_step_moves_the_latent_and_a_captured_one_does_not(sampling):
    plain = sampling.step(sampling.model)
    assert torch.equal(sampling.step(sampling.captured()), plain)
    assert not torch.equal(sampling.step(sampling.guided()), plain)


def test_saving_memory_does_not_change_the_step(sampling):
    full, saving = (sampling.step(sampling.guided(save_memory)) for save_memory in (False, True))
    assert peer.relative_difference(saving, full) < 1e-5


def test_a_step_that_guidance_skipped_is_not_timed(sampling, monkeypatch):
    model = sampling.guided()
    monkeypatch.setattr(type(sampling), "noise", lambda self, batch=1: torch.full((batch, 4, 16, 16), float("nan")))
    sampling.step(model)
    with pytest.raises(RuntimeError, match="other work"):
        guided_steps(model)


@needs_diffusers
def test_diffusers_does_the_same_step_on_the_same_weights(sampling):
    """Our network, loss, gradient and step against an implementation that shares no code with ours."""
    other, model = peer.Peer.of(sampling), sampling.guided()
    other.run()
    ours = sampling.step(model)
    assert other.losses[0] == pytest.approx(first_loss(model), abs=1e-5)
    assert peer.relative_difference(ours, other.first_step) < 1e-4
    assert peer.relative_difference(sampling.step(sampling.model), other.first_step) > 1e-3


@needs_diffusers
def test_a_peer_that_did_something_else_is_refused(sampling, monkeypatch):
    other = peer.Peer.of(sampling)
    other.first_step = torch.zeros(1, 4, 16, 16) + 1
    with pytest.raises(RuntimeError, match="did not do the same work"):
        speed._against(other, None, sampling.step(sampling.model), 0.5)


class FakePipeline:
    """Pictures without a model: guided ones forget nothing."""

    recipe = Recipe()

    def __init__(self):
        self.made = []

    def pictures(self, job, method):
        self.made.append((job.prompt.text, method.key))
        shares = dict.fromkeys(quality.COLUMNS, 0.0) | {"entity neglect": 0.0 if method.nodes else 0.5}
        row = {
            "set": job.set,
            "prompt": job.prompt.text,
            "seed": job.seed,
            "seconds": 2.0 if method.nodes else 1.0,
            **shares,
        }
        return [{**row, "index": i} for i in range(job.pictures)]


METHODS = {PLAIN: Method(), "guided": Method((("PUAttendAndExcite", {"strength": 2.0}),))}


def test_a_run_goes_on_where_it_was_cut_short(tmp_path):
    work, first, second = quality.jobs(2)[:4], FakePipeline(), FakePipeline()
    quality.run(first, METHODS, work[:3], tmp_path, "w", quiet)
    rows = quality.run(second, METHODS, work, tmp_path, "w", quiet)
    assert len(first.made) == 6 and len(second.made) == 2
    assert {name: len(own) for name, own in rows.items()} == {PLAIN: 8, "guided": 8}


def test_rows_of_other_weights_or_settings_are_not_gone_on_with(tmp_path):
    work = quality.jobs(1)[:1]
    stronger = {PLAIN: Method(), "guided": Method((("PUAttendAndExcite", {"strength": 3.0}),))}
    quality.run(FakePipeline(), METHODS, work, tmp_path, "w", quiet)
    changed, retrained = FakePipeline(), FakePipeline()
    quality.run(changed, stronger, work, tmp_path, "w", quiet)
    quality.run(retrained, stronger, work, tmp_path, "v", quiet)
    assert len(changed.made) == 1 and len(retrained.made) == 2


def test_the_summary_compares_with_plain(tmp_path):
    rows = quality.run(FakePipeline(), METHODS, quality.jobs(2)[:6], tmp_path, "w", quiet)
    summary = quality.summarise(rows)
    guided = summary["all"]["guided"]
    assert summary["all"][PLAIN]["entity neglect"]["value"] == 0.5
    assert guided["entity neglect"]["difference"] == {"value": -0.5, "low": -0.5, "high": -0.5}
    assert guided["neglect / plain"]["value"] == 0.0 and guided["seconds / plain"] == 2.0
    assert {name: own[PLAIN]["images"] for name, own in summary.items()} == {"all": 12} | dict.fromkeys(SHAPES.sets, 4)


def test_tuning_noise_is_not_that_of_the_table():
    final, tuned = quality.jobs(1), quality.jobs(1, tuning.TUNING_SEED)
    assert {job.prompt for job in final} == {job.prompt for job in tuned}
    assert not {job.seed for job in final} & {job.seed for job in tuned}


def test_trials_are_all_combinations_on_the_right_side():
    choices = tuning.parse(["cfg=2|3.5", "step_size=5|10", "refine_at=0, 0.2"])
    found = list(tuning.trials(METHODS["guided"], Recipe(), choices))
    assert [(recipe.cfg, dict(method.nodes[0][1])) for recipe, method in found] == [
        (cfg, {"strength": 2.0, "step_size": step, "refine_at": "0, 0.2"}) for cfg in (2, 3.5) for step in (5, 10)
    ]


def test_a_picture_is_made_scored_and_repeated_exactly():
    """The runner on the real model, nodes and sampler; a few steps, so the pictures are nothing to look at."""
    from pack.demo.model import load_shapes

    pipeline = quality.Pipeline(*load_shapes(), recipe=Recipe(steps=2))
    (job,) = quality.jobs(2)[2:3]
    guided = Method((("PUAttendAndExcite", {"refine_at": "", "refine_to": ""}),))
    first, again = ([{**row, "seconds": 0} for row in pipeline.pictures(job, guided)] for _ in range(2))
    assert first == again and len(first) == 2
    assert all(0 <= row[column] <= 1 for row in first for column in quality.COLUMNS)
