"""Prompt-to-Prompt's re-weighting, word swap and local blend on models conditioned by T5: SD3's joint attention and
PixArt's cross-attention."""

from dataclasses import replace

import pytest
import torch
from comfy.model_management import InterruptProcessingException
from editing import edit_positive, pair, swap, weighted
from engine import prompt
from pack.attention_hooks.capture.probabilities import joint_probs
from pack.attention_hooks.edits.local_blend import LocalBlend
from pack.attention_hooks.edits.prompt_edit import PromptEdit
from pack.attention_hooks.host.install import with_edit
from pack.attention_hooks.host.settings import run_log
from pack.errors import PromptUnderstandingError
from pack.nodes.edit_nodes import PUEncodeEdit, PUReweight
from pack.prompts.alignment import token_map
from tiny_transformers import SD3_HEADS, tiny_sd3_clip
from transformer_kinds import OVERRIDE, Kind

ALONE = PromptEdit(prompt(), (), 77)


def text_of(edit, seed=1):
    return edit_positive(edit, seed=seed)


def run(kind, model, edit, **options):
    """A group of one noise, three steps."""
    noise = torch.randn(1, kind.channels, *kind.hw, generator=torch.Generator().manual_seed(0))
    options = {"steps": 3, "start_noise": noise.repeat_interleave(len(edit.prompts), 0), **options}
    return kind.sample(model, batch=len(edit.prompts), pos=text_of(edit), **options)


def nothing_stays(kind):
    modules = list(kind.model.model.diffusion_model.modules())
    return not any(m._forward_pre_hooks or m._forward_hooks for m in modules)


@pytest.mark.parametrize("value", [-2.0, 0.0, 3.0])
def test_reweighting_one_prompt(kind, value):
    plain = run(kind, kind.model, ALONE)
    node = with_edit(kind.model, weighted(ALONE, value, until=1.0))
    out = run(kind, node, ALONE)
    assert out.isfinite().all() and not torch.allclose(out, plain, atol=1e-5)
    assert torch.equal(run(kind, node, ALONE), out), "a second run"
    assert nothing_stays(kind) and torch.equal(run(kind, kind.model, ALONE), plain)


def test_an_interrupt_leaves_no_hook(kind):
    node = with_edit(kind.model, weighted(ALONE, 2.0))
    wanted = run(kind, node, ALONE)
    last = kind.layers[-1]

    def stop(*_):
        raise InterruptProcessingException

    hook = last.register_forward_hook(stop)
    with pytest.raises(InterruptProcessingException):
        run(kind, node, ALONE)
    hook.remove()
    assert nothing_stays(kind) and torch.equal(run(kind, node, ALONE), wanted)


def test_a_weight_of_one_changes_no_bit(kind):
    node = with_edit(kind.model, weighted(ALONE, 1.0))
    assert torch.equal(run(kind, node, ALONE), run(kind, kind.model, ALONE))


def test_the_negative_prompt_is_not_touched(kind):
    node = with_edit(kind.model, weighted(ALONE, 5.0, until=1.0))
    assert torch.equal(run(kind, node, ALONE, cfg=0.0), run(kind, kind.model, ALONE, cfg=0.0))


@pytest.mark.parametrize("edit", [swap(pair(), self_until=0.0), weighted(swap(pair(), self_until=0.0), -1.0)])
def test_the_source_is_the_plain_one_and_the_edit_is_not(kind, edit):
    plain, out = run(kind, kind.model, edit), run(kind, with_edit(kind.model, edit), edit)
    assert torch.equal(out[0], plain[0]) and not torch.allclose(out[1], plain[1], atol=1e-5)


def test_cond_and_uncond_in_two_calls(kind, monkeypatch):
    edit = weighted(swap(pair(), self_until=0.0), 2.0)
    together = run(kind, with_edit(kind.model, edit), edit)
    monkeypatch.setattr(type(kind.model), "get_free_memory", lambda self, device: 1)
    apart = run(kind, with_edit(kind.model, edit), edit)
    assert torch.allclose(apart, together, atol=2e-3 * float(together.abs().max()))


@torch.inference_mode()
def inputs_of(kind, model, edit, *modules):
    """What each module is given in the first call of one unguided step."""
    caught = {}

    def keep(caught, i, args):
        caught.setdefault(i, args[0].clone())

    handles = [
        module.register_forward_pre_hook(lambda m, args, i=i: keep(caught, i, args)) for i, module in enumerate(modules)
    ]
    try:
        run(kind, model, edit, steps=1, cfg=1.0)
    finally:
        [handle.remove() for handle in handles]
    return [caught[i] for i in range(len(modules))]


def heads_of(x, heads):
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2).double()


