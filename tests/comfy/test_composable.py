"""Composable Diffusion on the real host: what it adds up, what it costs, and what it leaves alone."""

import comfy.samplers
import pytest
import torch
from engine import HW, guided, positive, prompt, sample, with_pooled
from pack.attention_hooks.host.conditioning.marks import tag
from pack.attention_hooks.host.install import with_capture
from pack.attention_hooks.host.predictions.composition import Composition, with_composition
from pack.attention_hooks.host.settings import Capture, run_log
from pack.attention_hooks.optimize.schedule import Schedule
from pack.errors import PromptUnderstandingError
from pack.nodes.compose_nodes import PUComposableDiffusion, PUComposableGuider, PUComposablePrompt
from tiny import conditioning, tiny_sdxl

import nodes

A, B, C = (conditioning(seed=seed) for seed in (1, 4, 5))
NEGATIVE = conditioning(seed=2)


def composition(*parts) -> Composition:
    made = None
    for cond, weight in parts:
        made = PUComposablePrompt.execute(cond, weight, made).result[0]
    return made


def draw(model, *parts, **options):
    patched, pos = PUComposableDiffusion.execute(model, composition(*parts)).result
    return sample(patched, pos=pos, **{"steps": 3, **options})


class Calls:
    """What each call of the network was given: (cond_or_uncond, rows), and the chunks' lengths."""

    def __init__(self, model):
        self.model, self.rows, self.roles = model.clone(), [], []
        self.model.set_model_unet_function_wrapper(self._wrapped)
        self.model.set_model_attn2_patch(self._attn2)

    def _wrapped(self, apply, args):
        self.rows.append(len(args["cond_or_uncond"]))
        return apply(args["input"], args["timestep"], **args["c"])

    def _attn2(self, n, context, value, options):
        self.roles.append(tuple(options["cond_or_uncond"]))
        return n, context, value


def predictions(model, x, sigma, *conds):
    """Denoised of every conditioning, each in a run of its own: cfg 1 at the one step asked for."""
    return [predict(model, x, sigma, cond, cond, 1.0) for cond in conds]


@torch.inference_mode()
def predict(model, x, sigma, pos, neg, cfg):
    """One denoised prediction by ComfyUI's own guider."""
    found = []

    def stop(model_k, x, sigmas, extra_args=None, callback=None, disable=None):
        found.append(model_k(x, sigmas[:1].expand(len(x)), **extra_args))
        return x

    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(pos, neg)
    guider.set_cfg(cfg)
    sigmas = torch.tensor([sigma, 0.0])
    guider.sample(x / sigma, torch.zeros_like(x), comfy.samplers.KSAMPLER(stop), sigmas, seed=0, disable_pbar=True)
    return found[0]


def noise(batch=1, hw=HW, sigma=5.0):
    return torch.randn(batch, 4, *hw, generator=torch.Generator().manual_seed(7)) * sigma


# --- the formula ---


@pytest.mark.parametrize("batch", [1, 2])
def test_the_sum_of_directions(model, batch):
    """u + cfg · Σ wᵢ (cᵢ - u), each prediction from a plain run of its own."""
    x, weights, cfg = noise(batch), (1.0, 0.6, -0.5), 4.0
    a, b, c, u = predictions(model, x, 5.0, A, B, C, NEGATIVE)
    made = composition(*zip((A, B, C), weights, strict=True))
    out = predict(with_composition(model, made), x, 5.0, made.conditioning(), NEGATIVE, cfg)
    expected = u + cfg * (weights[0] * (a - u) + weights[1] * (b - u) + weights[2] * (c - u))
    assert torch.allclose(out, expected, atol=2e-3 * float(expected.abs().max()), rtol=0)


def test_at_cfg_1_the_negative_still_counts(model):
    """Two prompts of weight 1 leave -1 times the negative's prediction, which ComfyUI would not make at cfg 1."""
    x = noise()
    a, b, u = predictions(model, x, 5.0, A, B, NEGATIVE)
    made = composition((A, 1.0), (B, 1.0))
    out = predict(with_composition(model, made), x, 5.0, made.conditioning(), NEGATIVE, 1.0)
    assert torch.allclose(out, a + b - u, atol=1e-3 * float(u.abs().max()), rtol=0)


