"""The latent moves where the sampler keeps it, once per step, for every stock sampler."""

import comfy.model_management
import comfy.samplers
import pytest
import torch
from engine import ONE_UPDATE, guided, positive, prompt, sample
from pack.attention_hooks.host.gradient.guidance_run import GuidanceRun
from pack.attention_hooks.host.sampling.progress import progress_of
from pack.attention_hooks.host.settings import run_log
from pack.attention_hooks.optimize.schedule import Schedule
from pack.errors import PromptUnderstandingError
from tiny import conditioning, tiny_sd

STEPS = 8
UNGUIDABLE = {"dpm_fast", "dpm_adaptive"}
SAMPLERS = [name for name in comfy.samplers.SAMPLER_NAMES if name not in UNGUIDABLE and not name.endswith("_gpu")]
EVERY_STEP = Schedule(refinements=(), until=1.0)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_is_guided_once_a_step_and_moves(model, sampler):
    node = guided(model, EVERY_STEP)
    plain, out = sample(model, sampler, STEPS), sample(node, sampler, STEPS)
    steps = [entry.step for entry in run_log(node).find(out).steps]
    # heunpp2's second-last step has only two stages, so its last step is not told from a trial call.
    expected = list(range(STEPS - 1 if sampler == "heunpp2" else STEPS))
    assert steps == expected[: len(steps)] and len(steps) >= len(expected) - 1
    assert (plain - out).abs().max() > 1e-3
    assert out.isfinite().all()


def test_uni_pc_is_given_a_moved_copy(model):
    """Moved in place, its own arithmetic would cancel the move: two per cent of it would be left, the wrong way."""
    third = Schedule(refinements=(), start=0.35, until=0.45)
    moved = {}
    for sampler in ("euler", "uni_pc"):
        moved[sampler] = (sample(guided(model, third), sampler) - sample(model, sampler)).abs().max()
    assert moved["uni_pc"] > 0.3 * moved["euler"]


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpm_2", "ddim"])
def test_moving_equals_restarting_from_the_moved_latent(model, sampler, monkeypatch):
    """The strongest statement about the seam: guide at one step only, catch the moved latent, restart there."""
    sampling = model.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "normal", STEPS)
    third = progress_of(sampling, float(sigmas[3]))
    node = guided(model, Schedule(refinements=(), start=third - 0.01, until=third + 0.01))
    moved, guide = [], GuidanceRun.open_step

    def caught(*args):
        moved.append(guide(*args))
        return moved[-1]

    monkeypatch.setattr(GuidanceRun, "open_step", caught)

    def run(patcher, noise, schedule, latent):
        sampler_object = comfy.samplers.sampler_object(sampler)
        return comfy.sample.sample_custom(
            patcher,
            noise,
            3.0,
            sampler_object,
            schedule,
            positive(),
            conditioning(seed=2),
            latent,
            disable_pbar=True,
            seed=0,
        )

    with torch.inference_mode():
        noise = comfy.sample.prepare_noise(torch.zeros(1, 4, 16, 24), 0)
        out = run(node, noise, sigmas.clone(), torch.zeros_like(noise))
        (start,) = [latent for latent in moved if latent is not None]
        # x = noise·sigma + latent in an eps model, so the latent is given and the noise is zero.
        scale = model.model.latent_format.scale_factor
        again = run(model, torch.zeros_like(noise), sigmas[3:].clone(), start / scale)
    assert torch.allclose(out, again, atol=1e-4 * float(out.abs().max()))


def test_the_two_samplers_that_leave_the_schedule_are_refused_in_a_sentence(model):
    for sampler in UNGUIDABLE:
        with pytest.raises(PromptUnderstandingError, match=f"{sampler} chooses its own noise levels"):
            sample(guided(model), sampler)


def test_guidance_sees_the_latent_as_the_model_will(model):
    """With a noise mask the pass must look at what ComfyUI paints, and have no gradient where the picture is kept."""
    from types import SimpleNamespace

    from pack.attention_hooks.host.sampling.units import NoiseMaskView

    x, kept = torch.randn(1, 4, 4, 6), torch.randn(1, 4, 4, 6)
    mask = torch.zeros(1, 1, 4, 6)
    mask[..., :3] = 1.0
    inner = SimpleNamespace(scale_latent_inpaint=lambda **_: kept)
    model_k = SimpleNamespace(inner_model=SimpleNamespace(inner_model=inner), noise=kept, latent_image=kept)
    leaf = x.clone().requires_grad_()
    seen = NoiseMaskView(model_k, torch.ones(1), mask, {})(leaf)
    assert torch.equal(seen[..., :3], x[..., :3]) and torch.equal(seen[..., 3:], kept[..., 3:])
    seen.sum().backward()
    assert leaf.grad[..., 3:].abs().max() == 0 and leaf.grad[..., :3].min() == 1


@pytest.mark.parametrize("sampler", ["euler", "uni_pc", "dpmpp_2m_sde"])
def test_what_a_noise_mask_protects_is_never_moved(model, sampler):
    mask = torch.zeros(1, 1, 16, 24)
    mask[..., :12] = 1
    latent = torch.randn(1, 4, 16, 24, generator=torch.Generator().manual_seed(5))
    plain = sample(model, sampler, latent=latent, noise_mask=mask)
    out = sample(guided(model), sampler, latent=latent, noise_mask=mask)
    inside, outside = (out - plain)[..., :12].abs().max(), (out - plain)[..., 12:].abs().max()
    assert inside > 1e-2 and outside < 1e-2 * inside