@torch.inference_mode()
def test_a_joint_layer_against_attention_written_out(joint):
    """Twice the attention to token 2 is its value once more, by the softmax over text and picture together; what the
    text attends to stays. q, k and v as another pack's override sees them."""
    calls = []

    def other_pack(func, q, k, v, *args, **kwargs):
        calls.append([x.clone() for x in (q, k, v)])
        return func(q, k, v, *args, **kwargs)

    busy = joint.model.clone()
    busy.model_options["transformer_options"][OVERRIDE] = other_pack
    block = joint.model.model.diffusion_model.joint_blocks[0]
    projections = block.x_block.attn.proj, block.context_block.attn.proj
    plain = inputs_of(joint, busy, ALONE, *projections)
    q, k, v = (heads_of(x, SD3_HEADS) for x in calls[0])
    out = inputs_of(joint, with_edit(busy, weighted(ALONE, 2.0, until=1.0)), ALONE, *projections)
    attention = (q @ k.transpose(2, 3) / 8).softmax(-1)
    more = (attention[:, :, 77:, 2:3] * v[:, :, 2:3]).transpose(1, 2).flatten(2)
    assert more.abs().max() > 1e-3
    assert torch.allclose((out[0] - plain[0]).double(), more, atol=1e-5)
    assert torch.equal(out[1], plain[1])


@torch.inference_mode()
def test_what_another_packs_override_keeps_is_not_written_into(joint):
    kept = []

    def other_pack(func, q, k, v, *args, **kwargs):
        out = func(q, k, v, *args, **kwargs)
        kept.append((out, out.clone()))
        return out

    busy = joint.model.clone()
    busy.model_options["transformer_options"][OVERRIDE] = other_pack
    run(joint, with_edit(busy, weighted(ALONE, 2.0, until=1.0)), ALONE, steps=1, cfg=1.0)
    assert kept and all(torch.equal(out, as_given) for out, as_given in kept)


@torch.inference_mode()
def test_a_cross_layer_against_attention_written_out(cross):
    """Behind the cross-attention, in front of the norm of the MLP: twice the attention to token 2 is its projected
    value once more."""
    block = cross.model.model.diffusion_model.blocks[0]
    attn = block.cross_attn
    plain, x = inputs_of(cross, cross.model, ALONE, block.norm2, attn)
    (text,) = inputs_of(cross, cross.model, ALONE, attn.kv_linear)
    (out,) = inputs_of(cross, with_edit(cross.model, weighted(ALONE, 2.0, until=1.0)), ALONE, block.norm2)
    keys, values = (heads_of(half, 4) for half in attn.kv_linear(text.reshape(1, 77, -1)).chunk(2, -1))
    attention = (heads_of(attn.q_linear(x), 4) @ keys.transpose(2, 3) / 12**0.5).softmax(-1)
    more = (attention[..., 2:3] * values[:, :, 2:3]).transpose(1, 2).flatten(2)
    wanted = more @ attn.proj.weight.T.double()
    assert wanted.abs().max() > 1e-3
    assert torch.allclose((out - plain).double(), wanted, atol=1e-5)


def test_joint_shares_by_hand():
    """One head of one number: scores 0, ln 2 and ln 5 are shares of 1/8, 2/8 and 5/8; two columns of them are text."""
    q, k = torch.ones(1, 1, 1), torch.tensor([1.0, 2.0, 5.0]).log().reshape(1, 3, 1)
    assert joint_probs(q, k, 1, slice(0, 2)).flatten().tolist() == pytest.approx([1 / 8, 2 / 8])


@pytest.mark.parametrize("name", ["sd3", "pixart", "z_image", "qwen_image"])
def test_local_blend_finds_its_place(name):
    kind = Kind(name)
    rows = torch.zeros(2, 77)
    rows[:, 2] = 1
    edit = swap(pair(), self_until=0.0)
    blend = LocalBlend(rows, torch.zeros_like(rows), threshold=0.9)
    node = with_edit(kind.model, replace(edit, blend=blend))
    out = run(kind, node, edit)
    mask = run_log(node).find(out).blend_mask[1].bool()
    assert 0 < mask.float().mean() < 1
    assert torch.equal(out[1][..., ~mask], out[0][..., ~mask]) and not torch.equal(out[1][..., mask], out[0][..., mask])


def test_keeping_outlines_is_refused_in_a_sentence(kind):
    edit = swap(pair(), self_until=0.4)
    with pytest.raises(PromptUnderstandingError, match="Set 'self_until'.*to 0"):
        run(kind, with_edit(kind.model, edit), edit)
    assert nothing_stays(kind)


@torch.inference_mode()
def test_the_nodes_on_sd3s_text_encoders():
    """A word is weighted in CLIP's part and in T5's, and swapped within each."""
    clip = tiny_sd3_clip()
    source, edited = "a red circle and a hippopotamus", "a red circle and a cat"
    edit = PUEncodeEdit.execute(clip, source, edited).result[1]
    word = next(w for w in edit.source.words if w.text == "hippopotamus")
    cat = next(w for w in edit.alignments[0].edited.words if w.text == "cat")
    assert len(word.spans) == len(cat.spans) == 2
    moved = token_map(edit.alignments[0], edit.length, swaps=True)
    for before, after in zip(word.spans, cat.spans, strict=True):
        column = moved[:, list(after.positions)].sum(1).nonzero().flatten().tolist()
        assert column == list(before.positions)
    alone = PUEncodeEdit.execute(clip, source).result[1]
    (weighing,) = (
        PUReweight.execute(alone, "red: -1", start=0.0, until=1.0, self_until=0.0, self_sites="quarter")
        .result[0]
        .weights
    )
    red = next(w for w in alone.source.words if w.text == "red")
    assert (weighing.scales[0] == -1).nonzero().flatten().tolist() == list(red.positions) and len(red.spans) == 2
