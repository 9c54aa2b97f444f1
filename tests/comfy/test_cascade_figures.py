"""The cascade's figures, worked out by hand. (The sampling behind them is tested on the real host.)"""

import pytest
import torch
from pack.demo.detection import Detection
from pack.demo.prompts import prompt
from pack.demo.scenes import Scene, Thing, enlarged, render
from pack.evaluation import cascade


def found(shape, colour):
    return Detection(shape, colour, (0, 0, 1, 1), 1.0)


def test_psnr_by_hand():
    """An error of 0.1 everywhere is 20 dB, of 0.01 is 40."""
    truth = torch.full((4, 4, 3), 0.5)
    assert cascade.psnr(truth + 0.1, truth) == pytest.approx(20, abs=1e-3)
    assert cascade.psnr(truth + 0.01, truth) == pytest.approx(40, abs=1e-2)


def test_objects_right_counts_each_object_once():
    scene = Scene((Thing("star", "red", 1, 1, 1), Thing("star", "red", 2, 2, 1), Thing("moon", "blue", 3, 3, 1)))
    assert cascade.objects_right([found("star", "red"), found("moon", "pink")], scene) == pytest.approx(1 / 3)
    assert cascade.objects_right([found("star", "red")] * 2 + [found("moon", "blue")], scene) == 1


def test_subjects_present_wants_shape_and_colour():
    asked = prompt(("star", "red"), ("moon", "blue"))
    assert cascade.subjects_present([found("star", "blue"), found("moon", "blue")], asked) == 0.5


def test_recognised_has_no_value_without_objects():
    assert cascade.recognised([]) is None
    assert cascade.recognised([found(None, "red"), found("star", "red")]) == 0.5


def test_enlarged_scene_is_the_same_picture():
    """Its mean over 2 x 2 pixels is the small one, but for how finely the edges are sampled."""
    scene = Scene((Thing("star", "red", 20.3, 22.1, 12.4, 0.1), Thing("ring", "cyan", 44, 40, 13)))
    small, large = (torch.from_numpy(render(s)[0]) for s in (scene, enlarged(scene, 2)))
    mean = large.unflatten(0, (64, 2)).unflatten(2, (64, 2)).mean((1, 3))
    assert (mean - small).abs().max() < 0.1 and (mean - small).abs().mean() < 2e-3


def test_summary_pairs_with_bicubic_and_leaves_missing_values_out():
    base, own = cascade.Measured(), cascade.Measured()
    for measured, shift in ((base, 0.0), (own, 1.0)):
        measured.values["psnr"] = [20.0 + shift, 22.0 + shift]
        measured.values["objects right"] = [0.5, 1.0]
        measured.values["subjects present"] = [0.0, 1.0]
        measured.values["objects recognised"] = [None, 1.0]
    figures = cascade.summarise(own, base)
    assert figures["psnr"]["value"] == 22 and figures["psnr"]["difference"] == {"value": 1, "low": 1, "high": 1}
    assert figures["objects right"]["value"] == 0.75
    assert figures["objects recognised"] == {"images": 1}
