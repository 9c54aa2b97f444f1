"""Prompt-to-Prompt on the real host: what must not change does not, what is injected is the source's."""

import math
from dataclasses import replace

import comfy.ldm.modules.attention as comfy_attention
import comfy.model_management
import comfy.samplers
import pytest
import torch
from comfy.model_base import ModelType
from editing import blending, both, differ, edit_positive, noise, pair, sample_edit, swap, swapped, weighted
from engine import guided, positive, prompt, sample, with_pooled
from pack.attention_hooks.host.install import with_capture, with_edit
from pack.attention_hooks.host.settings import Capture, run_log
from pack.attention_hooks.optimize.schedule import Schedule
from pack.attention_hooks.types import AttentionSite
from pack.errors import PromptUnderstandingError
from tiny import conditioning, tiny_sd, tiny_sdxl

UNGUIDABLE = {"dpm_fast", "dpm_adaptive"}
SAMPLERS = [name for name in comfy.samplers.SAMPLER_NAMES if name not in UNGUIDABLE and not name.endswith("_gpu")]


# --- what must not change ---


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "heun", "uni_pc"])
def test_the_source_is_bit_for_bit_the_plain_one_and_the_edit_is_not(model, sampler):
    plain, out = both(model, swap(pair()), sampler=sampler, steps=5)
    assert torch.equal(out[0], plain[0])
    assert differ(plain[1], out[1]) > 1e-3 and out.isfinite().all()


@pytest.mark.parametrize(
    "options",
    [{"hw": (24, 16)}, {"hw": (18, 10)}, {"cfg": 1.0}, {"sources": 2}, {"neg": conditioning(154, seed=2)}],
    ids=["tall", "odd", "cfg 1", "two sources", "longer negative"],
)
def test_in_any_layout(model, options):
    plain, out = both(model, swap(pair()), steps=4, **options)
    assert torch.equal(out[::2], plain[::2]) and differ(plain[1::2], out[1::2]) > 1e-3


def test_cond_and_uncond_in_two_calls(model, monkeypatch):
    together = sample_edit(with_edit(model, swap(pair())), swap(pair()), steps=3)
    monkeypatch.setattr(type(model), "get_free_memory", lambda self, device: 1)
    plain, out = both(model, swap(pair()), steps=3)
    assert torch.equal(out[0], plain[0])
    assert torch.allclose(out, together, atol=2e-3 * float(together.abs().max()))


def test_the_negative_prompt_is_not_touched(model):
    """Where the picture is the negative prompt's alone (cfg 0), no edit can be seen."""
    plain, out = both(model, swap(pair()), cfg=0.0, steps=3)
    assert torch.equal(out, plain)


def test_an_edit_equal_to_the_source_gives_the_source(model):
    """Among others in the batch, too."""
    edit = swap(pair(prompt(), swapped(3)))
    pos = edit_positive(edit)
    pos[0][0] = pos[0][0][[0, 0, 2]]
    out = sample_edit(with_edit(model, edit), edit, steps=4, pos=pos)
    assert torch.equal(out[1], out[0]) and not torch.equal(out[2], out[0])


def test_windows_of_zero_are_plain_sampling_of_the_edited_prompt(model):
    plain, out = both(model, weighted(swap(pair(), until=0.0, self_until=0.0), 3.0, until=0.0))
    assert torch.equal(out, plain)


def test_a_plain_batch_is_the_single_picture_to_rounding(model):
    """Our promise is bit for bit against the same batch; ComfyUI itself rounds differently for another batch size."""
    edit = swap(pair())
    out = sample_edit(with_edit(model, edit), edit)
    row = [[edit_positive(edit)[0][0][:1], {}]]
    alone = sample(model, pos=row, start_noise=noise(edit)[:1])
    assert torch.allclose(out[:1], alone, atol=1e-3 * float(alone.abs().max()))


def test_the_second_run_equals_the_first_and_the_input_model_is_untouched(model):
    before = {key: str(value) for key, value in model.model_options.items()}
    edit = swap(pair())
    node = with_edit(model, edit)
    assert torch.equal(sample_edit(node, edit, steps=3), sample_edit(node, edit, steps=3))
    assert {key: str(value) for key, value in model.model_options.items()} == before


# --- what is injected ---


