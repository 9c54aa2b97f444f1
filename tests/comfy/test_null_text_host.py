"""Bring Image Back on the real host: at a real cfg the image comes back, and nothing is left behind."""

import comfy.model_base
import comfy.model_management
import pytest
import torch
from pack.attention_hooks.host.inversion import null_text as host
from pack.attention_hooks.host.inversion.negatives import step_ranges
from pack.errors import PromptUnderstandingError
from pack.nodes.inversion_nodes import DIRECT, NULL_TEXT, PROMPT, PUNullTextOptimise
from real_image import come_back, inverted, miss, picture, text, with_null_text
from tiny import conditioning, tiny_sd, tiny_sdxl

CFG, STEPS = 4.0, 4
FAST = {"rounds": 4, "learning_rate": 0.05}
"""Random weights look little at the text, so the tests take longer steps than the paper."""


@pytest.fixture(scope="module")
def velocity():
    return tiny_sd(model_type=comfy.model_base.ModelType.V_PREDICTION, multipliers=(1, 2))


@pytest.fixture(scope="module")
def real(velocity):
    """(LATENT, INVERSION, SIGMAS)"""
    return inverted(velocity, steps=STEPS, refinements=4)


@pytest.fixture(scope="module")
def fitted(velocity, real):
    return with_null_text(velocity, real[1], CFG, **FAST)


def back(model, latent, cfg=CFG, **options):
    return come_back(model, latent, cfg, steps=STEPS, **options)


def clean(model) -> bool:
    return not [m for m in model.model.diffusion_model.modules() if "forward" in m.__dict__] and not model.wrappers


def test_it_comes_nearer_than_plain_sampling_at_the_same_cfg(velocity, real, fitted):
    plain, ours = miss(back(velocity, real[0]), picture()), miss(back(fitted, real[0]), picture())
    assert ours < 0.8 * plain
    assert clean(velocity)


def test_every_round_of_every_step_goes_downhill(velocity, real):
    """The report's losses against a run of one round, whose loss is that of the embedding it began with."""
    with torch.inference_mode():
        first = host.optimise(velocity, real[1], text(2), CFG, host.NullTextSchedule(1, 0.05))
        last = host.optimise(velocity, real[1], text(2), CFG, host.NullTextSchedule(4, 0.05))
    assert last.losses[0][0] < first.losses[0][0] and last.rounds == (4,) * STEPS
    assert first.embeddings.shape == (STEPS, 1, 77, 32)


@torch.inference_mode()
def test_the_gradient_is_that_of_finite_differences(velocity, real):
    """Along one direction, through ComfyUI's calls and its inference-mode weights."""
    from pack.attention_hooks.host.inversion.invert import guider_of, run_guider

    seen = {}

    def probe(model, x, sigmas, extra_args, callback, disable=None):
        latents, levels = real[1].latents, real[1].sigmas.tolist()
        gradient = host.NegativeGradient(model.inner_model, extra_args["model_options"], seen["save_memory"])
        evaluate = gradient.step(latents[1], latents[2], levels[1], levels[2])
        start = text(2)[0][0].clone()
        way = torch.randn(start.shape, generator=torch.Generator().manual_seed(0))
        up, down = (evaluate(start + sign * 0.02 * way)[0] for sign in (1, -1))
        seen["differences"] = float((up - down) / 0.04)
        seen["gradient"] = float((evaluate(start)[1] * way).sum())
        return x

    for seen["save_memory"] in (False, True):
        guider = guider_of(velocity, {"positive": text(1), "negative": text(2)}, CFG)
        run_guider(guider, torch.zeros(real[1].shape), real[1].sigmas, probe)
        assert seen["gradient"] == pytest.approx(seen["differences"], rel=0.02)
    assert clean(velocity)


def test_the_sampler_walks_exactly_the_way_that_was_fitted(velocity, real):
    """One more round after the last would begin from where the sampler is: its own losses are the report's."""
    with torch.inference_mode():
        found = host.optimise(velocity, real[1], text(2), CFG, host.NullTextSchedule(4, 0.05, enough=10.0))
    assert found.rounds == (1,) * STEPS, "everything is near enough at once"
    untouched = with_null_text(velocity, real[1], CFG, rounds=4, learning_rate=0.05, enough=10.0)
    assert torch.equal(back(untouched, real[0]), back(velocity, real[0]))
    error = back(untouched, real[0]) - picture()
    inner = velocity.model.latent_format.scale_factor * error
    assert found.losses[-1][0] == pytest.approx(float((inner**2).mean()), rel=1e-3)


