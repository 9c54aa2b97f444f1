"""Invert Image on the real host: the stock sampler at cfg 1 makes the image again from what it gives."""

import math

import comfy.model_base
import comfy.model_management
import comfy.sampler_helpers
import comfy.samplers
import pytest
import torch
from engine import guided
from pack.attention_hooks.host.inversion import invert as host
from pack.errors import PromptUnderstandingError
from real_image import STEPS, come_back, inverted, miss, picture, text
from tiny import tiny_sd, tiny_sdxl

V = comfy.model_base.ModelType.V_PREDICTION


@pytest.fixture(scope="module")
def velocity():
    """Predicts v, whose denoised image is tame with random weights; eps of random weights is no noise."""
    return tiny_sd(model_type=V, multipliers=(1, 2))


def gaussian(model):
    """`model` as the exact denoiser of pictures that are noise of variance 1: x / (1 + sigma²)."""
    linear = model.clone()
    linear.set_model_unet_function_wrapper(
        lambda apply, given: given["input"] / (1 + given["timestep"].view(-1, 1, 1, 1) ** 2)
    )
    return linear


def levels(model, steps: int = STEPS) -> list[float]:
    sampling = model.get_model_object("model_sampling")
    return comfy.samplers.calculate_sigmas(sampling, "normal", steps).flip(0).tolist()


def test_every_level_of_a_linear_model_by_hand(model):
    """eps = x·s / (1 + s²). Going up from a to b it is taken at the same z: x·sqrt((1 + b²) / (1 + a²))."""
    latent, inversion, sigmas = inverted(gaussian(model))
    x = model.model.process_latent_in(picture())
    ups = levels(model)
    assert torch.equal(inversion.latents[-1], x) and sigmas.tolist() == ups[::-1]
    for i, (a, b) in enumerate(zip(ups, ups[1:], strict=False)):
        x = x * (1 + (b - a) * b / (1 + b**2) * math.sqrt((1 + b**2) / (1 + a**2)))
        assert torch.allclose(inversion.latents[-2 - i], x, rtol=1e-4, atol=1e-4)
    assert torch.allclose(latent["samples"], model.model.process_latent_out(x), rtol=1e-4, atol=1e-3)


def test_plain_inversion_of_a_linear_model_comes_back_by_hand(model):
    """The sampler multiplies by 1 + (a - b)·b / (1 + b²) on its way down from b to a."""
    latent, _, _ = inverted(gaussian(model))
    ups = levels(model)
    factor = 1.0
    for a, b in zip(ups, ups[1:], strict=False):
        slope = b / (1 + b**2)
        factor *= (1 + (b - a) * slope * math.sqrt((1 + b**2) / (1 + a**2))) * (1 + (a - b) * slope)
    back = come_back(gaussian(model), latent)
    assert torch.allclose(back, factor * picture(), rtol=1e-3, atol=1e-3)
    assert abs(factor - 1) > 0.01, "the hand-made factor should show that plain inversion is not exact"


def test_more_steps_and_refinements_come_nearer(velocity):
    few, many = (miss(come_back(velocity, inverted(velocity, steps=n)[0], steps=n), picture()) for n in (3, 12))
    refined = miss(come_back(velocity, inverted(velocity, refinements=6)[0]), picture())
    assert many < 0.7 * few and refined < 1e-2


def test_batches_that_are_not_square_are_inverted_image_by_image(velocity):
    samples = picture(batch=2)
    latent, inversion, _ = inverted(velocity, samples, refinements=6)
    assert inversion.latents.shape == (STEPS + 1, 2, 4, 8, 12)
    alone = inverted(velocity, samples[1:], refinements=6)[0]["samples"]
    assert torch.allclose(latent["samples"][1:], alone, rtol=1e-3, atol=1e-2)
    assert miss(come_back(velocity, latent), samples) < 1e-2


@pytest.mark.parametrize("scheduler", ["ddim_uniform", "karras"])
def test_other_schedulers(velocity, scheduler):
    latent, inversion, _ = inverted(velocity, scheduler=scheduler, refinements=6)
    back = come_back(velocity, latent, scheduler=scheduler, steps=STEPS, sampler="ddim")
    assert inversion.sigmas[-1] == 0 and miss(back, picture()) < 2e-2


def test_sdxl_with_its_pooled_vector():
    xl = tiny_sdxl()
    xl.set_model_sampler_post_cfg_function(lambda given: 0.3 * given["denoised"])
    latent, inversion, _ = inverted(xl, pos=text(1, pooled=True), steps=2)
    other = [[tensor, {**options, "pooled_output": -options["pooled_output"]}] for tensor, options in text(1, True)]
    assert not torch.equal(inverted(xl, pos=other, steps=2)[0]["samples"], latent["samples"])
    assert inversion.latents.isfinite().all()