def test_the_layer_against_attention_written_out(model):
    """Row 1 of (source, edit, negative, negative) becomes P_source with token 2 weighted by -2, times its own values;
    the other rows keep their bits."""
    from pack.attention_hooks.host.attention.edited_attention import EditedAttention, Rows

    edit = weighted(swap(pair()), -2.0)
    q, k, v = torch.randn(4, 6, 8), torch.randn(4, 77, 8), torch.randn(4, 77, 8)
    options = {
        "n_heads": 2, "attn_precision": None, "cond_or_uncond": [0, 1], "uuids": ["ours", "other"],
        "activations_shape": [4, 8, 2, 3],
    }  # fmt: skip
    rows = Rows(2, (1,), {"ours": 77})
    with torch.inference_mode():
        layer = EditedAttention(AttentionSite("input", 1), rows, edit.cross_edits, 0.3)
        out = layer(q, k, v, options)
        plain = comfy_attention.optimized_attention(q, k, v, 2)
    expected = []
    for head in (slice(0, 4), slice(4, 8)):
        probs = (q[0, :, head] @ k[0, :, head].T / math.sqrt(4)).softmax(-1)
        probs[:, 2] *= -2
        expected.append(probs @ v[1, :, head])
    assert torch.allclose(out[1], torch.cat(expected, 1), atol=1e-5)
    assert torch.equal(out[[0, 2, 3]], plain[[0, 2, 3]])


def test_full_windows_on_the_sources_own_values_give_the_source(model):
    """Another text whose embedding happens to be the source's: everything injected, nothing differs but rounding."""
    edit = swap(pair(), until=1.0, self_until=1.0)
    pos = edit_positive(edit)
    pos[0][0] = pos[0][0][[0, 0]]
    out = sample_edit(with_edit(model, edit), edit, pos=pos)
    assert differ(out[0], out[1]) < 1e-3


def test_full_windows_keep_the_layout(model):
    """One word's embedding is another: the edit stays nearer to the source than plain sampling of its prompt."""
    pos = edit_positive(pair())
    pos[0][0] = pos[0][0][[0, 0]].clone()
    with torch.inference_mode():
        pos[0][0][1, 2] *= -5
    plain, full = both(model, swap(pair(), until=1.0, self_until=1.0), pos=pos)
    assert 0 < differ(full[0], full[1]) < 0.7 * differ(plain[0], plain[1])


def test_captured_maps_are_the_edited_ones(model):
    """earlier patch -> our edits -> record: with a full window the edit's maps are the source's."""
    edit = swap(pair(), until=1.0, self_until=0.0)
    node = with_capture(with_edit(model, edit), Capture("all"))
    maps = run_log(node).find(sample_edit(node, edit, steps=3)).maps
    plain_node = with_capture(model, Capture("all"))
    plain = run_log(plain_node).find(sample_edit(plain_node, edit, steps=3)).maps
    for site, probs in maps.probs.items():
        assert torch.allclose(probs[:, 1], probs[:, 0], atol=1e-6)
        assert torch.equal(probs[:, 0], plain.probs[site][:, 0])
        assert not torch.allclose(plain.probs[site][:, 1], plain.probs[site][:, 0], atol=1e-4)


def test_prompts_of_unlike_lengths(model):
    """A source of one chunk beside an edit of two; ComfyUI repeats the first, the map knows it."""
    source, long = prompt(), swapped(2, length=154)
    edit = replace(pair(long), length=154)
    edit = swap(edit, until=1.0, self_until=1.0)
    one = conditioning(77)[0][0].repeat(1, 2, 1)
    pos = edit_positive(edit)
    pos[0][0] = torch.cat([one, pos[0][0][:1]])
    plain, out = both(model, edit, pos=pos, steps=3)
    assert source.length == 77 and torch.equal(out[0], plain[0]) and differ(plain[1], out[1]) > 1e-3


def test_several_edits_are_each_what_they_are_alone(model):
    edit = swap(pair(swapped(2), swapped(4)))
    together = sample_edit(with_edit(model, edit), edit, steps=4)
    for row in (1, 2):
        alone = swap(pair(edit.alignments[row - 1].edited))
        pos = [[edit_positive(edit)[0][0][[0, row]], edit_positive(alone)[0][1]]]
        out = sample_edit(with_edit(model, alone), alone, pos=pos, steps=4)
        assert torch.allclose(out[1], together[row], atol=1e-3 * float(out.abs().max()))