def test_errors_on_the_way_are_counted_in_the_unit_latent(velocity, real):
    """In z = x / sqrt(1 + sigma^2), so that one `enough` fits every noise level."""
    with torch.inference_mode():
        found = host.optimise(velocity, real[1], text(2), CFG, host.NullTextSchedule(4, 0.05, enough=10.0))
    first = velocity.model.latent_format.scale_factor * back(velocity, real[0], start_step=0, last_step=1)
    level = real[1].sigmas[1]
    by_hand = ((first - real[1].latents[1]) ** 2).mean() / (1 + level**2)
    assert level > 1 and found.losses[0][0] == pytest.approx(float(by_hand), rel=1e-3)


@pytest.mark.parametrize("method", [NULL_TEXT, DIRECT])
def test_a_second_one_takes_the_place_of_the_first(velocity, real, fitted, method):
    """The first one's cfg is 4, or its source is led: it has no say any more."""
    first = fitted if method == NULL_TEXT else with_null_text(velocity, real[1], method=DIRECT)
    again, once = (with_null_text(model, real[1], method=PROMPT) for model in (first, velocity))
    assert torch.equal(back(again, real[0], cfg=7.0), back(once, real[0], cfg=7.0))
    assert all(len(of_key) == 1 for kind in again.wrappers.values() for of_key in kind.values())


def test_each_step_has_its_own_range():
    """Borders half-way: 9…7, 7…3, 3…0 of the levels 10, 8, 6 … would be wrong at once."""
    assert step_ranges(torch.tensor([10.0, 8.0, 2.0, 0.0])) == [(float("inf"), 9.0), (9.0, 5.0), (5.0, 0.0)]


def test_prompt_as_negative_is_sampling_at_cfg_1_whatever_the_cfg(velocity, real):
    model = with_null_text(velocity, real[1], method=PROMPT)
    at_one = back(velocity, real[0], cfg=1.0)
    for cfg in (2.0, 7.5):
        assert torch.allclose(back(model, real[0], cfg=cfg), at_one, rtol=1e-3, atol=1e-3 * float(at_one.abs().max()))


def test_split_calls_and_the_other_order_of_rows_come_back_too(velocity, real, fitted, monkeypatch):
    whole = back(fitted, real[0])
    monkeypatch.setattr(type(velocity), "get_free_memory", lambda self, device: 1)
    assert torch.allclose(back(fitted, real[0]), whole, rtol=1e-3, atol=1e-3 * float(whole.abs().max()))


def test_a_batch_and_one_image_repeated(velocity):
    samples = torch.cat([picture(), picture(seed=3)])
    latent, inversion, _ = inverted(velocity, samples, steps=STEPS, refinements=4)
    model = with_null_text(velocity, inversion, CFG, **FAST)
    out = back(model, latent)
    alone = inverted(velocity, samples[1:], steps=STEPS, refinements=4)
    single = with_null_text(velocity, alone[1], CFG, **FAST)
    assert torch.allclose(back(single, alone[0]), out[1:], rtol=5e-2, atol=2e-2 * float(out.abs().max()))
    pair = back(single, {"samples": alone[0]["samples"].repeat(2, 1, 1, 1)})
    assert torch.allclose(pair[0], pair[1], atol=1e-3 * float(out.abs().max()))


