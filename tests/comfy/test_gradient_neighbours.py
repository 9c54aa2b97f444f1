"""What a gradient pass shares with the ordinary pass, and what other packs' patches do in it."""

import comfy.cldm.cldm
import comfy.controlnet
import comfy.ops
import neighbours
import pytest
import torch
from engine import HW, guided, positive, sample
from pack.attention_hooks.host.gradient.gradient_pass import GradientPass
from pack.attention_hooks.host.gradient.patience import ThawedInferenceTensors, saved_as_copies
from pack.attention_hooks.host.settings import run_log
from pack.attention_hooks.optimize.schedule import Refinement, Schedule
from pack.errors import PromptUnderstandingError
from tiny import conditioning, fill, tiny_sd, unet_config

import nodes

ALWAYS = Schedule(refinements=(), until=1.0)
REFINED = Schedule(refinements=(Refinement(0.0, 0.99),), max_refinements=2)


@pytest.fixture(scope="module")
def model():
    """Not the session's: ComfyUI leaves an attribute behind where a layer's forward was patched."""
    return tiny_sd()


@pytest.fixture
def passes(monkeypatch):
    """The cures of each gradient pass that was made."""
    seen, call = [], GradientPass.__call__

    def watched(self, *args):
        gradient = call(self, *args)
        seen.append(list(self.patience.cures))
        return gradient

    monkeypatch.setattr(GradientPass, "__call__", watched)
    return seen


# --- fallbacks ---


def test_without_neighbours_no_pass_is_made_in_a_fallback(model, passes):
    """Also where refinement looks at some of the pictures alone, and where an entry knows its rows."""
    sample(guided(model, REFINED), steps=3, batch=3)
    sample(guided(model, REFINED), steps=3, batch=2, pos=positive(rows=2))
    assert len(passes) >= 4 and not any(passes)


def test_a_patch_that_writes_into_what_autograd_has_saved(model, passes):
    """FreeU_V2 multiplies a part of a tensor and writes into it."""
    patched = neighbours.free_u_v2(model)
    node = guided(patched, ALWAYS, sites="half")
    out, plain = sample(node, steps=4), sample(patched, steps=4)
    assert len(run_log(node).find(out).steps) == 3 and (out - plain).abs().max() > 1e-3
    assert passes == [[saved_as_copies]] * 3


def test_in_place_patches_of_every_kind(model):
    """A patch that writes into what it is given has the gradient of one that gives back a new tensor."""

    def scaled(in_place):
        clone = model.clone()

        def times(h, factor):
            saved = h * h.detach().sigmoid()
            h = h.mul_(factor) if in_place else h * factor
            return h + 0.01 * saved

        clone.set_model_input_block_patch(lambda h, options: times(h, 1.02))
        clone.set_model_output_block_patch(lambda h, skip, options: (times(h, 1.02), times(skip, 0.98)))
        clone.set_model_attn2_output_patch(lambda n, options: times(n, 0.97))
        return clone

    one, other = (sample(guided(scaled(kind), ALWAYS, sites="all"), steps=3) for kind in (True, False))
    assert torch.allclose(one, other, atol=1e-3 * float(other.abs().max()))


def test_foreign_inference_tensors_and_writing_patches_together(model, passes):
    with torch.inference_mode():
        own = torch.randn(128, 128) / 11
    both = neighbours.free_u_v2(model)
    both.set_model_attn2_output_patch(lambda n, options: n + n @ own if n.shape[-1] == 128 else n)
    sample(guided(both, ALWAYS, sites="half"), steps=3)
    assert set(passes[0]) == {ThawedInferenceTensors, saved_as_copies} and len(passes) == 2


# --- no_grad ---


@pytest.mark.parametrize("blocks", [("middle_block",), ("input_blocks", "middle_block", "output_blocks")])
def test_layers_without_gradients_are_named(model, blocks):
    """One such block would make guidance go by a part of the model, silently."""
    patched = neighbours.no_grad(model, blocks)
    assert torch.equal(sample(patched, steps=2), sample(model, steps=2))
    with pytest.raises(PromptUnderstandingError, match="switches gradients off.*transformer_blocks.0"):
        sample(guided(patched, ALWAYS), steps=2)


