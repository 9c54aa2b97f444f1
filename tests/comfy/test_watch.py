"""Capture reads ordinary model calls: the right rows, the true size, the true length, and never a changed picture."""

import pytest
import torch
from engine import guided, positive, prompt, sample
from pack.attention_hooks.host.conditioning.marks import tag
from pack.attention_hooks.host.install import with_capture
from pack.attention_hooks.host.settings import Capture, run_log, settings_of
from pack.attention_hooks.optimize.schedule import Schedule
from pack.attention_hooks.types import AttentionSite
from pack.errors import PromptUnderstandingError
from tiny import conditioning

QUARTER = AttentionSite("input", 5)


def maps_of(node, latent):
    return run_log(node).find(latent).maps


def test_the_picture_is_bit_identical(model):
    assert torch.equal(sample(with_capture(model, Capture("all", each_step=True))), sample(model))


def test_probabilities_sum_to_one_at_every_place(model):
    node = with_capture(model, Capture("all"))
    maps = maps_of(node, sample(node, hw=(18, 10), steps=3))
    assert {str(site): tuple(p.shape) for site, p in maps.probs.items()}["input.5.0"] == (1, 1, 77, 5, 3)
    for probs in maps.probs.values():
        assert torch.allclose(probs.sum(2), torch.ones(()), atol=1e-5)
    assert maps.latent_hw == (18, 10)


def test_maps_are_those_the_model_computed(model):
    """Against the layer's own q and k, caught by module hooks at the only step."""
    caught = {}
    attn = model.model.diffusion_model.input_blocks[5][1].transformer_blocks[0].attn2
    handles = [
        getattr(attn, n).register_forward_hook(lambda _m, _i, out, n=n: caught.setdefault(n, out))
        for n in ("to_q", "to_k")
    ]
    try:
        sample(model, steps=1, cfg=1.0)
    finally:
        [handle.remove() for handle in handles]
    node = with_capture(model, Capture("input.5.0"))
    maps = maps_of(node, sample(node, steps=1, cfg=1.0))
    q, k = (caught[n].reshape(1, -1, 4, 32).transpose(1, 2) for n in ("to_q", "to_k"))
    expected = (q @ k.transpose(2, 3) / 32**0.5).softmax(-1).mean(1).transpose(1, 2).reshape(1, 77, 4, 6)
    assert torch.allclose(maps.probs[QUARTER][0], expected, atol=1e-5)


@pytest.mark.parametrize("case", ["together", "apart", "cfg 1", "padded", "padded both"])
def test_only_the_positive_prompt_is_read_in_any_batch_layout(model, case, monkeypatch):
    """At one step from one noise the positive maps do not depend on how ComfyUI packs the calls."""
    node = with_capture(model, Capture())
    reference = maps_of(node, sample(node, steps=1, cfg=1.0, batch=2)).probs[QUARTER]
    options, length = {"cfg": 3.0}, 77
    if case == "apart":
        monkeypatch.setattr(type(model), "get_free_memory", lambda self, device: 1)
    elif case == "cfg 1":
        options["cfg"] = 1.0
    elif case == "padded":
        options["neg"] = conditioning(154, seed=2)
    elif case == "padded both":
        length = 154
        options |= {"neg": conditioning(231, seed=2), "pos": positive(154)}
        reference = maps_of(node, sample(node, steps=1, cfg=1.0, batch=2, pos=positive(154))).probs[QUARTER]
    maps = maps_of(node, sample(node, steps=1, batch=2, **options)).probs[QUARTER]
    assert maps.shape == (1, 2, length, 4, 6)
    assert torch.allclose(maps, reference, atol=1e-5)
    assert not torch.allclose(maps[:, 0], maps[:, 1], atol=1e-4)


def test_each_step_and_mean(model):
    each = with_capture(model, Capture(each_step=True))
    mean = with_capture(model, Capture())
    frames = maps_of(each, sample(each, steps=4))
    assert len(frames.progress) == 4 and frames.probs[QUARTER].shape[0] == 4
    average = maps_of(mean, sample(mean, steps=4))
    assert average.probs[QUARTER].shape[0] == 1 and average.progress[0] == (
        frames.progress[0][0],
        frames.progress[-1][1],
    )
    assert torch.allclose(average.probs[QUARTER][0], frames.probs[QUARTER].mean(0), atol=1e-6)


def test_a_range_of_steps(model):
    node = with_capture(model, Capture(start=0.4, until=0.8, each_step=True))
    maps = maps_of(node, sample(node, steps=8))
    assert all(0.4 <= start <= 0.8 for start, _ in maps.progress) and 2 <= len(maps.progress) <= 4


def test_two_stage_samplers_give_one_frame_a_step(model):
    node = with_capture(model, Capture(each_step=True))
    assert len(maps_of(node, sample(node, "heun", steps=5)).progress) == 5


def test_guidance_and_capture_share_a_model_and_no_state(model):
    both = with_capture(guided(model, Schedule(refinements=())), Capture())
    alone = guided(model, Schedule(refinements=()))
    out = sample(both)
    assert torch.equal(out, sample(alone))
    record = run_log(both).find(out)
    assert record.steps and record.maps is not None
    assert settings_of(both).log is not settings_of(alone).log


def test_the_prompt_chooses_among_several_entries(model):
    other = tag(conditioning(seed=9), prompt(text="something else"))
    node = with_capture(model, Capture(prompt=prompt()))
    alone = maps_of(node, sample(node, steps=1, cfg=1.0)).probs[QUARTER]
    among = maps_of(node, sample(node, steps=1, cfg=1.0, pos=other + positive())).probs[QUARTER]
    assert torch.allclose(alone, among, atol=1e-5)


def test_an_area_is_not_read_as_if_it_were_the_whole_picture(model):
    node = with_capture(model, Capture())
    area = positive(area=(8, 8, 0, 0))
    latent = sample(node, steps=2, pos=positive() + area)
    assert maps_of(node, latent).probs[QUARTER].shape[-2:] == (4, 6)
    assert run_log(node).find(latent).notes
    with pytest.raises(PromptUnderstandingError, match="limited to an area"):
        sample(node, steps=2, pos=area)


def test_a_second_capture_replaces_the_first(model):
    node = with_capture(with_capture(model, Capture("all")), Capture("quarter"))
    assert set(maps_of(node, sample(node, steps=1)).probs) == {
        AttentionSite("input", 5), AttentionSite("middle", 0), AttentionSite("output", 0), AttentionSite("output", 1)
    }  # fmt: skip