@pytest.mark.parametrize("cfg", [1.0, 3.0])
def test_one_prompt_of_weight_one_is_plain_sampling(model, cfg):
    for batch, hw in ((1, HW), (2, (24, 16))):
        plain = sample(model, steps=3, pos=A, cfg=cfg, batch=batch, hw=hw)
        assert torch.equal(draw(model, (A, 1.0), cfg=cfg, batch=batch, hw=hw), plain)


def test_weight_zero_takes_the_prompt_and_its_pass_out(model):
    calls = Calls(model)
    with_zero = draw(calls.model, (A, 1.0), (B, 0.0), (C, -0.5))
    assert set(calls.rows) == {3}
    assert torch.equal(with_zero, draw(model, (A, 1.0), (C, -0.5)))
    assert torch.equal(draw(model, (A, 1.0), (B, 0.0)), sample(model, steps=3, pos=A))


def test_a_conditioning_that_is_no_composition_is_left_alone(model):
    patched = with_composition(model, composition((A, 1.0), (B, 0.5)))
    assert torch.equal(sample(patched, steps=3, pos=A), sample(model, steps=3, pos=A))


def test_it_is_not_comfyuis_average(model):
    assert not torch.allclose(draw(model, (A, 1.0), (B, 1.0)), sample(model, steps=3, pos=[*A, *B]), atol=0.1)


def test_the_second_run_equals_the_first(model):
    assert torch.equal(draw(model, (A, 1.0), (B, -0.5)), draw(model, (A, 1.0), (B, -0.5)))


def test_weights_that_add_up_to_zero_are_a_direction(model):
    """The paper's negation: w (a - b)."""
    x = noise()
    a, b, u = predictions(model, x, 5.0, A, B, NEGATIVE)
    made = composition((A, 1.0), (B, -1.0))
    out = predict(with_composition(model, made), x, 5.0, made.conditioning(), NEGATIVE, 3.0)
    assert torch.allclose(out, u + 3 * (a - b), atol=2e-3 * float(u.abs().max()), rtol=0)


# --- passes ---


def test_all_prompts_run_in_one_batch(model):
    calls = Calls(model)
    draw(calls.model, (A, 1.0), (B, 1.0), (C, -1.0), batch=2)
    assert calls.rows == [4] * 3


def test_one_by_one_where_memory_is_short(model, monkeypatch):
    """The same picture, in as many calls as there are prompts."""
    together = draw(model, (A, 1.0), (B, 0.5))
    calls = Calls(model)
    monkeypatch.setattr(type(model), "get_free_memory", lambda *_: 1)
    apart = draw(calls.model, (A, 1.0), (B, 0.5))
    assert calls.rows == [1] * 9
    assert torch.allclose(apart, together, atol=1e-3 * float(together.abs().max()))


def test_prompts_of_different_chunk_counts(model):
    """77, 154 and 231 tokens: ComfyUI repeats the shorter ones, which changes no attention."""
    x = noise()
    long, longer = conditioning(154, seed=4), conditioning(231, seed=5)
    a, b, c, u = predictions(model, x, 5.0, A, long, longer, NEGATIVE)
    made = composition((A, 1.0), (long, 1.0), (longer, -1.0))
    out = predict(with_composition(model, made), x, 5.0, made.conditioning(), NEGATIVE, 2.0)
    expected = u + 2 * (a + b - c - u)
    assert torch.allclose(out, expected, atol=2e-3 * float(expected.abs().max()), rtol=0)


def test_attention_patches_are_told_which_rows_are_positive(model):
    """0 for AND, 1 for NOT and for the negative, in whatever order ComfyUI lays them."""
    calls = Calls(model)
    draw(calls.model, (A, 1.0), (B, 1.0), (C, -1.0))
    assert {tuple(sorted(roles)) for roles in calls.roles} == {(0, 0, 1, 1)}


# --- parts of the picture, parts of the run ---


