"""The override contract of ComfyUI 0.38 and newer, on a stand-in of it around the host under test."""

import comfy.ldm.modules.attention as attention
import pytest
import todays_core
import torch
from comfy.patcher_extension import WrappersMP
from editing import pair, sample_edit, swap, weighted
from engine import guided, sample
from pack.attention_hooks.host.attention.attention_call import AttentionCall, Override, require_override
from pack.attention_hooks.host.install import with_capture, with_edit
from pack.attention_hooks.host.settings import Capture, run_log
from pack.errors import PromptUnderstandingError
from test_transformer_edits import run as run_kind
from tiny import tiny_sd
from todays_core import OVERRIDE, make_todays
from transformer_kinds import Kind


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def unet(monkeypatch):
    model = tiny_sd()
    return model, make_todays(monkeypatch, model.model.diffusion_model)


@pytest.fixture
def sd3(monkeypatch):
    kind = Kind("sd3")
    return kind, make_todays(monkeypatch, kind.model.model.diffusion_model)


def asked(preferences):
    """How often each layer was attended with as its checkpoint asks, since the last time."""
    counts = [preferred.asked for preferred in preferences]
    for preferred in preferences:
        preferred.asked = 0
    return counts


# --- what a checkpoint prefers ---


def test_a_captured_unet_attends_as_its_checkpoint_asks(unet):
    model, preferences = unet
    plain = sample(model)
    counts = asked(preferences)
    assert min(counts) > 0
    assert torch.equal(sample(with_capture(model, Capture())), plain) and asked(preferences) == counts


def test_rows_that_no_edit_writes_attend_as_the_checkpoint_asks(unet):
    """Re-weighting by one writes nothing: the whole picture is as without it; of a swap, the source is."""
    model, preferences = unet
    edit = swap(pair())
    plain = sample_edit(model, edit)
    counts = asked(preferences)
    same = weighted(pair(), 1.0)
    assert torch.equal(sample_edit(with_edit(model, same), same), plain) and asked(preferences) == counts
    out = sample_edit(with_edit(model, edit), edit)
    assert torch.equal(out[0], plain[0]) and not torch.allclose(out[1], plain[1], atol=1e-4)


def test_joint_attention_is_read_and_edited_as_the_checkpoint_asks(sd3):
    kind, preferences = sd3
    plain = kind.sample(kind.model)
    counts = asked(preferences)
    assert min(counts) > 0
    assert torch.equal(kind.sample(with_capture(kind.model, Capture())), plain) and asked(preferences) == counts
    edit = swap(pair(), self_until=0.0)
    source = run_kind(kind, kind.model, edit)[0]
    assert torch.equal(run_kind(kind, with_edit(kind.model, edit), edit)[0], source)


def test_another_packs_override_takes_the_preferences_place_with_us_and_without(sd3):
    """As ComfyUI has it: with an override, what the checkpoint asks for is left out."""
    kind, preferences = sd3
    busy = kind.model.clone()
    busy.model_options["transformer_options"][OVERRIDE] = lambda func, q, k, v, *a, **kw: func(q, k, v, *a, **kw)
    plain = kind.sample(busy)
    node = with_capture(busy, Capture())
    out = kind.sample(node)
    assert torch.equal(out, plain) and not any(asked(preferences))
    assert any("leaves it out for test_todays_core" in note for note in run_log(node).find(out).notes)


def test_gradients_go_through_plain_attention(unet):
    """A preferred attention need not have a backward; here it would give zeros."""
    model, preferences = unet
    node = guided(model)
    out = sample(node)
    record = run_log(node).find(out)
    assert len(record.steps) > 0 and not torch.allclose(out, sample(model), atol=1e-4)
    assert any("passes of guidance" in note for note in record.notes)


# --- chained with others ---


def outer(times):
    """Another pack's attention that counts and changes what comes out."""

    def override(func, *args, **keywords):
        times.append(args[0].shape)
        return func(*args, **keywords) * 1.5

    return override


def set_inside(model, override, chains):
    """A pack that sets its override in every call, behind ours; with or without going on to the one it finds."""

    def apply_model(executor, x, t, concat, context, control, options, **keywords):
        found = options.get(OVERRIDE)
        before = found if chains and found is not None else lambda func, *a, **kw: func(*a, **kw)

        def chained(func, *args, **kw):
            return override(lambda *a, **kw: before(func, *a, **kw), *args, **kw)

        return executor(x, t, concat, context, control, {**options, OVERRIDE: chained}, **keywords)

    node = model.clone()
    node.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "another pack", apply_model)
    return node