def test_strength_zero_and_outside_the_window_are_bit_identical(model):
    plain = sample(model)
    for idle in (Schedule(step_size=0.0), Schedule(until=0.0), Schedule(start=0.995, until=0.999)):
        assert torch.equal(sample(guided(model, idle)), plain)


def test_the_second_run_equals_the_first_and_the_input_model_is_untouched(model):
    before = {key: str(value) for key, value in model.model_options.items()}
    plain = sample(model)
    node = guided(model, Schedule(max_refinements=2))
    first = sample(node)
    assert torch.equal(sample(node), first)
    assert torch.equal(sample(model), plain)
    assert {key: str(value) for key, value in model.model_options.items()} == before
    assert run_log(model) is None


@pytest.mark.parametrize("hw", [(16, 24), (24, 16), (18, 10)])
@pytest.mark.parametrize("cfg", [1.0, 3.0])
def test_sizes_and_cfg(model, hw, cfg):
    """18x10 halves to 9x5 and quarters to 5x3: sizes round up."""
    node = guided(model)
    out = sample(node, hw=hw, cfg=cfg, steps=4)
    record = run_log(node).find(out)
    assert len(record.steps) == 2 and record.forwards == 2
    assert out.isfinite().all()


def test_images_of_a_batch_are_guided_each_by_itself(model):
    """Row 0 of a batch of two is what the same noise gives alone, to rounding; so is row 1."""
    node = guided(model, Schedule(max_refinements=3))
    batch = sample(node, batch=2, steps=4)
    record = run_log(node).find(batch)
    assert record.steps[0].losses["attend_and_excite"].shape == (2,)
    alone = sample(node, batch=1, steps=4)
    assert torch.allclose(batch[:1], alone, atol=2e-3 * float(alone.abs().max()))


@pytest.mark.parametrize("negative", [77, 154])
def test_prompts_of_different_chunk_counts(model, negative):
    node = guided(model)
    out = sample(node, neg=conditioning(negative, seed=2), steps=4)
    assert len(run_log(node).find(out).steps) == 2


def test_several_entries_only_the_marked_one_is_read(model):
    """ConditioningCombine: the second positive entry is another text and must not be read."""
    from pack.attention_hooks.host.conditioning.marks import tag

    other = tag(conditioning(seed=9), prompt(text="something else"))
    node = guided(model)
    out = sample(node, pos=positive() + other, steps=4)
    swapped = sample(node, pos=other + positive(), steps=4)
    assert torch.allclose(out, swapped, atol=2e-3 * float(out.abs().max()))
    losses = [run_log(node).find(latent).steps[0].losses["attend_and_excite"].item() for latent in (out, swapped)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_img2img_starts_in_the_middle(model):
    latent = torch.randn(1, 4, 16, 24, generator=torch.Generator().manual_seed(5))
    node = guided(model, Schedule(max_refinements=1))
    out = sample(node, latent=latent, denoise=0.7)
    steps = run_log(node).find(out).steps
    assert steps and steps[0].progress > 0.25 and int(steps[0].refinements) == 1
    late = sample(node, latent=latent, denoise=0.3)
    assert not run_log(node).find(late).steps
    assert "did nothing" in " ".join(run_log(node).find(late).notes)


def test_progress_is_the_inverse_of_comfyuis_percent(model):
    sampling = model.get_model_object("model_sampling")
    for percent in (0.05, 0.2, 0.5, 0.93):
        assert progress_of(sampling, sampling.percent_to_sigma(percent)) == pytest.approx(percent, abs=1e-5)
    assert progress_of(sampling, float(sampling.sigma_max)) == 0.0
    assert progress_of(sampling, 0.0) == 1.0


def test_sampler_custom_advanced(model):
    """The node SamplerCustomAdvanced with CFGGuider and BasicGuider."""
    import comfy_extras.nodes_custom_sampler as custom

    node = guided(model, ONE_UPDATE)
    with torch.inference_mode():
        for guider in (
            custom.CFGGuider.execute(node, positive(), conditioning(seed=2), 3.0),
            custom.BasicGuider.execute(node, positive()),
        ):
            sigmas = custom.BasicScheduler.execute(node, "normal", 4, 1.0).result[0]
            noise = custom.RandomNoise.execute(0).result[0]
            sampler = custom.KSamplerSelect.execute("euler").result[0]
            latent = {"samples": torch.zeros(1, 4, 16, 24)}
            out = custom.SamplerCustomAdvanced.execute(noise, guider.result[0], sampler, sigmas, latent).result[0][
                "samples"
            ]
            assert len(run_log(node).find(out).steps) == 2


def test_v_prediction_and_z_units():
    """x' = x - alpha·(1 + sigma²)·dL/dx: the move in x against the gradient in x, at one noise level."""
    from pack.attention_hooks.host.sampling.units import LatentUnits

    model = tiny_sd()
    sampling = model.get_model_object("model_sampling")
    for sigma in (0.3, 2.0, 14.0):
        x = torch.randn(1, 4, 4, 4, dtype=torch.float64)
        units = LatentUnits(sampling, torch.tensor([sigma]))
        assert torch.allclose(units.to_z(x), x / (1 + sigma**2) ** 0.5, atol=1e-6)
        leaf = units.to_z(x).requires_grad_()
        (gradient_z,) = torch.autograd.grad((units.to_x(leaf) ** 3).sum(), leaf)
        moved = units.to_x(leaf.detach() - 0.1 * gradient_z)
        assert torch.allclose(moved, x - 0.1 * (1 + sigma**2) * 3 * x**2, rtol=1e-5)