@pytest.mark.parametrize("family", ["sd2", "sdxl"])
def test_families(family):
    """v-prediction; several transformers a block, size vectors and pooled text."""
    network = tiny_sdxl() if family == "sdxl" else tiny_sd(model_type=ModelType.V_PREDICTION)
    dress = with_pooled if family == "sdxl" else lambda c: c
    edit = swap(pair())
    options = {"pos": dress(edit_positive(edit)), "neg": dress(conditioning(seed=2)), "steps": 3}
    plain, out = both(network, edit, **options)
    assert torch.equal(out[0], plain[0]) and differ(plain[1], out[1]) > 1e-4


def test_reweighting_one_prompt_without_a_second_picture(model):
    edit = pair()
    alone = replace(edit, alignments=())
    plain = sample_edit(model, alone, sources=3)
    for value, same in ((1.0, True), (0.5, False), (-1.0, False), (3.0, False)):
        node = with_edit(model, weighted(alone, value))
        assert torch.equal(sample_edit(node, alone, sources=3), plain) is same


# --- samplers ---


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_gives_source_and_edit_the_same_noise(model, sampler):
    """Two rows of one prompt stay one picture to the last bit, and it is what a batch of one gives, to rounding."""
    edit = swap(pair(prompt(), swapped(2)))
    pos = edit_positive(edit)
    pos[0][0] = pos[0][0][[0, 0, 2]]
    out = sample_edit(with_edit(model, edit), edit, sampler=sampler, steps=4, pos=pos)
    assert torch.equal(out[0], out[1]) and out.isfinite().all()
    alone = sample(model, sampler, 4, pos=[[pos[0][0][:1], {}]], start_noise=noise(edit)[:1])
    assert torch.allclose(out[:1], alone, atol=5e-3 * float(alone.abs().max()))


def custom(model, edit, sampler):
    from comfy_extras.nodes_custom_sampler import BasicScheduler

    sigmas = BasicScheduler.execute(model, "normal", 4, 1.0).args[0]
    start = noise(edit)
    return comfy.sample.sample_custom(
        with_edit(model, edit), start, 3.0, sampler, sigmas, edit_positive(edit), conditioning(seed=2),
        torch.zeros_like(start), disable_pbar=True, seed=0,
    )  # fmt: skip


def of_another_pack(model, x, sigmas, extra_args=None, callback=None, disable=None):
    for sigma, after in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = model(x, sigma * x.new_ones(len(x)), **extra_args)
        x = denoised + torch.randn_like(x) * after
    return x


def test_a_sampler_that_cannot_share_noise_is_refused(model):
    """Euler with churn draws its own, row by row; so may another pack's sampler."""
    edit = swap(pair())
    churning = comfy.samplers.ksampler("euler", {"s_churn": 5.0})
    with torch.inference_mode():
        assert custom(model, edit, comfy.samplers.ksampler("euler")).isfinite().all()
        with pytest.raises(PromptUnderstandingError, match="The sampler euler draws new noise.*dpmpp_2m"):
            custom(model, edit, churning)
        with pytest.raises(PromptUnderstandingError, match="The sampler of_another_pack draws new noise"):
            custom(model, edit, comfy.samplers.KSAMPLER(of_another_pack))
        with pytest.raises(PromptUnderstandingError, match="dpm_fast chooses its own noise levels"):
            custom(model, edit, comfy.samplers.sampler_object("dpm_fast"))


# --- neighbours ---


def replacing(model, patch, kind: str = "attn2"):
    clone = model.clone()
    put = clone.set_model_attn2_replace if kind == "attn2" else clone.set_model_attn1_replace
    for block, number in (("input", 1), ("input", 3), ("input", 5), ("middle", 0), ("output", 1)):
        put(patch, block, number)
    return clone


