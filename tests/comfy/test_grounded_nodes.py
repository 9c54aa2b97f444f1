"""The layout nodes on Small World, from the prompt to the picture through the stock nodes, and their bad input."""

import comfy.samplers
import pytest
import torch
from pack.attention_hooks.host.settings import run_log
from pack.errors import PromptUnderstandingError
from pack.evaluation.methods import run_node
from pack.layouts.types import Box, Layout, LayoutObject

import nodes

LEFT, RIGHT = Box(0.05, 0.3, 0.45, 0.7), Box(0.55, 0.3, 0.95, 0.7)
FAST = {"sites": "half", "step_size": 20.0, "iterations": "2, 1"}
STEPS = 6


@pytest.fixture(scope="module")
def world():
    with torch.inference_mode():
        return run_node("PULoadSmallWorld")


def layout(*objects, size=128, **options) -> Layout:
    return Layout(size, size, tuple(LayoutObject(*one) for one in objects), **options)


CAT_AND_DOG = layout(("a cat", LEFT, 0), ("a dog", RIGHT, 1))


@torch.inference_mode()
def encoded(world, text):
    return run_node("PUEncodePrompt", clip=world[1], text=text)[:2]


@torch.inference_mode()
def sampled(world, model, positive, batch=1, size=128, steps=STEPS):
    negative = encoded(world, "")[0]
    (latent,) = nodes.EmptyLatentImage().generate(size, size, batch)
    return nodes.KSampler().sample(model, 7, steps, 4.0, "euler", "normal", positive, negative, latent)[0]["samples"]


@torch.inference_mode()
def guidance(world, text, boxes, **options):
    prompt = encoded(world, text)[1]
    return run_node("PULayoutGuidance", model=world[0], prompt=prompt, layout=boxes, **{**FAST, **options})[0]


@torch.inference_mode()
def objects(world, boxes, **options):
    sigmas = comfy.samplers.calculate_sigmas(world[0].get_model_object("model_sampling"), "normal", STEPS)
    return run_node(
        "PUGenerateObjects", model=world[0], clip=world[1], layout=boxes, seed=7, cfg=4.0, sigmas=sigmas,
        sampler=comfy.samplers.sampler_object("euler"), **{**FAST, "until": 0.5, **options},
    )  # fmt: skip


def attention_to(record, name, step=-1):
    return record.steps[step].subjects[name][0]


def test_guidance_lowers_the_energy_of_every_box(world):
    """Of the last guided step, against a run that looks and does not move."""
    text = "a cat and a dog"
    energies = []
    for strength in (1e-9, 1.0):
        model = guidance(world, text, CAT_AND_DOG, strength=strength, enough=0.0)
        record = run_log(model).find(sampled(world, model, encoded(world, text)[0]))
        energies.append(attention_to(record, "box_energy"))
    assert (energies[1] < 0.8 * energies[0]).all()


def test_it_stacks_with_other_losses_in_one_pass(world):
    text = "a cat and a dog"
    positive, prompt = encoded(world, text)
    with torch.inference_mode():
        model = guidance(world, text, CAT_AND_DOG, iterations="1")
        model = run_node("PUAttendAndExcite", model=model, prompt=prompt, refine_at="", refine_to="")[0]
    record = run_log(model).find(sampled(world, model, positive, batch=2))
    assert set(record.steps[0].losses) == {"box_energy", "attend_and_excite"}
    assert record.forwards == record.backwards == len(record.steps)


def test_the_whole_method_with_the_stock_sampler(world):
    drawn, pictures, masks, prompt, negative = objects(world, layout(*_things(), negative="birds"))
    assert (prompt, negative) == ("a cat and a dog", "birds")
    assert pictures["samples"].shape == (2, 4, 32, 32) and masks.shape == (2, 32, 32)
    positive, parsed = encoded(world, prompt)
    with torch.inference_mode():
        model = run_node("PULLMGroundedDiffusion", model=world[0], prompt=parsed, objects=drawn, step_size=20.0)[0]
    first, second = (sampled(world, model, positive) for _ in range(2))
    assert torch.equal(first, second) and first.isfinite().all()
    assert set(run_log(model).find(first).steps[0].losses) == {"attention_transfer", "box_energy"}
    assert drawn.made < STEPS, "drawn half-way"


