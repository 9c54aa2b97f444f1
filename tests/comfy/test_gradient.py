"""The gradient through ComfyUI's inference-mode weights against finite differences and against a plain twin."""

import comfy.model_management
import comfy.ops
import comfy.sampler_helpers
import comfy.samplers
import pytest
import torch
from engine import guided, positive, prompt, sample
from pack.attention_hooks.capture.sites import choose_sites
from pack.attention_hooks.host.attention.families import family_of
from pack.attention_hooks.host.gradient.autograd import gradients
from pack.attention_hooks.host.gradient.gradient_pass import GradientPass, Reading
from pack.attention_hooks.host.settings import run_log
from pack.attention_hooks.optimize.schedule import Schedule
from tiny import tiny_sd

SIGMA = 5.0


@torch.inference_mode()
def gradient_pass(model, sites: str = "quarter", checkpointing: bool = False, **options) -> GradientPass:
    """A pass over a loaded model, with the positive conditioning processed as the sampler does."""
    comfy.model_management.load_models_gpu([model])
    model.model.current_patcher = model
    network = model.model.diffusion_model
    family = family_of(model.model)
    chosen = choose_sites(family.sites(network), sites)
    conds = {"positive": comfy.sampler_helpers.convert_cond(positive(**options))}
    noise = torch.zeros(1, 4, 16, 24)
    entries = comfy.samplers.process_conds(model.model, noise, conds, torch.device("cpu"))["positive"]
    modules = {entry.site: family.attention(network, entry.site) for entry in chosen}
    return GradientPass(model.model, model.model_options, modules, {"a": Reading(entries, chosen)}, checkpointing)


def column_loss(maps):
    """How far left token 3 looks: smooth in everything."""
    heat = maps["a"][:, 3]
    return (heat * torch.linspace(0, 1, heat.shape[-1], dtype=heat.dtype)).mean()


def value_and_gradient(run: GradientPass, x: torch.Tensor, loss=column_loss) -> tuple[float, torch.Tensor]:
    seen = []

    def leaf_and_input():
        leaf = x.clone().requires_grad_()
        return leaf, leaf

    def watched(maps):
        seen.append(loss(maps))
        return seen[-1]

    with torch.inference_mode():
        gradient = run(leaf_and_input, torch.full((len(x),), SIGMA, dtype=x.dtype), watched, {"a"})
    return float(seen[-1].detach()), gradient


def latent(dtype=torch.float32, seed=3) -> torch.Tensor:
    return SIGMA * torch.randn(1, 4, 16, 24, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def test_matches_finite_differences_in_float64():
    model = tiny_sd(torch.float64)
    run = gradient_pass(model)
    x = latent(torch.float64)
    _, gradient = value_and_gradient(run, x)
    for seed in range(3):
        direction = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(seed))
        step = 1e-5
        up, _ = value_and_gradient(run, x + step * direction)
        down, _ = value_and_gradient(run, x - step * direction)
        # The host casts the timestep embedding and the last sum to float32 nowhere on this path.
        assert (up - down) / (2 * step) == pytest.approx(float((gradient * direction).sum()), rel=1e-5)


def test_plain_autograd_would_be_refused(model):
    """Why any of this exists: if ComfyUI one day lets autograd through, this test says so."""
    comfy.model_management.load_models_gpu([model])
    with torch.inference_mode(), torch.inference_mode(False), pytest.raises(RuntimeError, match="Inference tensors"):
        x = torch.randn(1, 4, 16, 24, requires_grad=True)
        model.model.diffusion_model(x, timesteps=torch.tensor([500.0]), context=torch.randn(1, 77, 32))


def test_stopping_early_changes_no_bit_of_the_gradient(model):
    stopped = gradient_pass(model)
    full = gradient_pass(model)
    # A site that is recorded by nobody, at the very end, keeps the forward going.
    network = model.model.diffusion_model
    end = choose_sites(family_of(model.model).sites(network), "all")[-1]
    full.readings = {**full.readings, "end": Reading(full.readings["a"].entries, (end,))}
    full.modules = {**full.modules, end.site: family_of(model.model).attention(network, end.site)}
    x, ran = latent(), []
    handle = network.out.register_forward_hook(lambda *_: ran.append(1))
    try:
        _, early = value_and_gradient(stopped, x)
        assert not ran
        seen = []

        def leaf_and_input():
            leaf = x.clone().requires_grad_()
            return leaf, leaf

        with torch.inference_mode():
            late = full(
                leaf_and_input, torch.tensor([SIGMA]), lambda maps: seen.append(1) or column_loss(maps), {"a", "end"}
            )
    finally:
        handle.remove()
    assert torch.equal(early, late) and early.abs().max() > 0


