"""Inversion and null-text optimisation of a MODEL that carries other nodes' patches."""

import neighbours
import pytest
import torch
from pack.attention_hooks.host.inversion import null_text
from pack.attention_hooks.host.inversion.resume import Unfinished
from pack.errors import PromptUnderstandingError
from real_image import come_back, inverted, miss, picture, with_null_text
from tiny import tiny_sd

STEPS = 4


@pytest.fixture(scope="module")
def model():
    return tiny_sd(multipliers=(1, 2))


@pytest.mark.parametrize("cache", ["easy_cache", "lazy_cache"])
def test_inversion_makes_every_call_of_a_model_with_a_cache(model, cache):
    """Caches reckon with levels that fall, and skip calls. The way is the one without them; they stay on the MODEL."""
    cached = getattr(neighbours, cache)(model)
    latent, inversion, _ = inverted(cached, steps=STEPS)
    wanted, way, _ = inverted(model, steps=STEPS)
    assert torch.equal(latent["samples"], wanted["samples"]) and torch.equal(inversion.latents, way.latents)
    assert any(key.endswith("cache") for keyed in cached.wrappers.values() for key in keyed)


@pytest.mark.parametrize("cache", ["easy_cache", "lazy_cache"])
def test_null_text_makes_every_call_of_a_model_with_a_cache(model, cache):
    latent, inversion, _ = inverted(model, steps=STEPS, refinements=2)
    knobs = {"rounds": 2, "learning_rate": 0.05}
    with_cache = with_null_text(getattr(neighbours, cache)(model), inversion, **knobs)
    without = with_null_text(model, inversion, **knobs)
    for key in ("easycache", "lazycache"):
        for keyed in with_cache.wrappers.values():
            keyed.pop(key, None)
    one, other = (come_back(m, latent, 4.0, steps=STEPS) for m in (with_cache, without))
    assert torch.equal(one, other)


def test_null_text_of_a_model_with_a_patch_that_writes(model):
    """FreeU_V2: the gradient goes through the whole network, and comes nearer to the image than plain sampling."""
    patched = neighbours.free_u_v2(model)
    latent, inversion, _ = inverted(patched, steps=STEPS, refinements=4)
    fitted = with_null_text(patched, inversion, rounds=4, learning_rate=0.05)
    plain, ours = (miss(come_back(m, latent, 4.0, steps=STEPS), picture()) for m in (patched, fitted))
    assert ours < plain


def test_null_text_names_layers_without_gradients(model, monkeypatch):
    monkeypatch.setattr(null_text, "UNFINISHED", Unfinished())  # a stopped job is remembered
    _, inversion, _ = inverted(model, steps=STEPS)
    with pytest.raises(PromptUnderstandingError, match="switches gradients off"):
        with_null_text(neighbours.no_grad(model), inversion, rounds=1)
