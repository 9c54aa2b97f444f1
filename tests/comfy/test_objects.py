"""Objects of a layout drawn alone and put into one picture, on the tiny network with the stock sampler."""

from dataclasses import replace

import comfy.model_management
import comfy.samplers
import pytest
import torch
from comfy.patcher_extension import WrappersMP
from engine import positive, prompt, sample
from pack.attention_hooks.host.install import with_composed_objects, with_kept_trajectory
from pack.attention_hooks.host.objects.compose import compose
from pack.attention_hooks.host.objects.draw import Drawing, ObjectPrompt, Sampling, draw_objects
from pack.attention_hooks.host.settings import run_log
from pack.attention_hooks.optimize.schedule import IteratedSchedule
from pack.errors import PromptUnderstandingError
from pack.layouts.types import Box, Layout, LayoutObject
from tiny import conditioning

STEPS, HW = 6, (16, 24)
THINGS = (LayoutObject("w2", Box(0.0, 0.0, 0.4, 0.6)), LayoutObject("w5", Box(0.6, 0.4, 1.0, 1.0)))
LAYOUT = Layout(8 * HW[1], 8 * HW[0], THINGS)
GENTLE = Drawing(IteratedSchedule(step_size=2.0, iterations=(2, 1)))


def sigmas(model, steps=STEPS, sampler="euler"):
    """As the KSampler takes them: for uni_pc it leaves one out."""
    return comfy.samplers.KSampler(model, steps, "cpu", sampler, "normal").sigmas


@torch.inference_mode()
def drawn(model, layout=LAYOUT, sampler="euler", steps=STEPS, seed=3, drawing=GENTLE, **options):
    prompts = [ObjectPrompt(positive(), prompt()) for _ in layout.objects]
    sampling = Sampling(comfy.samplers.sampler_object(sampler), sigmas(model, steps, sampler), 3.0, seed, **options)
    return draw_objects(model, layout, prompts, conditioning(seed=2), sampling, drawing)


@pytest.fixture(scope="module")
def objects(model):
    return drawn(model)


def with_objects(model, objects, until=0.5, masks=None):
    return with_composed_objects(model, compose(objects, until, masks)[0])


def seen(model, **options):
    """The latent that each step of a run begins with, after the objects were put in."""
    keeping = with_kept_trajectory(model)
    latents = sample(keeping, steps=STEPS, hw=HW, **options)
    return run_log(keeping).find(latents).trajectory


