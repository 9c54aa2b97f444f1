"""GLIGEN with all boxes of a layout, on a file of the real format and ComfyUI's own loader."""

import comfy.sd
import pytest
import torch
from engine import ONE_UPDATE, guided, positive, sample
from pack.attention_hooks.host.conditioning.gligen import ground
from pack.attention_hooks.host.settings import run_log
from pack.attention_hooks.losses.box_energy import BoxEnergy
from pack.errors import PromptUnderstandingError
from pack.layouts.types import Box, Layout, LayoutObject
from tiny import conditioning
from tiny_checkpoint import _clip
from tiny_gligen import write_gligen

import nodes

HW = (16, 24)
THINGS = (LayoutObject("w2", Box(0.0, 0.25, 0.5, 0.75)), LayoutObject("w5", Box(0.5, 0.0, 1.0, 0.5)))
LAYOUT = Layout(8 * HW[1], 8 * HW[0], THINGS)


@pytest.fixture(scope="module")
def clip():
    words = {f"text_model.{name}": weight for name, weight in _clip().items()}
    with torch.inference_mode():
        return comfy.sd.load_text_encoder_state_dicts([words])


@pytest.fixture(scope="module")
def gligen(model, tmp_path_factory):
    with torch.inference_mode():
        return comfy.sd.load_gligen(
            str(write_gligen(tmp_path_factory.mktemp("gligen") / "tiny.safetensors", model.model.diffusion_model))
        )


@torch.inference_mode()
def grounded(clip, gligen, layout=LAYOUT, until=0.4, pos=None):
    return ground(positive() if pos is None else pos, conditioning(seed=2), clip, gligen, layout, until)


def test_the_boxes_are_those_of_comfyuis_own_node(clip, gligen):
    """Height 8 and width 12 of the latent, from row 4; and height 8, width 12, from column 12."""
    ours = grounded(clip, gligen)[0][0][1]["gligen"]
    theirs = positive()
    with torch.inference_mode():
        apply = nodes.GLIGENTextBoxApply()
        (theirs,) = apply.append(theirs, clip, gligen, "w2", width=96, height=64, x=0, y=32)
        (theirs,) = apply.append(theirs, clip, gligen, "w5", width=96, height=64, x=96, y=0)
    kind, adapter, boxes = theirs[0][1]["gligen"]
    assert (kind, adapter) == ours[:2] and len(boxes) == len(ours[2]) == 2
    for own, stock in zip(ours[2], boxes, strict=True):
        assert own[1:] == stock[1:] and torch.equal(own[0], stock[0])


def test_the_boxes_act_until_their_time_and_no_longer(model, clip, gligen):
    pictures = {}
    for until in (0.0, 0.4, 1.0):
        pos, neg = grounded(clip, gligen, until=until)
        pictures[until] = sample(model, hw=HW, pos=pos, neg=neg, batch=2)
    assert torch.equal(pictures[0.0], sample(model, hw=HW, batch=2))
    assert not torch.equal(pictures[0.0], pictures[0.4]) and not torch.equal(pictures[0.4], pictures[1.0])


def test_the_time_of_an_entry_is_kept(clip, gligen):
    pos, neg = grounded(clip, gligen, pos=positive(start_percent=0.2, end_percent=0.8))
    times = [(options["start_percent"], options["end_percent"], "gligen" in options) for _, options in pos]
    assert times == [(0.2, 0.4, True), (0.4, 0.8, False)]
    assert [options["gligen"][0] for _, options in neg if "gligen" in options] == ["empty"]
    late, _ = grounded(clip, gligen, pos=positive(start_percent=0.5))
    assert len(late) == 1 and "gligen" not in late[0][1]


def test_guidance_sees_the_boxes(model, clip, gligen):
    """The first loss is of the sampler's own noise: it differs only because the adapter is in the gradient pass."""
    losses, steps = [], []
    for boxes in (None, grounded(clip, gligen, until=1.0)):
        pos, neg = boxes or (None, None)
        node = guided(model, ONE_UPDATE, BoxEnergy(LAYOUT))
        latents = sample(node, hw=HW, pos=pos, neg=neg, batch=2)
        record = run_log(node).find(latents)
        losses.append(record.steps[0].losses["box_energy"])
        steps.append(record)
        assert latents.isfinite().all()
    assert not torch.allclose(losses[0], losses[1], rtol=1e-3)
    assert steps[1].forwards == steps[1].backwards, "no second try, so the adapter's weights needed no thawing"
    assert not any("forward" in layer.__dict__ for layer in gligen.model.modules())


def test_both_halves_of_the_time_are_guided(model, clip, gligen):
    pos, neg = grounded(clip, gligen, until=0.2)
    node = guided(model, ONE_UPDATE, BoxEnergy(LAYOUT))
    record = run_log(node).find(sample(node, hw=HW, pos=pos, neg=neg))
    assert len(record.steps) == 4 and all(torch.isfinite(step.losses["box_energy"]).all() for step in record.steps)


def test_too_many_boxes_are_a_sentence(clip, gligen):
    with pytest.raises(PromptUnderstandingError, match="31 boxes, and this GLIGEN takes up to 30"):
        grounded(clip, gligen, Layout(64, 64, THINGS[:1] * 31))
    pos, neg = grounded(clip, gligen, Layout(64, 64))
    assert all("gligen" not in options for _, options in (*pos, *neg))