def test_a_prompt_for_an_area_pulls_there_only(model):
    """Outside its mask it is measured against the negative itself: no direction."""
    x = noise()
    mask = torch.zeros(1, *HW)
    mask[:, :, : HW[1] // 2] = 1
    masked = nodes.ConditioningSetMask().append(B, mask, "default", 1.0)[0]
    made = composition((A, 1.0), (masked, 1.0))
    a, b, u = predictions(model, x, 5.0, A, B, NEGATIVE)
    out = predict(with_composition(model, made), x, 5.0, made.conditioning(), NEGATIVE, 2.0)
    left, right = u + 2 * (a + b - 2 * u), u + 2 * (a - u)
    close = 2e-3 * float(left.abs().max())
    half = HW[1] // 2
    assert torch.allclose(out[..., :half], left[..., :half], atol=close, rtol=0)
    assert torch.allclose(out[..., half:], right[..., half:], atol=close, rtol=0)


def test_a_prompt_with_an_area(model):
    """As a mask: beyond the area's own width nothing of it is left."""
    x, half = noise(), HW[1] // 2
    boxed = nodes.ConditioningSetArea().append(B, 8 * half, 8 * HW[0], 0, 0, 1.0)[0]
    made = composition((A, 1.0), (boxed, 1.0))
    a, u = predictions(model, x, 5.0, A, NEGATIVE)
    out = predict(with_composition(model, made), x, 5.0, made.conditioning(), NEGATIVE, 2.0)
    plain = u + 2 * (a - u)
    close = 2e-3 * float(plain.abs().max())
    assert torch.allclose(out[..., half:], plain[..., half:], atol=close, rtol=0)
    assert (out[..., :half] - plain[..., :half]).abs().max() > 10 * close


def test_a_prompt_for_a_part_of_the_run(model):
    """Before its time a prompt neither pulls nor costs."""
    late = nodes.ConditioningSetTimestepRange().set_range(B, 0.6, 1.0)[0]
    calls = Calls(model)
    draw(calls.model, (A, 1.0), (late, 1.0), steps=6)
    assert calls.rows[0] == 2 and calls.rows[-1] == 3
    never = nodes.ConditioningSetTimestepRange().set_range(B, 1.0, 1.0)[0]
    assert torch.equal(draw(model, (A, 1.0), (never, 1.0), steps=3), sample(model, steps=3, pos=A))


# --- with others ---


def test_the_guider_is_the_node(model):
    made = composition((A, 1.0), (B, -0.5))
    guider = PUComposableGuider.execute(model, made, NEGATIVE, 3.0).result[0]
    with torch.inference_mode():
        latent = {"samples": torch.zeros(2, 4, *HW)}
        sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "normal", 3)
        from comfy_extras.nodes_custom_sampler import RandomNoise, SamplerCustomAdvanced

        noise_maker = RandomNoise.execute(0).result[0]
        euler = comfy.samplers.sampler_object("euler")
        out = SamplerCustomAdvanced.execute(noise_maker, guider, euler, sigmas, latent).result[0]["samples"]
    assert torch.equal(out, draw(model, (A, 1.0), (B, -0.5), batch=2, cfg=3.0))


def test_guidance_acts_on_the_prompt_it_was_set_up_for(model):
    """Attend-and-Excite's gradient pass runs its own prompt alone, and the picture moves."""
    parsed, other = prompt(), prompt(text="another prompt of w1")
    parts = (positive(), 1.0), (tag(B, other), 0.7)
    node = guided(model, Schedule(refinements=()), parsed=parsed)
    out = draw(node, *parts, steps=4)
    both = draw(guided(node, Schedule(refinements=(), step_size=5.0), parsed=other), *parts, steps=4)
    assert not torch.equal(out, draw(model, *parts, steps=4)) and not torch.equal(out, both)
    patched, pos = PUComposableDiffusion.execute(node, composition(*parts)).result
    record = run_log(patched).find(sample(patched, steps=4, pos=pos))
    assert record.forwards == record.backwards == len(record.steps) == 2


def test_capture_reads_one_prompt_and_changes_nothing(model):
    parts = (positive(), 1.0), (B, 1.0)
    patched, pos = PUComposableDiffusion.execute(model, composition(*parts)).result
    node = with_capture(patched, Capture("quarter", prompt=prompt()))
    out = sample(node, steps=3, pos=pos)
    assert torch.equal(out, sample(patched, steps=3, pos=pos))
    alone = with_capture(model, Capture("quarter", prompt=prompt()))
    first = run_log(alone).find(sample(alone, steps=1, pos=positive())).maps.probs
    composed = run_log(node).find(sample(node, steps=1, pos=pos)).maps.probs
    assert all(torch.allclose(composed[site], first[site], atol=1e-5) for site in first)