def test_layers_without_gradients_that_no_pass_reaches_do_no_harm(model):
    """The last block that is read comes first: what follows is never run in a gradient pass."""
    out = sample(guided(neighbours.no_grad(model, ("output_blocks.5",)), ALWAYS), steps=2)
    assert torch.equal(out, sample(guided(model, ALWAYS), steps=2))


def test_maps_without_a_gradient_are_refused(model):
    """A patch that cuts every query off: the losses would be numbers that move nothing."""
    patched = model.clone()
    patched.set_model_attn2_patch(lambda n, k, v, options: (n.detach(), k, v))
    with pytest.raises(PromptUnderstandingError, match="switches gradients off"):
        sample(guided(patched, ALWAYS), steps=2)


# --- ControlNet ---


@torch.inference_mode()
def control_net():
    config = unet_config()
    for name in ("out_channels", "transformer_depth_output", "use_temporal_attention", "use_temporal_resblock"):
        del config[name]
    network = comfy.cldm.cldm.ControlNet(
        hint_channels=3, num_heads=4, num_head_channels=-1, operations=comfy.ops.manual_cast, dtype=torch.float32,
        **config,
    )  # fmt: skip
    fill(network, 5)
    return comfy.controlnet.ControlNet(network, load_device=torch.device("cpu"))


@torch.inference_mode()
def controlled(*controls, pictures: int = 4):
    """Both conditionings with a hint for each picture, from black to white."""
    hints = torch.linspace(0, 1, pictures)[:, None, None, None].expand(pictures, HW[0] * 8, HW[1] * 8, 3).clone()
    pair = positive(), conditioning(seed=2)
    for control in controls:
        pair = nodes.ControlNetApplyAdvanced().apply_controlnet(*pair, control, hints, 1.0, 0, 1)
    return dict(zip(("pos", "neg"), pair, strict=True), batch=4, steps=4)


@pytest.mark.parametrize(("controls", "pictures"), [(1, 4), (2, 4), (1, 1), (1, 2)])
def test_pictures_keep_their_own_hints_where_refinement_looks_at_some_alone(controls, pictures):
    """Guidance too weak to be seen; two of four pictures are refined. All four are as without guidance."""
    model, run = tiny_sd(), controlled(*[control_net() for _ in range(controls)], pictures=pictures)
    plain, looked = sample(model, **run), guided(model, Schedule(step_size=1e-6, refinements=()))
    losses = run_log(looked).find(sample(looked, **run)).steps[0].losses["attend_and_excite"].sort().values
    middle = Refinement(0.0, 1 - float(losses[1] + losses[2]) / 2)
    node = guided(model, Schedule(step_size=1e-6, refinements=(middle,), max_refinements=3))
    out = sample(node, **run)
    assert sorted(run_log(node).find(out).steps[0].refinements.tolist()) == [0, 0, 3, 3]
    assert float((out - plain).abs().max()) < 0.01


def test_a_refined_picture_is_looked_at_with_its_own_hint():
    """The losses of the pictures in the pass are those of the pictures as they are drawn."""
    run = controlled(control_net())
    node = guided(tiny_sd(), Schedule(step_size=1e-6, refinements=(Refinement(0.0, 0.99),), max_refinements=1))
    once = guided(tiny_sd(), Schedule(step_size=1e-6, refinements=()))
    refined, plain = (run_log(n).find(sample(n, **run)).steps[0].losses["attend_and_excite"] for n in (node, once))
    assert torch.allclose(refined, plain, atol=1e-4) and len({round(float(loss), 4) for loss in plain}) == 4


@pytest.mark.parametrize("raised", [None, RuntimeError])
def test_a_gradient_pass_leaves_nothing_on_a_control_net(raised, monkeypatch):
    control, kept = control_net(), []
    run = controlled(control) | {"batch": 1}
    call = GradientPass.__call__

    def watched(self, *args):
        nets = [entry["control"] for reading in self.readings.values() for entry in reading.entries]
        before = [dict(vars(net)) for net in nets]
        try:
            return call(self, *args)
        finally:
            kept.append([dict(vars(net)) for net in nets] == before)
            if raised:
                raise raised("stopped")

    monkeypatch.setattr(GradientPass, "__call__", watched)
    if raised:
        with pytest.raises(raised):
            sample(guided(tiny_sd(), ALWAYS), **run)
    else:
        sample(guided(tiny_sd(), ALWAYS), **run)
    assert kept and all(kept)
