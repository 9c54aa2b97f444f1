"""The shipped Small World through the stock nodes, and guidance on it."""

import pytest
import torch
from pack.nodes.auto_nodes import PUPromptGuidance
from pack.nodes.prompt_nodes import PUEncodePrompt
from pack.nodes.small_world_nodes import PULoadSmallWorld

import nodes

ORANGE_RGB, GREEN_RGB = (0.95, 0.62, 0.15), (0.25, 0.75, 0.55)


def defaults(node, **given):
    return {**{knob.id: getattr(knob, "default", None) for knob in node.define_schema().inputs}, **given}


@pytest.fixture(scope="module")
def world():
    with torch.inference_mode():
        return PULoadSmallWorld.execute().args


def encoded(world, text):
    return PUEncodePrompt.execute(**defaults(PUEncodePrompt, clip=world[1], text=text)).args[:2]


def paint(world, text, patch=lambda model, prompt: model, seed=7, steps=5, batch=1, hw=(128, 128), cfg=4.0):
    with torch.inference_mode():
        model, clip, vae = world
        positive, prompt = encoded(world, text)
        (negative,) = nodes.CLIPTextEncode().encode(clip, "")
        (latent,) = nodes.EmptyLatentImage().generate(hw[1], hw[0], batch)
        patched = patch(model, prompt)
        (made,) = nodes.KSampler().sample(patched, seed, steps, cfg, "euler", "normal", positive, negative, latent)
        return nodes.VAEDecode().decode(vae, made)[0]


def guided(model, prompt):
    return PUPromptGuidance.execute(**defaults(PUPromptGuidance, model=model, prompt=prompt, step_size=5.0)).args[0]


def near(picture, colour, within=0.25):
    """Share of the pixels whose colour is near."""
    return ((picture - torch.tensor(colour)).abs().amax(-1) < within).float().mean().item()


def test_empty_latent_image_gives_the_size_it_says():
    from pack.demo.small_world.model import load_small_world

    assert paint(load_small_world(), "a cat", steps=1, hw=(96, 128)).shape == (1, 96, 128, 3)


def test_a_cat_is_orange_and_a_frog_is_green(world):
    cat, frog = (paint(world, text, batch=2) for text in ("a cat", "a frog"))
    assert near(frog, GREEN_RGB) > 0.05 > near(cat, GREEN_RGB)
    assert near(cat, ORANGE_RGB) > 0.1 > near(frog, ORANGE_RGB), "a frog's belly is yellow"


def test_a_picture_survives_the_vae(world):
    picture = paint(world, "a red car on grass")
    with torch.inference_mode():
        (latent,) = nodes.VAEEncode().encode(world[2], picture)
        (again,) = nodes.VAEDecode().decode(world[2], latent)
    assert latent["samples"].shape == (1, 4, 32, 32)
    assert -10 * (again - picture).square().mean().log10() > 28, "dB"


def test_guidance_reads_it_and_a_second_run_is_equal(world):
    text = "a cat and a frog"
    plain, first, second = paint(world, text), paint(world, text, guided), paint(world, text, guided)
    assert not torch.equal(plain, first)
    assert torch.equal(first, second)
    assert torch.equal(plain, paint(world, text)), "nothing is left attached"


def test_words_see_each_other(world):
    """The same word is encoded otherwise behind another one; what follows the last word stays zero."""
    with torch.inference_mode():
        red, blue = (nodes.CLIPTextEncode().encode(world[1], f"a {c} car")[0][0][0] for c in ("red", "blue"))
    assert not torch.allclose(red[:, 3], blue[:, 3], atol=1e-3)
    assert not red[:, 5:].any()