def _things():
    return ("a cat", LEFT, 0), ("a dog", RIGHT, 1)


def test_an_object_that_is_not_in_the_prompt_is_a_sentence(world):
    with pytest.raises(PromptUnderstandingError, match="box for 'a horse'.*does not name it"):
        guidance(world, "a cat and a dog", layout(("a horse", LEFT)))
    drawn = objects(world, layout(("a horse", LEFT)))[0]
    with pytest.raises(PromptUnderstandingError, match="box for 'a horse'"), torch.inference_mode():
        run_node("PULLMGroundedDiffusion", model=world[0], prompt=encoded(world, "a cat")[1], objects=drawn)


@pytest.mark.parametrize(
    "boxes",
    [
        layout(*[("a cat", LEFT)] * 200),
        layout(("a cat", Box(0, 0, 1, 1)), ("a dog", Box(0, 0, 1, 1))),
        layout(("a cat", LEFT), ("a dog", LEFT)),
        layout(("a cat", Box(0.5, 0.5, 0.5, 0.5))),
        layout(("a cat", Box(-0.5, 0.9, 0.2, 3.0))),
    ],
    ids=["200 boxes", "covering all", "identical", "empty", "outside"],
)
def test_odd_boxes_give_a_picture(world, boxes):
    model = guidance(world, "a cat and a dog", boxes, iterations="1")
    assert sampled(world, model, encoded(world, "a cat and a dog")[0], steps=2).isfinite().all()


def test_a_layout_without_boxes_changes_nothing_and_says_so(world):
    positive = encoded(world, "a cat")[0]
    model = guidance(world, "a cat", layout())
    samples = sampled(world, model, positive, steps=2)
    assert torch.equal(samples, sampled(world, world[0], positive, steps=2))
    assert any("no boxes" in note for note in run_log(model).find(samples).notes)


def test_a_caption_longer_than_the_encoder_is_read_to_its_end(world):
    """CLIP takes 75 words a chunk; the object's word lies in the third."""
    text = ", ".join(["a red car"] * 50) + " and a dog"
    model = guidance(world, text, layout(("a dog", RIGHT)), iterations="1")
    assert sampled(world, model, encoded(world, text)[0], steps=2).isfinite().all()


def test_a_layout_of_another_size_is_a_sentence(world):
    drawn = objects(world, CAT_AND_DOG)[0]
    positive, parsed = encoded(world, "a cat and a dog")
    with torch.inference_mode():
        model = run_node("PULLMGroundedDiffusion", model=world[0], prompt=parsed, objects=drawn)[0]
    with pytest.raises(PromptUnderstandingError, match="drawn on a latent of 32 x 32.*24 x 24"):
        sampled(world, model, positive, size=96)


def test_a_model_without_reachable_attention_is_a_sentence(world):
    class Stranger(torch.nn.Module):
        dtype = torch.float32

    model = guidance(world, "a cat", layout(("a cat", LEFT)))
    model.add_object_patch("diffusion_model", Stranger())
    with pytest.raises(PromptUnderstandingError, match="cross-attention this pack cannot reach"):
        sampled(world, model, encoded(world, "a cat")[0], steps=2)


def test_knobs_that_make_no_sense_are_sentences(world):
    for knob, value, words in (("iterations", "many", "whole numbers"), ("iterations", "", "whole numbers")):
        with pytest.raises(PromptUnderstandingError, match=words):
            guidance(world, "a cat", layout(("a cat", LEFT)), **{knob: value})
