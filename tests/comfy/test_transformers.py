"""Transformers, conditioned by T5 or a language model: their attention is read, shown and guided."""

import comfy.model_management
import comfy.sampler_helpers
import comfy.samplers
import pytest
import torch
from engine import guided, positive, prompt
from pack.attention_hooks.capture.sites import choose_sites
from pack.attention_hooks.host.attention.families import family_of, pixart, sd3
from pack.attention_hooks.host.conditioning.marks import tag
from pack.attention_hooks.host.gradient.gradient_pass import GradientPass, Reading
from pack.attention_hooks.host.install import with_capture
from pack.attention_hooks.host.settings import Capture, run_log
from pack.attention_hooks.optimize.schedule import Schedule
from pack.errors import PromptUnderstandingError
from pack.nodes.prompt_nodes import PUEncodePrompt
from test_gradient import column_loss, value_and_gradient
from test_look_nodes import look, no_preview_files  # noqa: F401  # the second is a fixture
from test_prompt_nodes import parse
from tiny import conditioning
from tiny_transformers import SD3_BLOCKS, SD3_HEADS, tiny_sd3_clip
from transformer_kinds import OVERRIDE, Kind

ONCE = Schedule(refinements=(Schedule().refinements[0],), max_refinements=2)


def test_sites(joint, cross):
    assert family_of(joint.model.model) is sd3 and family_of(cross.model.model) is pixart
    for one, name, heads in ((joint, "joint", SD3_HEADS), (cross, "block", 4)):
        network = one.model.model.diffusion_model
        found = [(str(s.site), s.down, s.heads) for s in family_of(one.model.model).sites(network)]
        assert found == [(f"{name}.{i}.0", 2, heads) for i in range(2)]


def test_the_picture_is_bit_identical_and_nothing_stays(kind):
    plain = kind.sample(kind.model)
    node = with_capture(kind.model, Capture(each_step=True))
    assert torch.equal(kind.sample(node), plain)
    assert torch.equal(kind.sample(node), plain)
    assert not any(module._forward_pre_hooks for module in kind.model.model.diffusion_model.modules())
    assert torch.equal(kind.sample(kind.model), plain)


def test_maps_have_the_texts_length_and_sum_to_one(kind):
    node = with_capture(kind.model, Capture())
    maps = kind.maps(node, kind.sample(node, batch=2))
    for probs in maps.probs.values():
        assert probs.shape == (1, 2, 77, *kind.map_hw)
        assert torch.allclose(probs.sum(2), torch.ones(()), atol=1e-5)


@torch.inference_mode()
def joint_by_hand(calls, text=77):
    """Softmax over ALL keys, the picture's rows, the text's columns, brought to one: the text's share among itself."""
    found = []
    for q, k in calls:
        q, k = (x.reshape(x.shape[0], x.shape[1], SD3_HEADS, 64).transpose(1, 2).double() for x in (q, k))
        everything = (q @ k.transpose(2, 3) / 64**0.5).softmax(-1)
        share = everything[:, :, text:, :text]
        found.append((share / share.sum(-1, keepdim=True)).mean(1).transpose(1, 2).float())
    return found


@pytest.mark.parametrize("medium", [False, True])
def test_joint_maps_are_those_the_model_computed(medium):
    """Against q and k as another pack's override sees them, which must still be called."""
    one = Kind("sd35" if medium else "sd3")
    calls = []

    def other_pack(func, q, k, v, *args, **kwargs):
        if q.shape[1] == 77 + 10 * 14:
            calls.append((q.clone(), k.clone()))
        return func(q, k, v, *args, **kwargs)

    busy = one.model.clone()
    busy.model_options["transformer_options"][OVERRIDE] = other_pack
    node = with_capture(busy, Capture())
    maps = one.maps(node, one.sample(node, steps=1, cfg=1.0, batch=2))
    assert len(calls) == SD3_BLOCKS
    for wanted, probs in zip(joint_by_hand(calls), maps.probs.values(), strict=True):
        assert torch.allclose(probs[0], wanted.reshape(2, 77, 10, 14), atol=1e-5)
    assert busy.model_options["transformer_options"][OVERRIDE] is other_pack