@pytest.mark.parametrize("place", ["before ours", "behind ours"])
def test_another_packs_override_stays_at_work(sd3, place):
    kind, _ = sd3
    times = []
    if place == "before ours":
        busy = kind.model.clone()
        busy.model_options["transformer_options"][OVERRIDE] = outer(times)
    else:
        busy = set_inside(kind.model, outer(times), chains=True)
    plain, alone = kind.sample(busy), len(times)
    node = with_capture(busy, Capture())
    out = kind.sample(node)
    assert torch.equal(out, plain) and len(times) == 2 * alone
    assert len(run_log(node).find(out).maps.probs) == 2, "every site was read"
    edited = run_kind(kind, with_edit(busy, weighted(pair(), 4.0)), weighted(pair(), 4.0))
    assert not torch.allclose(edited[1], run_kind(kind, busy, pair())[1], atol=1e-4)


# --- the form of a call ---


def test_of_k_and_v_there_may_be_fewer_heads():
    """Two heads of k and v for four of q: heads 0 and 1 of q look at the first."""
    q, k = random(1, 4, 3, 8), random(1, 2, 5, 8, seed=1)
    by_head = AttentionCall(None, q, k, k, (4,), {"skip_reshape": True, "enable_gqa": True})
    flat = AttentionCall(
        None, q.transpose(1, 2).flatten(2), k.transpose(1, 2).flatten(2), k, (), {"heads": 4, "enable_gqa": True}
    )
    for call in (by_head, flat):
        assert (call.queries, call.keys, call.heads) == (3, 5, 4)
        assert torch.equal(call.q_of(slice(None)), q)
        assert torch.equal(call.k_of(slice(None), slice(1, 3)), k[:, [0, 0, 1, 1], 1:3])


@pytest.mark.parametrize("reshaped", [False, True])
def test_what_is_added_lies_where_the_call_put_it(reshaped):
    """Two heads of two: the third of four numbers belongs to the second head."""
    keywords = {"heads": 2, "skip_output_reshape": reshaped}
    call = AttentionCall(None, torch.zeros(1, 3, 4), torch.zeros(1, 3, 4), torch.zeros(1, 3, 4), (), keywords)
    out = torch.zeros(1, 2, 3, 2) if reshaped else torch.zeros(1, 3, 4)
    call.add(out, slice(0, 1), slice(2, 3), torch.tensor([[[0.0, 0.0, 5.0, 0.0]]]))
    where = (0, 1, 2, 0) if reshaped else (0, 2, 2)
    assert out[where] == 5 and out.sum() == 5


@pytest.mark.parametrize("by_place", [True, False])
def test_every_argument_goes_on_in_the_form_in_which_it_came(by_place):
    told = []

    def func(*args, **keywords):
        told.append((args, keywords))
        return args[0]

    q, mask = torch.zeros(1, 2, 4), torch.ones(1)
    given = ((2, mask), {"scale": 0.5, "new_one": 7}) if by_place else ((), {"heads": 2, "mask": mask, "new_one": 7})
    Override({})(func, q, q, q, *given[0], **given[1])
    assert len(told) == 1 and told[0][0][3:] == given[0] and told[0][1] == given[1]


# --- what no longer fits is said ---


def test_a_host_that_asks_no_override_is_told_before_the_run(sd3, monkeypatch):
    kind, _ = sd3
    require_override()
    monkeypatch.setattr(attention, "optimized_attention", lambda q, k, v, heads, **kw: torch.ones_like(q))
    with pytest.raises(PromptUnderstandingError, match="asked 0 times instead of once"):
        kind.sample(with_capture(kind.model, Capture()))


def test_a_sequence_that_does_not_add_up_is_told(sd3, monkeypatch):
    """Another pack that lays tokens of its own behind the text: no position could be trusted."""
    kind, _ = sd3
    node = with_capture(kind.model, Capture())
    longer = todays_core._joint_attention

    def lengthened(q, k, v, **keywords):
        places = q.shape[1]
        q, k, v = (torch.cat([x, x[:, :5]], 1) for x in (q, k, v))
        return longer(q, k, v, **keywords)[:, :places]

    monkeypatch.setattr("comfy.ldm.modules.diffusionmodules.mmdit.optimized_attention", lengthened)
    with pytest.raises(PromptUnderstandingError, match="over 217 tokens was expected: 77 of the text.*over 222"):
        kind.sample(node)
    assert torch.isfinite(kind.sample(kind.model)).all()