def test_forward_stops_after_the_last_site_that_is_read(model):
    network, ran = model.model.diffusion_model, []
    handles = [
        block[0].register_forward_hook(lambda *_, i=i: ran.append(i)) for i, block in enumerate(network.output_blocks)
    ]
    try:
        value_and_gradient(gradient_pass(model, "input.5.0"), latent())
        assert ran == []
        value_and_gradient(gradient_pass(model, "output.1.0"), latent())
        assert ran == [0, 1]
    finally:
        for handle in handles:
            handle.remove()


def test_checkpointing_changes_nothing_but_memory(model):
    x = latent()
    _, plain = value_and_gradient(gradient_pass(model), x)
    _, checkpointed = value_and_gradient(gradient_pass(model, checkpointing=True), x)
    assert torch.allclose(plain, checkpointed, rtol=1e-4, atol=1e-8)
    assert not [m for m in model.model.diffusion_model.modules() if "forward" in m.__dict__]


def test_weights_that_move_between_forward_and_backward(model, monkeypatch):
    """Low-VRAM streaming hands out one buffer after the other; here every weight goes through the same memory."""
    x = latent()
    _, expected = value_and_gradient(gradient_pass(model), x)
    original, shared = comfy.ops.cast_bias_weight, torch.empty(4_000_000)

    def through_one_buffer(layer, *args, **kwargs):
        weight, *rest = original(layer, *args, **kwargs)
        alias = shared[: weight.numel()].view(weight.shape)
        alias.copy_(weight)
        return (alias, *rest)

    monkeypatch.setattr(comfy.ops, "cast_bias_weight", through_one_buffer)
    layers = [m for m in model.model.diffusion_model.modules() if isinstance(m, comfy.ops.CastWeightBiasOp)]
    for layer in layers:
        layer.comfy_cast_weights = True
    try:
        _, streamed = value_and_gradient(gradient_pass(model), x)
    finally:
        for layer in layers:
            del layer.comfy_cast_weights
    assert torch.allclose(streamed, expected, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("storage", [torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_weights_of_other_types_are_cast_as_the_model_casts_them(storage):
    """Stored small, computed in float32: the same gradient as a float32 model with the same rounded weights."""
    small, rounded = tiny_sd(storage, torch.float32), tiny_sd()
    with torch.inference_mode():
        for a, b in zip(
            small.model.diffusion_model.parameters(), rounded.model.diffusion_model.parameters(), strict=True
        ):
            b.copy_(a.to(torch.float32))
    x = latent()
    _, expected = value_and_gradient(gradient_pass(rounded), x)
    _, gradient = value_and_gradient(gradient_pass(small), x)
    assert torch.allclose(gradient, expected, rtol=1e-3, atol=1e-8)


def test_a_lora_is_part_of_the_weights(model):
    """A weight patch of the model (as LoraLoader makes) changes the gradient as it changes the model."""
    network_key = "diffusion_model.input_blocks.5.1.transformer_blocks.0.attn2.to_q.weight"
    weight = dict(model.model.named_parameters())[network_key]
    patched = model.clone()
    patched.add_patches({network_key: ("diff", (0.5 * torch.ones_like(weight),))}, 1.0)
    x = latent()
    _, plain = value_and_gradient(gradient_pass(model), x)
    _, with_lora = value_and_gradient(gradient_pass(patched), x)
    assert not torch.allclose(plain, with_lora, rtol=1e-2)
    model_again = gradient_pass(model)
    assert torch.allclose(value_and_gradient(model_again, x)[1], plain)


def test_half_precision_compute_scales_its_gradients():
    """bfloat16 and float16 compute agree with float32 in direction."""
    reference = tiny_sd()
    x = latent()
    _, expected = value_and_gradient(gradient_pass(reference), x)
    for dtype in (torch.bfloat16, torch.float16):
        model = tiny_sd(dtype)
        _, gradient = value_and_gradient(gradient_pass(model), x)
        cosine = torch.nn.functional.cosine_similarity(gradient.flatten().float(), expected.flatten(), dim=0)
        assert gradient.isfinite().all() and cosine > 0.9


def test_layers_are_as_before_after_success_error_and_interrupt(model):
    network = model.model.diffusion_model

    def left_behind():
        return [m for m in network.modules() if "forward" in m.__dict__]

    for raised in (None, ValueError("x"), comfy.model_management.InterruptProcessingException()):
        try:
            with torch.inference_mode(), gradients(network):
                assert left_behind()
                if raised:
                    raise raised
        except BaseException as error:  # noqa: B036  (the interrupt is a BaseException)
            assert error is raised
        assert not left_behind()
    assert all(parameter.is_inference() for parameter in network.parameters())


def test_a_patch_with_weights_of_its_own(model):
    """An adapter pack multiplies by inference-mode tensors that are no layer's: the pass falls back and goes on."""
    with torch.inference_mode():
        own = torch.randn(128, 128)
    patched = model.clone()
    patched.set_model_attn2_output_patch(lambda n, options: n @ own if n.shape[-1] == 128 else n)
    node = guided(patched, Schedule(refinements=()))
    out = sample(node, steps=4)
    assert len(run_log(node).find(out).steps) == 2 and out.isfinite().all()


def test_another_packs_replaced_attention_is_called_through(model):
    """IPAdapter-like: attn2_replace owns the block. Our reading goes on, its output is untouched."""
    from comfy.ldm.modules.attention import optimized_attention

    called = []

    def replace(q, k, v, options):
        called.append(options["block"])
        return optimized_attention(q, k, v, options["n_heads"])

    patched = model.clone()
    for block, number in (("input", 5), ("middle", 0), ("output", 0)):
        patched.set_model_attn2_replace(replace, block, number)
    node = guided(patched, Schedule(refinements=()))
    out, plain = sample(node, steps=4), sample(guided(model, Schedule(refinements=())), steps=4)
    assert called and len(run_log(node).find(out).steps) == 2
    assert torch.allclose(out, plain, atol=2e-3 * float(plain.abs().max()))


def test_a_controlnet_counts_as_given(model):
    """Control adds to the skip tensors in place; the pass must survive it and see its effect."""

    import comfy.controlnet

    class Control(comfy.controlnet.ControlBase):
        grad_seen: list[bool] = []

        def get_control(self, x_noisy, t, cond, batched_number, transformer_options):
            self.grad_seen.append(x_noisy.requires_grad)
            rows, sizes = (
                x_noisy.shape[0],
                [(32, 16, 24), (32, 16, 24), (32, 8, 12), (64, 8, 12), (64, 4, 6), (128, 4, 6)],
            )
            with torch.inference_mode():
                return {
                    "output": [0.3 * torch.ones(rows, *s) for s in sizes],
                    "middle": [0.3 * torch.ones(rows, 128, 4, 6)],
                }

        def get_models(self):
            return []

    control = Control()
    node = guided(model, Schedule(refinements=()))
    out = sample(node, steps=4, pos=positive(control=control))
    assert len(run_log(node).find(out).steps) == 2 and out.isfinite().all()
    assert not any(control.grad_seen)
    assert not torch.allclose(out, sample(node, steps=4), atol=1e-3)


def test_conditioning_that_differs_by_row_is_never_thinned_out(model):
    """Image 1 of two, looked at alone, must be read with row 1's text."""
    from pack.attention_hooks.host.gradient.evaluator import Evaluator
    from pack.attention_hooks.host.sampling.units import LatentUnits, NoiseMaskView
    from pack.attention_hooks.host.settings import Guidance
    from pack.attention_hooks.losses.attend_and_excite import AttendAndExcite

    run = gradient_pass(model, rows=2)
    assert run.knows_rows and not gradient_pass(model).knows_rows
    z = torch.cat([latent(seed=3), latent(seed=4)]) / SIGMA
    sigma = torch.full((2,), SIGMA)
    evaluator = Evaluator({"a": Guidance(AttendAndExcite(), Schedule(), prompt())}, run)
    with torch.inference_mode():
        units = LatentUnits(model.model.model_sampling, sigma)
        evaluator.begin_step(z, sigma, units, NoiseMaskView(None, sigma, None, {}))
        together = evaluator(z, torch.arange(2), {"a": 1.0})
        alone = evaluator(z[1:], torch.tensor([1]), {"a": 1.0})
    assert alone.losses["a"][0].item() == pytest.approx(together.losses["a"][1].item(), rel=1e-5)
    assert torch.allclose(alone.gradient[0], together.gradient[1], rtol=1e-3, atol=1e-8)


def test_subjects_are_prompts_words(model):
    """The loss named in the log is that of the subject's own token: another subject gives another value."""
    losses = []
    for subject in (2, 7):
        node = guided(model, Schedule(refinements=()), parsed=prompt(subject))
        losses.append(float(run_log(node).find(sample(node, steps=4)).steps[0].losses["attend_and_excite"]))
    assert losses[0] != losses[1]


def test_lora_hook_on_the_conditioning(model):
    """Weight hooks (Create Hook LoRA): applied in inference mode before the pass, and undone afterwards."""
    import comfy.hooks

    key = "diffusion_model.input_blocks.5.1.transformer_blocks.0.attn2.to_q.weight"
    weight = dict(model.model.named_parameters())[key]
    group = comfy.hooks.HookGroup()
    hook = comfy.hooks.WeightHook()
    hook.weights = {key: ("diff", (0.5 * torch.ones_like(weight),))}
    hook.need_weight_init = False
    hook._strength_model = 1.0
    group.add(hook)
    before = weight.clone()
    node = guided(model, Schedule(refinements=()))
    with torch.inference_mode():
        hooked = sample(node, steps=4, pos=positive(hooks=group))
    assert len(run_log(node).find(hooked).steps) == 2
    plain = sample(node, steps=4)
    assert not torch.allclose(hooked, plain, atol=1e-3)
    assert torch.equal(dict(model.model.named_parameters())[key], before)