def test_cross_maps_are_those_the_model_computed(cross):
    """Against the outputs of PixArt's own projections."""
    attn, caught = cross.model.model.diffusion_model.blocks[1].cross_attn, {}
    handles = [
        getattr(attn, name).register_forward_hook(lambda _m, _i, out, name=name: caught.setdefault(name, out.clone()))
        for name in ("q_linear", "kv_linear")
    ]
    try:
        cross.sample(cross.model, steps=1, cfg=1.0, batch=2)
    finally:
        [handle.remove() for handle in handles]
    node = with_capture(cross.model, Capture("block.1.0"))
    (probs,) = cross.maps(node, cross.sample(node, steps=1, cfg=1.0, batch=2)).probs.values()
    q = caught["q_linear"].reshape(2, -1, 4, 12).transpose(1, 2)
    k = caught["kv_linear"].reshape(2, 77, 2, 4, 12)[:, :, 0].transpose(1, 2)
    wanted = (q @ k.transpose(2, 3) / 12**0.5).softmax(-1).mean(1).transpose(1, 2).reshape(2, 77, 16, 24)
    assert torch.allclose(probs[0], wanted, atol=1e-5)


@pytest.mark.parametrize("case", ["together", "apart", "longer negative"])
def test_only_the_positive_prompt_is_read_in_any_batch_layout(kind, case, monkeypatch):
    node = with_capture(kind.model, Capture())
    reference = kind.maps(node, kind.sample(node, steps=1, cfg=1.0, batch=2)).probs
    options = {}
    if case == "apart":
        monkeypatch.setattr(type(kind.model), "get_free_memory", lambda self, device: 1)
    elif case == "longer negative":
        options["neg"] = conditioning(90, seed=2)
    maps = kind.maps(node, kind.sample(node, steps=1, batch=2, cfg=3.0, **options)).probs
    for site, probs in maps.items():
        assert torch.allclose(probs, reference[site], atol=1e-5)


def test_an_odd_latent_rounds_the_map_up(joint):
    node = with_capture(joint.model, Capture())
    for probs in joint.maps(node, joint.sample(node, hw=(21, 27))).probs.values():
        assert probs.shape[-2:] == (11, 14)


def test_an_interrupt_leaves_nothing_behind(kind):
    from comfy.model_management import InterruptProcessingException

    node = with_capture(kind.model, Capture())
    wanted = kind.sample(node)
    network = kind.model.model.diffusion_model
    last = kind.layers[-1]

    def stop(*_):
        raise InterruptProcessingException

    hook = last.register_forward_hook(stop)
    with pytest.raises(InterruptProcessingException):
        kind.sample(node)
    hook.remove()
    assert not any(module._forward_pre_hooks for module in network.modules())
    assert torch.equal(kind.sample(node), wanted)


# --- guidance ---


@torch.inference_mode()
def gradient_pass(kind, model):
    comfy.model_management.load_models_gpu([model])
    model.model.current_patcher = model
    network, family = model.model.diffusion_model, family_of(model.model)
    chosen = choose_sites(family.sites(network), "all")
    conds = {"positive": comfy.sampler_helpers.convert_cond(kind.pooled(positive()))}
    noise = torch.zeros(1, kind.channels, *kind.hw)
    entries = comfy.samplers.process_conds(model.model, noise, conds, torch.device("cpu"), seed=1)["positive"]
    modules = {entry.site: family.attention(network, entry.site) for entry in chosen}
    return GradientPass(model.model, model.model_options, modules, {"a": Reading(entries, chosen)})


def test_gradient_matches_finite_differences_in_float64(kind):
    run = gradient_pass(kind, kind.make(dtype=torch.float64))
    noise = torch.Generator().manual_seed(3)
    x = torch.randn(1, kind.channels, *kind.hw, dtype=torch.float64, generator=noise)
    _, gradient = value_and_gradient(run, x, column_loss)
    assert gradient.abs().max() > 0
    for seed in range(2):
        direction = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(seed))
        step = 1e-5
        up, _ = value_and_gradient(run, x + step * direction, column_loss)
        down, _ = value_and_gradient(run, x - step * direction, column_loss)
        assert (up - down) / (2 * step) == pytest.approx(float((gradient * direction).sum()), rel=1e-4)


