"""Whose maps are kept: of which prompt, of which steps, of which size, and for how many runs."""

import pytest
import torch
from comfy_extras.nodes_advanced_samplers import SamplerLCMUpscale
from comfy_extras.nodes_custom_sampler import BasicScheduler, SamplerCustom
from editing import edit_positive, pair, sample_edit, swap, swapped
from engine import HW, ONE_UPDATE, guided, positive, prompt, sample
from neighbours import deep_shrink
from pack.attention_hooks.host.conditioning.marks import tag
from pack.attention_hooks.host.install import with_capture, with_edit
from pack.attention_hooks.host.settings import Capture, run_log
from pack.attention_hooks.losses.a_star import AStar
from pack.errors import PromptUnderstandingError
from pack.nodes.look_nodes import PUAttentionHeatMap
from tiny import conditioning

import nodes

OTHER = prompt(3, text="x1 x2 x3 x4 x5 x6 x7 x8")
PLAIN = ["", "plain", "per word", 0.5, 0, 0.0, "mean over the steps", "strip", "one a word", "quarter", "", 0.0, 1.0]


@torch.inference_mode()
def drawn(node, latent, parsed=None):
    """What the node Attention Heat Map draws."""
    return PUAttentionHeatMap.execute(node, {"samples": latent}, parsed or prompt(), *PLAIN).args[0]


def maps_of(node, latent):
    return run_log(node).find(latent).maps


@torch.inference_mode()
def limited(conditioned, start: float, end: float):
    return nodes.ConditioningSetTimestepRange().set_range(conditioned, start, end)[0]


# --- which prompt ---


def test_of_two_prompts_the_first_is_captured(model):
    """Combined prompts are sampled together; at the first step maps do not depend on who else is there."""
    first, second = positive(), tag(conditioning(seed=5), OTHER)
    node = with_capture(model, Capture(until=0.0))
    alone, both = (maps_of(node, sample(node, pos=pos, batch=2)) for pos in (first, first + second))
    assert both.probs.keys() == alone.probs.keys()
    assert all(torch.allclose(both.probs[site], alone.probs[site], atol=1e-6) for site in alone.probs)
    unmarked = maps_of(node, sample(node, pos=conditioning() + conditioning(seed=5), batch=2))
    assert all(torch.allclose(unmarked.probs[site], alone.probs[site], atol=1e-6) for site in alone.probs)
    asked = with_capture(model, Capture(until=0.0, prompt=OTHER))
    assert maps_of(asked, sample(asked, pos=first + second)).fingerprints == (OTHER.fingerprint,)


def test_a_prompt_that_was_not_captured_is_refused_with_both_texts(model):
    node = with_capture(model, Capture())
    latent = sample(node, pos=positive() + tag(conditioning(seed=5), OTHER), steps=2)
    assert drawn(node, latent).isfinite().all()
    with pytest.raises(PromptUnderstandingError, match="'w1 w2.*connected prompt is 'x1 x2"):
        drawn(node, latent, OTHER)


def test_a_text_behind_the_prompt_does_not_hide_its_words(model):
    """Conditioning (Concat): 154 tokens, of which the first 77 are the prompt's."""
    joined = nodes.ConditioningConcat().concat(positive(), conditioning(seed=5))[0]
    node = with_capture(model, Capture())
    latent = sample(node, pos=joined, steps=2)
    assert maps_of(node, latent).tokens == 154 and drawn(node, latent).isfinite().all()


def test_the_words_of_an_edit_may_be_looked_at(model):
    edit = swap(pair())
    node = with_capture(with_edit(model, edit), Capture())
    latent = sample_edit(node, edit, steps=2)
    assert drawn(node, latent, edit.prompts[1]).shape == drawn(node, latent).shape
    with pytest.raises(PromptUnderstandingError, match="captured for the prompt 'w1 w2"):
        drawn(node, latent, swapped(3))
    assert len(edit_positive(edit)[0][1]["pu_rows"]) == 2