def test_sdxl_keeps_every_prompts_own_pooled_vector():
    sdxl = tiny_sdxl()
    pooled = [
        [[tensor, {"pooled_output": torch.full((1, 1280), value)}]] for (tensor, _), value in ((A[0], 1), (B[0], -1))
    ]
    neg = with_pooled(NEGATIVE)
    x = noise()
    a, b, u = predictions(sdxl, x, 5.0, *pooled, neg)
    made = composition((pooled[0], 1.0), (pooled[1], 0.5))
    out = predict(with_composition(sdxl, made), x, 5.0, made.conditioning(), neg, 2.0)
    expected = u + 2 * (a - u + 0.5 * (b - u))
    assert torch.allclose(out, expected, atol=2e-3 * float(expected.abs().max()), rtol=0)


# --- bad input ---


def test_all_weights_zero(model):
    with pytest.raises(PromptUnderstandingError, match="All 2 prompts of the composition have weight 0"):
        draw(model, (A, 0.0), (B, 0.0))


def test_a_composition_mixed_with_something_else(model):
    patched, pos = PUComposableDiffusion.execute(model, composition((A, 1.0), (B, 1.0))).result
    with pytest.raises(PromptUnderstandingError, match="not clear what the rest should weigh"):
        sample(patched, steps=2, pos=[*pos, *C])
    assert torch.equal(sample(model, steps=3, pos=A), draw(model, (A, 1.0)))


def test_a_guider_of_three_prompts_is_refused(model):
    from comfy_extras.nodes_custom_sampler import DualCFGGuider

    patched, pos = PUComposableDiffusion.execute(model, composition((A, 1.0), (B, -1.0))).result
    guider = DualCFGGuider.execute(patched, pos, A, NEGATIVE, 3.0, 2.0, "nested").result[0]
    sigmas, blank = torch.tensor([5.0, 0.0]), torch.zeros(1, 4, *HW)
    with torch.inference_mode(), pytest.raises(PromptUnderstandingError, match="asks for 3 predictions at once"):
        guider.sample(blank, blank, comfy.samplers.sampler_object("euler"), sigmas, seed=0)


def test_another_nodes_extra_pass_is_not_shown_what_should_not_be_there(model):
    """PAG asks for the positive alone, in a pass of its own: ComfyUI's average, of the prompts with AND."""
    from comfy_extras.nodes_pag import PerturbedAttentionGuidance

    calls = Calls(model)
    patched = PerturbedAttentionGuidance.execute(calls.model, 1.0).result[0]
    draw(patched, (A, 1.0), (B, 1.0), (C, -1.0), steps=1)
    assert sorted(calls.rows) == [2, 4]


def test_no_negative_prompt(model):
    """BasicGuider has none; an average of weights needs none."""
    from comfy_extras.nodes_custom_sampler import BasicGuider

    for weights, refused in (((1.0, 1.0), True), ((0.5, 0.5), False)):
        patched, pos = PUComposableDiffusion.execute(model, composition((A, weights[0]), (B, weights[1]))).result
        guider = BasicGuider.execute(patched, pos).result[0]
        euler, sigmas = comfy.samplers.sampler_object("euler"), torch.tensor([5.0, 1.0, 0.0])
        with torch.inference_mode():
            if refused:
                with pytest.raises(PromptUnderstandingError, match="no negative prompt to measure them from"):
                    guider.sample(noise(sigma=1.0), torch.zeros(1, 4, *HW), euler, sigmas, seed=0)
            else:
                out = guider.sample(noise(sigma=1.0), torch.zeros(1, 4, *HW), euler, sigmas, seed=0)
                assert out.isfinite().all()


def test_an_interrupt_leaves_the_next_run_clean(model):
    import comfy.model_management

    before = draw(model, (A, 1.0), (B, 1.0))
    patched, pos = PUComposableDiffusion.execute(model, composition((A, 1.0), (B, 1.0))).result
    stopped = patched.clone()

    def stop(*_args):
        raise comfy.model_management.InterruptProcessingException

    stopped.set_model_attn2_patch(stop)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        sample(stopped, steps=3, pos=pos)
    assert torch.equal(sample(patched, steps=3, pos=pos), before)
