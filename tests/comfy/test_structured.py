"""Structured Diffusion on the real host: which rows, which values, and that it chains."""

import pytest
import torch
from comfy.model_base import ModelType
from engine import HW, guided, positive, prompt, sample, with_pooled
from pack.attention_hooks.edits.structured import OneKeySet, Phrase, SeveralKeySets, averaged
from pack.attention_hooks.host.editing.attention_values import with_value_edit
from pack.attention_hooks.host.install import with_capture
from pack.attention_hooks.host.settings import Capture, run_log
from pack.attention_hooks.optimize.schedule import Schedule
from pack.errors import PromptUnderstandingError
from tiny import conditioning, tiny_sd, tiny_sdxl

import nodes

PROMPT = prompt()


def phrases(width: int = 32) -> tuple[Phrase, ...]:
    generator = torch.Generator().manual_seed(11)
    return tuple(Phrase(f"{at}", at, torch.randn(len(at), width, generator=generator)) for at in ((1, 2), (4, 5, 6)))


def structured(model, edit=None):
    return with_value_edit(model, PROMPT, edit or OneKeySet(phrases()))


class Seen:
    """What another pack's attn2_patch behind ours is given, at one site."""

    def __init__(self, model):
        self.model, self.calls = model.clone(), []
        self.model.set_model_attn2_patch(self)

    def __call__(self, n, context, value, options):
        self.calls.append((tuple(options["cond_or_uncond"]), context.clone(), value.clone()))
        return n, context, value


def reference(model, edit, **options):
    """The picture by another way: every cross-attention of the positive row computed in full, key set by key set."""
    clone = model.clone()

    def whole_attention(n, context, value, extra):
        size = len(n) // len(extra["cond_or_uncond"])
        values = value.clone()
        keys = []
        for place, kind in enumerate(extra["cond_or_uncond"]):
            rows = slice(place * size, (place + 1) * size)
            if kind == 0:
                keys = [(rows, key) for key in (context[rows], *edit.further_keys(context[rows]))]
                values[rows] = edit.values(value[rows])
        stash.append((n, keys, values))
        return n, context, values

    def mean(out, extra):
        n, keys, values = stash.pop()
        module = sites[(*extra["block"], extra.get("block_index", 0))]
        out = out.clone()
        rows = keys[0][0]
        out[rows] = torch.stack([module(n[rows], context=k, value=values[rows]) for _, k in keys]).mean(0)
        return out

    stash = []
    sites = dict(_sites(model))
    clone.set_model_attn2_patch(whole_attention)
    clone.set_model_patch(mean, "attn2_output_patch")
    return sample(clone, **options)


def _sites(model):
    from pack.attention_hooks.host.attention.families import unet

    for entry in unet.sites(model.model.diffusion_model):
        yield (
            (entry.site.block, entry.site.number, entry.site.index),
            unet.attention(model.model.diffusion_model, entry.site),
        )


@pytest.mark.parametrize("edit", [OneKeySet(phrases()), SeveralKeySets(phrases())], ids=["values", "keys"])
@pytest.mark.parametrize("batch", [1, 2])
def test_against_every_attention_in_full(model, edit, batch):
    out = sample(structured(model, edit), steps=2, batch=batch)
    plain = sample(model, steps=2, batch=batch)
    expected = reference(model, edit, steps=2, batch=batch)
    assert torch.allclose(out, expected, atol=1e-4 * float(out.abs().max()))
    assert (out - plain).abs().max() > 1e-2 * plain.abs().max()


def test_patches_in_front_see_what_they_always_saw(model):
    plain, seen = Seen(model), Seen(model)
    sample(plain.model, steps=1)
    sample(structured(seen.model), steps=1)
    (roles, context, value), (_, before, _) = seen.calls[0], plain.calls[0]
    assert roles == (1, 0) and torch.equal(context, before) and torch.equal(value, before)


@pytest.mark.parametrize("cfg", [1.0, 3.0])
def test_a_phrase_that_means_the_same_changes_nothing(model, cfg):
    tensor = positive()[0][0][0]
    same = tuple(Phrase("p", at, tensor[list(at)].clone()) for at in ((1, 2), (4, 5)))
    plain = sample(model, steps=3, cfg=cfg)
    assert torch.equal(sample(structured(model, OneKeySet(same)), steps=3, cfg=cfg), plain)
    several = sample(structured(model, SeveralKeySets(same)), steps=3, cfg=cfg)
    assert torch.allclose(several, plain, atol=1e-4 * float(plain.abs().max()))


@pytest.mark.parametrize("edit", [OneKeySet, SeveralKeySets])
def test_a_longer_negative_prompt_repeats_the_positive(model, edit):
    """ComfyUI lays the positive's 77 tokens twice beside 154; the same picture as two calls would give."""
    long = conditioning(154, seed=2)
    node = structured(model, edit(phrases()))
    together = sample(node, steps=2, neg=long)
    expected = reference(model, Repeated(edit(phrases())), steps=2, neg=long)
    assert torch.allclose(together, expected, atol=1e-4 * float(together.abs().max()))