def test_guidance_moves_the_latent_and_lowers_its_loss(kind):
    node = guided(kind.model, ONCE)
    out = kind.sample(node, steps=4)
    record = run_log(node).find(out)
    assert len(record.steps) == 2 and out.isfinite().all()
    assert (out - kind.sample(kind.model, steps=4)).abs().max() > 1e-4
    assert torch.equal(kind.sample(node, steps=4), out)
    assert not any(module._forward_pre_hooks for module in kind.model.model.diffusion_model.modules())
    off = guided(kind.model, Schedule(step_size=0.0))
    assert torch.equal(kind.sample(off, steps=4), kind.sample(kind.model, steps=4))


# --- the look nodes, from the real text encoders on ---


@pytest.fixture(scope="module")
def clip():
    return tiny_sd3_clip()


@torch.inference_mode()
def encoded(clip, text):
    conditioned, parsed, *_ = PUEncodePrompt.execute(clip=clip, text=text, parser="auto").args
    return conditioned[0][0], parsed


@pytest.mark.parametrize("filler", ["", "word " * 80])
def test_a_word_lies_where_sd3s_encoders_put_it(clip, filler):
    """Another word in its place changes exactly the positions of the span, in CLIP's part and in T5's."""
    first, parsed = encoded(clip, filler + "a red cat and a dog")
    second, _ = encoded(clip, filler + "a red bird and a dog")
    assert first.shape == second.shape == (1, parsed.length, 4096)
    changed = (first != second).any(-1)[0].nonzero().flatten().tolist()
    (cat,) = [word for word in parsed.words if word.text == "cat"]
    assert list(cat.positions) == changed
    assert len(changed) == 2, "once in CLIP-L and CLIP-G, once in T5"
    in_clip = 77 if not filler else 154
    assert changed[0] < in_clip <= changed[1]
    assert [span.start for span in cat.spans] == changed


def test_the_heat_map_of_a_word_adds_up_both_its_places(clip, joint):
    """From prompt to mask through the nodes: SD3's text encoders, sampler and picture, at 4096 wide."""
    tensor, parsed = encoded(clip, "a red cat and a dog")
    # The tiny network takes narrower words; their places are what counts here.
    pos = tag([[tensor[..., :: tensor.shape[-1] // 32].contiguous(), {}]], parsed)
    node = with_capture(joint.model, Capture(prompt=parsed))
    samples = joint.sample(node, pos=pos)
    maps = joint.maps(node, samples)
    assert next(iter(maps.probs.values())).shape[2] == parsed.length == 154
    heat = sum(probs[0, 0, list(next(w for w in parsed.words if w.text == "cat").positions)].sum(0)
               for probs in maps.probs.values())  # fmt: skip
    heat = (heat - heat.min()) / (heat.max() - heat.min())
    _, masks = look(node, {"samples": samples}, parsed, words="cat", threshold=0.0)
    size = (8 * joint.hw[0], 8 * joint.hw[1])
    wanted = torch.nn.functional.interpolate(heat[None, None], size, mode="bicubic", align_corners=False)[0, 0]
    assert masks.shape == (1, *size) and torch.allclose(masks[0], wanted.clamp(0, 1), atol=1e-4)


@pytest.mark.parametrize(("name", "encoder", "place"), [("z_image", "z", 5), ("qwen_image", "qwen", 2)])
def test_the_heat_map_of_a_word_behind_a_chat_template(name, encoder, place):
    """From the real tokenizers to the mask: Z-Image keeps the template's front, Qwen-Image cuts it off."""
    kind, parsed = Kind(name), parse(encoder, "a red cat and a blue dog")
    assert next(word for word in parsed.words if word.text == "cat").positions == (place,)
    node = with_capture(kind.model, Capture(prompt=parsed))
    samples = kind.sample(node, pos=tag(conditioning(parsed.length, seed=3), parsed))
    heat = sum(probs[0, 0, place] for probs in kind.maps(node, samples).probs.values())
    heat = (heat - heat.min()) / (heat.max() - heat.min())
    _, masks = look(node, {"samples": samples}, parsed, words="cat", threshold=0.0)
    size = tuple(8 * side for side in kind.hw[-2:])
    wanted = torch.nn.functional.interpolate(heat[None, None], size, mode="bicubic", align_corners=False)[0, 0]
    assert torch.allclose(masks[0], wanted.clamp(0, 1), atol=1e-4)


def test_a_prompt_of_another_text_is_refused_here_too(joint):
    with pytest.raises(PromptUnderstandingError, match="Connect both outputs"):
        joint.sample(with_capture(joint.model, Capture(prompt=prompt(text="other"))))