@pytest.mark.parametrize("kind", ["attn1", "attn2"])
def test_another_packs_attention_is_called_through(model, kind):
    """A patch that does what the layer does, and counts: the edit is the same to rounding. One that adds something of
    its own, as IPAdapter does, keeps what it adds in every row."""
    calls = []

    def stock(q, k, v, options):
        calls.append(options["block"])
        return comfy_attention.optimized_attention(q, k, v, options["n_heads"])

    def adding(q, k, v, options):
        return stock(q, k, v, options) + 0.1

    edit = swap(pair(), until=1.0, self_until=1.0)
    reference = sample_edit(with_edit(model, edit), edit, steps=3)
    through = sample_edit(with_edit(replacing(model, stock, kind), edit), edit, steps=3)
    assert calls and torch.allclose(through, reference, atol=1e-3 * float(reference.abs().max()))
    plain, added = both(replacing(model, adding, kind), edit, steps=3)
    assert torch.equal(added[0], plain[0]) and differ(reference[1], added[1]) > 1e-3


def test_another_packs_override_is_called_through(model):
    calls = []

    def override(func, *args, **kwargs):
        calls.append(1)
        return func(*args, **kwargs)

    other = model.clone()
    other.model_options["transformer_options"]["optimized_attention_override"] = override
    edit = swap(pair())
    plain, out = both(other, edit, steps=3)
    reference = sample_edit(with_edit(model, edit), edit, steps=3)
    assert calls and torch.equal(out[0], plain[0])
    assert torch.allclose(out, reference, atol=1e-3 * float(reference.abs().max()))


def test_a_patch_that_adds_tokens_is_refused(model):
    def longer(n, context, value, options):
        return n, torch.cat([context, context[:, :4]], 1), torch.cat([value, value[:, :4]], 1)

    other = model.clone()
    other.set_model_attn2_patch(longer)
    edit = swap(pair())
    with pytest.raises(PromptUnderstandingError, match="edits 77 tokens.*was given 81.*longer"):
        sample_edit(with_edit(other, edit), edit, steps=2)


@pytest.mark.parametrize("error", [RuntimeError, comfy.model_management.InterruptProcessingException])
def test_nothing_stays_after_an_error_or_an_interrupt(model, error):
    edit = blending(swap(pair()))
    node = with_edit(model, edit)
    first, plain = sample_edit(node, edit, steps=3), sample_edit(model, edit, steps=3)

    def stop(step, denoised, x, total):
        if step == 1:
            raise error("stopped")

    with pytest.raises(error):
        sample_edit(node, edit, steps=3, callback=stop)
    assert torch.equal(sample_edit(node, edit, steps=3), first)
    assert torch.equal(sample_edit(model, edit, steps=3), plain)


# --- bad input ---


def test_refusals(model):
    edit = swap(pair())
    node = with_edit(model, edit)
    with pytest.raises(PromptUnderstandingError, match="groups of 2.*given 3 latents. Put Edit Latent"):
        sample(node, batch=3, pos=edit_positive(edit), steps=2)
    with pytest.raises(PromptUnderstandingError, match="different noise.*Edit Latent"):
        sample(node, batch=2, pos=edit_positive(edit), steps=2)
    with pytest.raises(PromptUnderstandingError, match="same Encode Edit node"):
        sample_edit(node, edit, pos=positive(), steps=2)
    with pytest.raises(PromptUnderstandingError, match="already has Prompt-to-Prompt"):
        with_edit(node, edit)
    cut = edit_positive(edit)
    cut[0][0] = cut[0][0][:1]
    with pytest.raises(PromptUnderstandingError, match="has 1 rows of 77 tokens.*made 2 of 77"):
        sample_edit(node, edit, pos=cut, steps=2)


def test_img2img_starts_in_the_middle(model):
    """Windows are parts of the whole noise schedule, so a late start may miss them and is then plain."""
    edit = swap(pair(), until=0.5, self_until=0.2)
    latent = torch.randn(1, 4, 16, 24, generator=torch.Generator().manual_seed(5)).repeat(2, 1, 1, 1)
    plain, out = both(model, edit, latent=latent, denoise=0.8, steps=5)
    assert torch.equal(out[0], plain[0]) and differ(plain[1], out[1]) > 1e-4
    plain, out = both(model, edit, latent=latent, denoise=0.3, steps=5)
    assert torch.equal(out, plain)


def test_schedule_is_not_disturbed_by_refinement(model):
    """Guidance with refinements and an edit: the second run equals the first."""
    edit = swap(pair())
    node = with_edit(guided(model, Schedule(max_refinements=2)), edit)
    assert torch.equal(sample_edit(node, edit, steps=4), sample_edit(node, edit, steps=4))