class Repeated:
    """An edit that is laid twice."""

    def __init__(self, edit):
        self.edit = edit

    def values(self, value):
        return torch.cat([self.edit.values(half) for half in value.chunk(2, 1)], 1)

    def further_keys(self, context):
        halves = [self.edit.further_keys(half) for half in context.chunk(2, 1)]
        return [torch.cat(pair, 1) for pair in zip(*halves, strict=True)]


def test_two_calls_and_either_order(model, monkeypatch):
    node = structured(model)
    together = sample(node, steps=2)
    monkeypatch.setattr(type(model), "get_free_memory", lambda *_: 1)
    assert torch.allclose(sample(node, steps=2), together, atol=1e-3 * float(together.abs().max()))


def test_a_second_node_for_the_same_prompt_takes_the_place_of_the_first(model):
    twice = structured(structured(model, SeveralKeySets(phrases())), OneKeySet(phrases()))
    assert torch.equal(sample(twice, steps=2), sample(structured(model), steps=2))


def test_it_chains_with_another_packs_patch(model):
    """One that doubles the values in front of ours: c₀ is 2c₀ then, as if the conditioning's values were."""
    doubled = model.clone()
    doubled.set_model_attn2_patch(lambda n, context, value, options: (n, context, 2 * value))
    seen = []
    edit = OneKeySet(phrases())

    class Watching:
        further_keys = edit.further_keys

        def values(self, value):
            seen.append(value.clone())
            return edit.values(value)

    sample(with_value_edit(doubled, PROMPT, Watching()), steps=1)
    assert torch.equal(seen[0][:, 0], 2 * positive()[0][0])


def test_an_areas_copy_for_the_negative_is_left_alone(model):
    """ComfyUI gives it the id of the positive's entry."""
    rows = []
    edit = OneKeySet(phrases())

    class Counting:
        further_keys = edit.further_keys

        def values(self, value):
            rows.append(len(value))
            return edit.values(value)

    boxed = nodes.ConditioningSetArea().append(positive(), 96, 128, 0, 0, 1.0)[0]
    seen = Seen(model)
    sample(with_value_edit(seen.model, PROMPT, Counting()), steps=1, pos=[*boxed, *conditioning(seed=9)])
    crops = [roles for roles, _, _ in seen.calls if roles == (1, 0)]
    assert crops and rows == [1], "the positive's crop, once for all layers of its one call"


def test_guidance_reads_keys_and_pulls_through_the_new_values(model):
    """Stacked with Attend-and-Excite, in both orders of the nodes: the same picture, and another than without."""
    schedule = Schedule(refinements=())
    first, second = structured(guided(model, schedule)), guided(structured(model), schedule)
    out = sample(first, steps=4)
    assert torch.equal(out, sample(second, steps=4))
    assert not torch.equal(out, sample(guided(model, schedule), steps=4))
    assert not torch.equal(out, sample(structured(model), steps=4))


@pytest.mark.parametrize("edit", [OneKeySet, SeveralKeySets])
def test_guidance_with_several_key_sets(model, edit):
    node = guided(structured(model, edit(phrases())), Schedule(refinements=()), sites="half")
    out = sample(node, steps=4)
    assert out.isfinite().all() and run_log(node).find(out).backwards == 2
    assert torch.equal(out, sample(node, steps=4))


def test_capture_changes_nothing(model):
    node = structured(model)
    assert torch.equal(sample(with_capture(node, Capture("all")), steps=2), sample(node, steps=2))


def test_v_prediction_and_sdxl():
    networks = (
        (tiny_sd(model_type=ModelType.V_PREDICTION), positive(), conditioning(seed=2)),
        (tiny_sdxl(), with_pooled(positive()), with_pooled(conditioning(seed=2))),
    )
    for network, pos, neg in networks:
        out = sample(structured(network), steps=2, pos=pos, neg=neg)
        plain = sample(network, steps=2, pos=pos, neg=neg)
        assert out.isfinite().all() and (out - plain).abs().max() > 1e-3 * plain.abs().max()


def test_another_prompts_conditioning_is_refused(model):
    plain = sample(model, steps=2)
    node = with_value_edit(model, prompt(text="another prompt"), OneKeySet(phrases()))
    with pytest.raises(PromptUnderstandingError, match="'another prompt'.*'w1 w2"):
        sample(node, steps=2)
    assert torch.equal(sample(model, steps=2), plain)


def test_an_interrupt_leaves_the_next_run_clean(model):
    import comfy.model_management

    node = structured(model, SeveralKeySets(phrases()))
    before = sample(node, steps=2, hw=HW)
    stopped = node.clone()

    def stop(*_args):
        raise comfy.model_management.InterruptProcessingException

    stopped.set_model_attn2_patch(stop)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        sample(stopped, steps=2)
    assert torch.equal(sample(node, steps=2), before)
    assert not model.model_options["transformer_options"].get("patches")


def test_the_values_are_the_papers_mean():
    """The edit that the host is given, on a sequence laid twice."""
    sequence = torch.randn(1, 2, 77, 32, generator=torch.Generator().manual_seed(1))
    out = OneKeySet(phrases()).values(sequence)
    assert torch.equal(out[:, 0], averaged(sequence[:, 0], phrases()))