def test_sdxl_keeps_its_pooled_vectors():
    xl = tiny_sdxl()
    pos, neg = text(1, pooled=True), text(2, pooled=True)
    latent, inversion, _ = inverted(xl, pos=pos, steps=2)
    model = with_null_text(xl, inversion, CFG, neg, rounds=2)
    out = come_back(model, latent, CFG, pos, neg, steps=2)
    assert out.isfinite().all() and not torch.equal(out, come_back(xl, latent, CFG, pos, neg, steps=2))
    prompt = with_null_text(xl, inversion, method=PROMPT)
    at_one = come_back(xl, latent, 1.0, pos, neg, steps=2)
    got = come_back(prompt, latent, CFG, pos, conditioning(seed=2, pooled_output=torch.zeros(1, 1280)), steps=2)
    assert torch.allclose(got, at_one, rtol=1e-2, atol=1e-2 * float(at_one.abs().max()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype):
    small = tiny_sd(dtype, model_type=comfy.model_base.ModelType.V_PREDICTION, multipliers=(1, 2))
    latent, inversion, _ = inverted(small, steps=3, refinements=2)
    model = with_null_text(small, inversion, CFG, **FAST)
    ours = miss(come_back(model, latent, CFG, steps=3), picture())
    assert ours < 0.9 * miss(come_back(small, latent, CFG, steps=3), picture())


def test_a_second_run_equals_the_first(velocity, real, fitted):
    again = with_null_text(velocity, real[1], CFG, **FAST)
    assert torch.equal(back(again, real[0]), back(fitted, real[0]))
    assert torch.equal(back(fitted, real[0]), back(fitted, real[0])) and len(host.UNFINISHED) == 0


def test_memory_saving_gives_the_same(velocity, real, fitted):
    saving = with_null_text(velocity, real[1], CFG, save_memory=True, **FAST)
    assert torch.allclose(back(saving, real[0]), back(fitted, real[0]), rtol=1e-3, atol=1e-2)


def test_an_interrupt_leaves_nothing_attached_and_is_gone_on_with(velocity, real, fitted, monkeypatch):
    counted, original = [], host.NegativeGradient._evaluate

    def pressed(self, *args):
        counted.append(1)
        if len(counted) == 7:
            comfy.model_management.interrupt_current_processing(True)
        return original(self, *args)

    monkeypatch.setattr(host.NegativeGradient, "_evaluate", pressed)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        with_null_text(velocity, real[1], CFG, **FAST)
    assert clean(velocity) and len(host.UNFINISHED) == 1
    resumed = with_null_text(velocity, real[1], CFG, **FAST)
    assert len(counted) == 7 + 4 * (STEPS - 1), "the first step was done; the second is begun anew"
    assert torch.equal(back(resumed, real[0]), back(fitted, real[0])) and len(host.UNFINISHED) == 0


def refuses(sentence: str):
    return pytest.raises(PromptUnderstandingError, match=sentence)


def test_settings_of_the_sampler_that_cannot_come_back(velocity, real, fitted):
    plain = back(velocity, real[0])
    with refuses("inverted in 4 steps of the scheduler 'normal'.*set to 5 steps"):
        come_back(fitted, real[0], CFG, steps=5)
    with refuses("not among them"):
        back(fitted, real[0], scheduler="karras")
    with refuses("sampler is euler_ancestral.*'euler' or 'ddim'"):
        back(fitted, real[0], sampler="euler_ancestral")
    with refuses("optimised for cfg 4, and the sampler's cfg is 7"):
        back(fitted, real[0], cfg=7.0)
    with refuses("add_noise to 'disable'"):
        back(fitted, real[0], noise=torch.ones_like(real[0]["samples"]))
    with refuses("inversion is of latent size"):
        back(fitted, {"samples": picture(hw=(8, 8))})
    assert torch.equal(back(velocity, real[0]), plain) and clean(velocity)


def test_a_run_in_two_parts_is_a_run_along_the_schedule(velocity, real, fitted):
    half = back(fitted, real[0], start_step=0, last_step=2)
    rest = back(fitted, {"samples": half}, start_step=2, last_step=10000)
    assert torch.allclose(rest, back(fitted, real[0]), rtol=1e-4, atol=1e-3)


def test_a_guider_without_a_negative_prompt(velocity, real, fitted):
    import comfy_extras.nodes_custom_sampler as custom

    with torch.inference_mode(), refuses("has none. Use KSampler"):
        guider = custom.BasicGuider.execute(fitted, text(1)).result[0]
        sampler, noise = custom.KSamplerSelect.execute("euler").result[0], custom.DisableNoise.execute().result[0]
        custom.SamplerCustomAdvanced.execute(noise, guider, sampler, real[2], real[0])


def test_bad_input_of_the_node(velocity, real):
    with refuses("cfg 1.*never looks at the negative"):
        with_null_text(velocity, real[1], cfg=1.0)
    with refuses("of 2 parts"):
        with_null_text(velocity, real[1], neg=[*text(2), *text(3)])
    with refuses("for 3 images and the inversion for 1"):
        with_null_text(velocity, real[1], neg=text(2, rows=3))
    assert len(host.UNFINISHED) == 0


def test_the_report_names_every_step(velocity, real):
    with torch.inference_mode():
        report = PUNullTextOptimise.execute(velocity, real[1], text(2), CFG, "null-text", rounds=1).result[1]
    assert report.startswith("4 steps, 4 gradients") and len(report.splitlines()) == 1 + STEPS