def test_each_object_has_its_latents_its_mask_and_its_maps(objects):
    for one in objects.objects:
        assert one.latents.shape == (STEPS + 1, 4, *HW)
        assert one.maps.shape == (STEPS, HW[0] // 4, HW[1] // 4)
        assert one.mask.shape == HW and one.mask.any()
        assert one.box.bottom == pytest.approx(0.8) and one.box.center[0] == pytest.approx(0.5)
    first, second = (one.latents[0] for one in objects.objects)
    assert not torch.equal(first, second), "each has a little noise of its own"
    assert torch.equal(first[:, 0], second[:, 0]), "outside their boxes they share the noise of the picture"


def test_the_noise_of_an_object_is_mixed_as_in_the_paper(model, objects):
    """sqrt(1 - r) of the whole picture's noise and sqrt(r) of its own keep the variance; r = 0.01."""
    alike = torch.cosine_similarity(*(one.latents[0].flatten() for one in objects.objects), dim=0)
    assert 0.98 < float(alike) < 1
    own = drawn(model, drawing=replace(GENTLE, own_noise=1.0)).objects[0].latents[0]
    assert own.std() == pytest.approx(float(objects.objects[0].latents[0].std()), rel=0.05)


def test_the_picture_begins_with_the_objects_and_keeps_them_until_half(model, objects):
    composed, _ = compose(objects, 0.5)
    steps = seen(with_objects(model, objects), batch=2)
    kept = len(composed.levels)
    assert 0 < kept < STEPS and steps.shape[1] == 2
    for step in range(kept):
        mask = composed.start_mask if step == 0 else composed.mask
        assert torch.equal(steps[step][..., mask], composed.latents[step][:, mask].expand(2, -1, -1))
    assert not torch.equal(steps[kept][0][:, composed.mask], composed.latents[-1][:, composed.mask])


def test_outside_the_objects_the_start_is_the_samplers_own(model, objects):
    composed, _ = compose(objects, 0.5)
    outside = ~composed.start_mask
    plain, put = seen(model, seed=11), seen(with_objects(model, objects), seed=11)
    assert torch.equal(plain[0][..., outside], put[0][..., outside])


def test_latents_and_maps_move_together(objects):
    composed, alike = compose(objects, 0.5)
    for one, reference in zip(objects.objects, alike.references, strict=True):
        moved = reference.maps[0].count_nonzero()
        assert moved <= one.maps[0].count_nonzero()
        assert reference.maps.shape == one.maps.shape and reference.thing is one.thing


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_2m", "heun", "uni_pc"])
def test_other_samplers_keep_the_objects_too(model, sampler):
    objects = drawn(model, sampler=sampler)
    composed, _ = compose(objects, 0.5)
    steps = seen(with_objects(model, objects), sampler=sampler)
    assert torch.equal(steps[1][0][:, composed.mask], composed.latents[1][:, composed.mask])


def test_a_second_run_is_equal_and_the_model_is_as_it_was(model, objects):
    before = sample(model, steps=STEPS, hw=HW)
    again = drawn(model)
    assert all(torch.equal(a.latents, b.latents) for a, b in zip(objects.objects, again.objects, strict=True))
    node = with_objects(model, objects)
    assert torch.equal(sample(node, steps=STEPS, hw=HW), sample(node, steps=STEPS, hw=HW))
    assert torch.equal(before, sample(model, steps=STEPS, hw=HW))


def test_an_interrupt_in_the_third_object_leaves_nothing(model, objects):
    three = replace(LAYOUT, objects=(*THINGS, THINGS[0]))
    plain, calls, stop_at = sample(model, steps=STEPS, hw=HW), [], None

    def stop(executor, x, *args, **kwargs):
        calls.append(1)
        if len(calls) == stop_at:
            comfy.model_management.interrupt_current_processing()
            comfy.model_management.throw_exception_if_processing_interrupted()
        return executor(x, *args, **kwargs)

    watched = model.clone()
    watched.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "test", stop)
    complete = drawn(watched, three)
    stop_at = len(calls) * 5 // 6
    calls.clear()
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        drawn(watched, three)
    stop_at = None
    again = drawn(watched, three)
    assert all(torch.equal(a.latents, b.latents) for a, b in zip(complete.objects, again.objects, strict=True))
    assert torch.equal(plain, sample(model, steps=STEPS, hw=HW))


def test_drawn_halfway_is_enough_for_the_picture(model, objects):
    half = drawn(model, until=0.5)
    assert half.made < STEPS == objects.made and half.levels == objects.levels
    a, b = compose(half, 0.5)[0], compose(objects, 0.5)[0]
    assert a.levels == b.levels
    assert torch.equal(half.objects[0].latents[:-1], objects.objects[0].latents[: half.made])
    with pytest.raises(PromptUnderstandingError, match="Raise its 'until'"):
        compose(drawn(model, until=0.3), 0.8)


def test_masks_of_a_segmenter_are_taken(objects):
    masks = torch.zeros(2, *(8 * side for side in HW))
    masks[:, 32:64, 64:128] = 1
    composed, _ = compose(objects, 0.5, masks)
    assert int(composed.mask.sum()) == 2 * 4 * 8
    with pytest.raises(PromptUnderstandingError, match="3 masks were given for 2 objects"):
        compose(objects, 0.5, torch.ones(3, 8, 8))


def test_what_the_user_is_told(model, objects):
    node = with_objects(model, objects)
    with pytest.raises(PromptUnderstandingError, match="drawn on a latent of 24 x 16 with 4 channels.*32 x 16"):
        sample(node, steps=STEPS, hw=(16, 32))
    with pytest.raises(PromptUnderstandingError, match="drawn in 6 steps from noise level"):
        sample(node, steps=STEPS + 1, hw=HW)
    with pytest.raises(PromptUnderstandingError, match="fit nowhere"):
        sample(node, steps=STEPS, hw=HW, scheduler="karras")
    with pytest.raises(PromptUnderstandingError, match="already has the objects"):
        with_objects(node, objects)
    with pytest.raises(PromptUnderstandingError, match="without objects"):
        drawn(model, replace(LAYOUT, objects=()))
    with pytest.raises(PromptUnderstandingError, match="layout of 200 objects"):
        drawn(model, replace(LAYOUT, objects=THINGS * 100))
