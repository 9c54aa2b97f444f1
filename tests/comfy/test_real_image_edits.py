"""Prompt-to-Prompt on real images: every source comes back as its own image did, and only its edit is another."""

from dataclasses import replace

import comfy.model_base
import pytest
import torch
from editing import edit_positive, pair, swap, swapped
from pack.attention_hooks.edits.local_blend import LocalBlend
from pack.attention_hooks.host.conditioning.marks import EDIT_KEY
from pack.attention_hooks.host.install import with_capture, with_edit
from pack.attention_hooks.host.settings import Capture, run_log
from pack.errors import PromptUnderstandingError
from pack.nodes.edit_nodes import PUEditLatent
from pack.nodes.inversion_nodes import DIRECT, NULL_TEXT, PROMPT
from real_image import come_back, inverted, miss, picture, with_null_text
from tiny import tiny_sd

CFG, STEPS = 4.0, 3
PAIR, TRIPLE = pair(), pair(swapped(2), swapped(3, 5))


@pytest.fixture(scope="module")
def velocity():
    return tiny_sd(model_type=comfy.model_base.ModelType.V_PREDICTION, multipliers=(1, 2))


@pytest.fixture(scope="module")
def two(velocity):
    """(LATENT, INVERSION, SIGMAS) of two unlike images that share a caption."""
    return inverted(velocity, torch.cat([picture(), picture(seed=3)]), edit_positive(PAIR), STEPS)


def latent_of(two, edit):
    return PUEditLatent.execute(two[0], edit).result[0]


def back(model, latent, edit=None):
    positive = edit_positive(PAIR) if edit is None else edit_positive(edit)
    return come_back(model, latent, CFG, positive if edit else [[positive[0][0][:1], {}]], steps=STEPS)


def near(a, b):
    return torch.allclose(a, b, rtol=1e-3, atol=1e-3 * float(b.abs().max()))


@pytest.mark.parametrize("method", [NULL_TEXT, PROMPT])
@pytest.mark.parametrize("edit", [PAIR, TRIPLE], ids=["one edit", "two edits"])
def test_each_source_is_its_own_image_again(velocity, two, method, edit):
    """Two images with unlike negatives of their own; the second one's must not reach the first one's edit."""
    model = with_null_text(velocity, two[1], CFG, method=method, rounds=2, learning_rate=0.5)
    alone = back(model, two[0])
    prompts = len(edit.prompts)
    out = back(with_edit(model, swap(edit)), latent_of(two, edit), edit)
    assert near(out[::prompts], alone)
    assert all(not near(out[row::prompts], alone) for row in range(1, prompts))


def test_images_repeated_without_an_edit_take_turns(velocity, two):
    """As ComfyUI's Repeat Latent Batch puts them."""
    model = with_null_text(velocity, two[1], CFG, rounds=2, learning_rate=0.5)
    twice = {"samples": two[0]["samples"].repeat(2, 1, 1, 1)}
    assert near(back(model, twice), back(model, two[0]).repeat(2, 1, 1, 1))


def test_a_batch_that_does_not_fit_the_images_is_refused(velocity, two):
    model = with_null_text(velocity, two[1], CFG, method=PROMPT)
    three = {"samples": two[0]["samples"][[0, 1, 1]]}
    with pytest.raises(PromptUnderstandingError, match="of 2 images, and the sampler was given 3 latents. Connect"):
        back(model, three)
    with pytest.raises(PromptUnderstandingError, match="2 latents for groups of 2, a source and its edits"):
        back(with_edit(model, swap(PAIR)), two[0], PAIR)


def test_an_image_is_inverted_with_the_sources_prompt_alone(velocity):
    """Encode Edit's conditioning holds the edits too; the way back must not be theirs."""
    both = edit_positive(PAIR)
    latent, inversion, _ = inverted(velocity, torch.cat([picture(), picture(seed=3)]), both, STEPS)
    source = inverted(velocity, torch.cat([picture(), picture(seed=3)]), [[both[0][0][:1], {}]], STEPS)
    assert torch.equal(latent["samples"], source[0]["samples"])
    assert len(inversion.positive[0][0]) == 1 and EDIT_KEY not in inversion.positive[0][1]


@pytest.mark.parametrize("edit", [PAIR, TRIPLE], ids=["one edit", "two edits"])
def test_direct_inversion_shows_the_images_themselves_beside_the_edits(velocity, two, edit):
    """Ju et al. 2024: at any cfg the source is the image, up to the rounding of the latent's scale."""
    images = torch.cat([picture(), picture(seed=3)])
    model = with_null_text(velocity, two[1], method=DIRECT)
    out = back(with_edit(model, swap(edit)), latent_of(two, edit), edit)
    again = back(with_edit(model, swap(edit)), latent_of(two, edit), edit)
    prompts = len(edit.prompts)
    assert torch.allclose(out[::prompts], images, rtol=1e-6, atol=1e-6) and torch.equal(out, again)
    assert all(not near(out[row::prompts], images) for row in range(1, prompts))
    assert miss(back(velocity, two[0]), images) > 0.05, "without it, cfg 4 leads elsewhere"


def test_direct_inversion_leads_the_source_past_every_level(velocity, two):
    """Cut short after two of three steps, the source stands where the inversion stood."""
    model = with_edit(with_null_text(velocity, two[1], method=DIRECT), swap(PAIR))
    latent, positive = latent_of(two, PAIR), edit_positive(PAIR)
    half = come_back(model, latent, CFG, positive, steps=STEPS, start_step=0, last_step=2)
    assert torch.allclose(half[::2] * velocity.model.latent_format.scale_factor, two[1].latents[2], atol=1e-5)
    rest = come_back(model, {"samples": half}, CFG, positive, steps=STEPS, start_step=2, last_step=10000)
    whole = come_back(model, latent, CFG, positive, steps=STEPS)
    assert near(rest, whole)


def test_with_local_blend_the_picture_outside_is_the_image():
    """A threshold of 1 leaves no place that may change. Three levels: blending reads maps of a quarter's size."""
    velocity = tiny_sd(model_type=comfy.model_base.ModelType.V_PREDICTION, multipliers=(1, 2, 2))
    two = inverted(velocity, torch.cat([picture(), picture(seed=3)]), edit_positive(PAIR), STEPS)
    rows = torch.zeros(2, PAIR.length)
    rows[:, 2] = 1
    edit = replace(swap(PAIR), blend=LocalBlend(rows, torch.zeros_like(rows), threshold=1.0))
    model = with_edit(with_null_text(velocity, two[1], method=DIRECT), edit)
    out = back(model, latent_of(two, edit), PAIR)
    assert torch.equal(out[1::2], out[::2])


@pytest.mark.parametrize("method", [NULL_TEXT, PROMPT])
def test_a_heat_map_before_it_still_finds_the_run(velocity, two, method):
    """Nothing of the run's record changes, so it goes to the log of the MODEL that Capture Attention made."""
    captured = with_capture(velocity, Capture("all"))
    model = with_null_text(captured, two[1], CFG, method=method, rounds=1)
    assert run_log(model) is run_log(captured)
    assert run_log(captured).find(back(model, two[0])).maps is not None


def test_another_picture_can_be_inverted_with_a_model_that_is_led_already(velocity, two):
    led, other = with_null_text(velocity, two[1], method=DIRECT), picture(2, seed=5)
    again = inverted(led, other, edit_positive(PAIR), STEPS)
    assert torch.equal(again[0]["samples"], inverted(velocity, other, edit_positive(PAIR), STEPS)[0]["samples"])