# --- which steps ---


@pytest.mark.parametrize("each_step", [False, True])
def test_a_prompt_that_acts_in_a_part_of_sampling_has_the_maps_of_that_part(model, each_step):
    """The first half is another prompt's; nothing of it is mixed in, and no step without maps is kept."""
    scheduled = limited(tag(conditioning(seed=5), OTHER), 0.0, 0.5) + limited(positive(), 0.5, 1.0)
    node = with_capture(model, Capture(each_step=each_step, prompt=prompt()))
    maps = maps_of(node, sample(node, pos=scheduled, steps=8))
    assert all(first >= 0.5 for first, _ in maps.progress)
    assert len(maps.progress) == (1 if not each_step else len(next(iter(maps.probs.values()))))
    assert all(torch.allclose(p.sum(2), torch.ones(()), atol=1e-5) for p in maps.probs.values())


def test_a_prompt_that_never_acts_in_the_captured_steps_says_so(model):
    node = with_capture(model, Capture(until=0.3, prompt=prompt()))
    late = limited(positive(), 0.5, 1.0) + limited(tag(conditioning(seed=5), OTHER), 0.0, 0.5)
    latent = sample(node, pos=late, steps=6)
    with pytest.raises(PromptUnderstandingError, match="limited to another part of sampling"):
        drawn(node, latent)


# --- which size ---


@torch.inference_mode()
def growing(model):
    """ComfyUI's LCM sampler that doubles the latent on its way."""
    sampler = SamplerLCMUpscale.execute(2.0, 3, "bislerp").args[0]
    sigmas = BasicScheduler.execute(model, "normal", 6, 1.0).args[0]
    latent = {"samples": torch.zeros(2, 4, *HW)}
    out = SamplerCustom.execute(model, True, 0, 1.0, positive(), conditioning(seed=2), sampler, sigmas, latent)
    return out.args[0]["samples"]


@pytest.mark.parametrize("each_step", [False, True])
def test_layers_that_change_their_size_in_mid_run_have_maps_of_one_size(model, each_step):
    """Deep Shrink halves 16x24 for the first third: a quarter of that is 2x3, and 4x6 afterwards."""
    node = with_capture(deep_shrink(model), Capture(each_step=each_step))
    latent = sample(node, batch=2, steps=6)
    assert torch.equal(latent, sample(deep_shrink(model), batch=2, steps=6))
    maps = maps_of(node, latent)
    assert {tuple(p.shape[-2:]) for p in maps.probs.values()} == {(4, 6)}
    assert all(torch.allclose(p.sum(2), torch.ones(()), atol=1e-5) for p in maps.probs.values())
    assert drawn(node, latent).isfinite().all()


@pytest.mark.parametrize("loss", [None, AStar()])
@pytest.mark.parametrize("sites", ["quarter", "all"])
def test_guidance_goes_on_where_layers_change_their_size(model, loss, sites):
    node = guided(deep_shrink(model), ONE_UPDATE, loss, sites=sites)
    out = sample(node, batch=2, steps=6)
    assert out.isfinite().all() and len(run_log(node).find(out).steps) == 3


def test_a_latent_that_grows_in_mid_run(model):
    captured, node = with_capture(model, Capture()), guided(model, ONE_UPDATE)
    latent = growing(captured)
    assert torch.equal(latent, growing(model))
    largest = max(maps_of(captured, latent).probs.values(), key=lambda p: p.numel())
    assert tuple(largest.shape[1:]) == (2, 77, latent.shape[-2] // 4, latent.shape[-1] // 4)
    assert growing(node).isfinite().all()


# --- how many runs ---


def test_a_list_of_latents_is_sampled_before_the_first_is_looked_at(model):
    """ComfyUI runs a node once for each latent of a list, and the next node afterwards."""
    node = with_capture(model, Capture())
    latents = [sample(node, seed=seed, steps=1) for seed in range(6)]
    assert all(drawn(node, latent).isfinite().all() for latent in latents)