def test_the_shapes_model_through_the_stock_custom_sampler():
    """Pixel space; SamplerCustomAdvanced with the SIGMAS of the node and no noise."""
    import comfy_extras.nodes_custom_sampler as custom
    from pack.demo.model import load_shapes
    from pack.demo.scenes import Scene, Thing, render

    shapes, clip, _ = load_shapes()
    with torch.inference_mode():
        prompt = clip.encode_from_tokens_scheduled(clip.tokenize("a red circle"))
        scene, _ = render(Scene((Thing("circle", "red", 40, 20, 12),), (40, 64)))
        samples = torch.from_numpy(scene).permute(2, 0, 1)[None].float() * 2 - 1
        latent, _, sigmas = inverted(shapes, samples, prompt, steps=8, refinements=4)
        guider = custom.CFGGuider.execute(shapes, prompt, prompt, 1.0).result[0]
        sampler, noise = custom.KSamplerSelect.execute("euler").result[0], custom.DisableNoise.execute().result[0]
        out = custom.SamplerCustomAdvanced.execute(noise, guider, sampler, sigmas, latent).result[0]["samples"]
    assert miss(out, samples) < 0.15  # eight steps are coarse
    assert torch.allclose(out, come_back(shapes, latent, pos=prompt, neg=prompt, steps=8), atol=1e-4)


def test_a_second_run_equals_the_first_and_nothing_is_left(velocity):
    first, second = inverted(velocity), inverted(velocity)
    assert torch.equal(first[0]["samples"], second[0]["samples"])
    assert torch.equal(first[1].latents, second[1].latents)
    assert len(host.UNFINISHED) == 0 and not velocity.wrappers and "samples" in first[0]
    assert not [m for m in velocity.model.diffusion_model.modules() if "forward" in m.__dict__]


def test_the_latents_own_keys_go_on(velocity):
    from pack.nodes.inversion_nodes import PUInvertImage

    with torch.inference_mode():
        out = PUInvertImage.execute(velocity, text(1), {"samples": picture(), "batch_index": [7]}, 2, "normal")
    assert out.result[0]["batch_index"] == [7]


def calls_until(model, stop_at: int | None):
    """A clone that counts its calls, and presses ComfyUI's stop button at one of them."""
    calls, counted = [], model.clone()

    def wrapper(apply, given):
        calls.append(float(given["timestep"][0]))
        if len(calls) == stop_at:
            comfy.model_management.interrupt_current_processing(True)
        return apply(given["input"], given["timestep"], **given["c"])

    counted.set_model_unet_function_wrapper(wrapper)
    return counted, calls


def test_an_interrupted_run_is_gone_on_with_and_ends_in_the_same_bits(velocity):
    model, calls = calls_until(velocity, stop_at=3)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        inverted(model)
    assert len(host.UNFINISHED) == 1 and not [
        m for m in model.model.diffusion_model.modules() if "forward" in m.__dict__
    ]
    done = len(calls)
    resumed, whole = inverted(model), inverted(velocity)
    assert done < STEPS and len(calls) - done < STEPS and len(set(calls)) == STEPS
    assert torch.equal(resumed[1].latents, whole[1].latents) and len(host.UNFINISHED) == 0


def test_an_interrupted_run_is_not_gone_on_with_for_anything_else(velocity):
    model, calls = calls_until(velocity, stop_at=3)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        inverted(model)
    before = len(calls)
    inverted(model, picture(seed=5))
    assert len(calls) - before == STEPS
    host.UNFINISHED.__init__()


def refused(sentence: str, model, *args, **kwargs) -> None:
    with pytest.raises(PromptUnderstandingError, match=sentence):
        inverted(model, *args, **kwargs)
    assert len(host.UNFINISHED) == 0


def test_bad_input_ends_in_a_sentence(velocity):
    refused("0 steps.*at least one", velocity, steps=0)
    refused("empty latent.*Load Image", velocity, torch.zeros(1, 4, 8, 12))
    refused(r"\[1, 3, 8, 12\].*4 channels", velocity, picture(channels=3))
    refused("do not fall step by step", velocity, scheduler="simple", steps=1500)
    refused("guided by attend_and_excite.*after Bring Image Back", guided(velocity))


def test_a_flow_model_is_refused():
    flow = tiny_sd(model_type=comfy.model_base.ModelType.FLOW, multipliers=(1,))
    refused("FLOW.*flow models such as SD3", flow)


def test_a_prediction_that_is_not_a_number_is_named(velocity):
    broken = velocity.clone()
    broken.set_model_unet_function_wrapper(lambda apply, given: given["input"] * float("nan"))
    with pytest.raises(PromptUnderstandingError, match="step 1 of the inversion.*not a finite number"):
        inverted(broken)
    host.UNFINISHED.__init__()
