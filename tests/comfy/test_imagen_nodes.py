"""Thresholding and the guidance schedule on the real host: Shapes for pixels, a tiny SD1 for latents."""

import comfy.samplers
import pytest
import torch
from engine import HW, guided, positive, sample
from pack.attention_hooks.host.predictions.composition import Composition, with_composition
from pack.attention_hooks.host.predictions.denoised import has_pixel_values
from pack.attention_hooks.optimize.schedule import Schedule
from pack.demo.model import load_shapes
from pack.errors import PromptUnderstandingError
from pack.nodes.imagen_nodes import PUDynamicThresholding, PUGuidanceSchedule
from tiny import conditioning

import nodes

THRESHOLD = {"method": "dynamic", "percentile": 0.995, "mimic": 7.0, "cap": 0.0}
INTERVAL = {"shape": "interval", "low": 1.0, "start": 0.2, "until": 0.6}


def threshold(model, **changes):
    return PUDynamicThresholding.execute(model, **{**THRESHOLD, **changes}).result[0]


def schedule(model, **changes):
    return PUGuidanceSchedule.execute(model, **{**INTERVAL, **changes}).result[0]


@pytest.fixture(scope="module")
def shapes():
    with torch.inference_mode():
        model, clip, _ = load_shapes()
        return model, *(nodes.CLIPTextEncode().encode(clip, text)[0] for text in ("a red circle", ""))


def paint(shapes, patch=lambda model: model, cfg=12.0, steps=4, batch=2):
    """Pixels [batch 3 48 64] as the sampler leaves them, not yet clipped for a file."""
    model, pos, neg = shapes
    latent = torch.zeros(batch, 3, 48, 64)
    return sample(patch(model), steps=steps, cfg=cfg, pos=pos, neg=neg, latent=latent)


class Watched:
    """A MODEL that notes every step's cfg, and the denoised before and after the functions between."""

    def __init__(self, model):
        self.scales, self.denoised = [], []
        self.model = model.clone()
        self.model.set_model_sampler_post_cfg_function(self)

    def __call__(self, step):
        self.scales.append(step["cond_scale"])
        self.denoised.append(step["denoised"].clone())
        return step["denoised"]


# --- pixels ---


def test_the_node_knows_pixels_from_latents(shapes, model):
    assert has_pixel_values(shapes[0]) and not has_pixel_values(model)
    assert "Pixel model" in PUDynamicThresholding.execute(shapes[0], **THRESHOLD).result[1]
    assert "Latent model" in PUDynamicThresholding.execute(model, **THRESHOLD).result[1]


def test_the_clamp_is_of_pixel_values(shapes):
    """Shapes' latent is the picture minus its mean, halved: -1…1 there would be another clamp."""
    picture = paint(shapes)
    assert (picture.abs() > 1.05).any(), "the case needs values out of range"
    for changes in ({"method": "static"}, {"cap": 1.0}, {}):
        assert paint(shapes, lambda m, c=changes: threshold(m, **c)).abs().max() <= 1 + 1e-5


def test_dynamic_is_not_static(shapes):
    static, dynamic = (paint(shapes, lambda m, k=kind: threshold(m, method=k)) for kind in ("static", "dynamic"))
    assert (static - dynamic).abs().max() > 0.01
    capped = paint(shapes, lambda m: threshold(m, cap=1.0))
    assert torch.allclose(capped, static, atol=1e-5)


def test_one_step_by_hand(shapes):
    """The denoised picture before and after, through the latent format both ways."""
    before, after = Watched(shapes[0]), None
    patched = threshold(before.model, percentile=0.9)
    after = Watched(patched)
    paint(shapes, lambda m: after.model, steps=1)
    latent = shapes[0].model.latent_format
    pixels = latent.process_out(before.denoised[0])
    s = torch.quantile(pixels.abs().flatten(1), 0.9, dim=1).clamp(min=1).view(-1, 1, 1, 1)
    expected = latent.process_in(pixels.clamp(-s, s) / s)
    assert torch.allclose(after.denoised[0], expected, atol=1e-5)
    assert (s > 1).any()


def test_values_within_range_are_left_bit_for_bit(shapes):
    """At cfg 1 with blank noise levels nothing leaves -1…1 where the clamp could act on the whole picture."""
    seen = Watched(shapes[0])
    node = Watched(threshold(seen.model, percentile=1.0))
    paint(shapes, lambda m: node.model, cfg=1.0)
    latent = shapes[0].model.latent_format
    calm = [i for i, d in enumerate(seen.denoised) if latent.process_out(d).abs().max() <= 1]
    assert calm and all(torch.equal(seen.denoised[i], node.denoised[i]) for i in calm)


# --- latents ---


def test_mimicking_the_samplers_own_cfg_is_plain_sampling(model):
    plain = sample(model, steps=3, cfg=6.0)
    for mimic in (6.0, 7.0):
        assert torch.equal(sample(threshold(model, mimic=mimic), steps=3, cfg=6.0), plain)
    assert torch.equal(sample(threshold(model, mimic=3.0), steps=3, cfg=1.0), sample(model, steps=3, cfg=1.0))


@pytest.mark.parametrize("batch", [1, 2])
def test_no_channel_leaves_the_mimicked_range(model, batch):
    ranges = []

    def note(step):
        u, c = step["uncond_denoised"], step["cond_denoised"]
        mimicked = u + 3.0 * (c - u)
        ranges.append([_range(step["denoised"]), _range(mimicked)])
        return step["denoised"]

    node = threshold(model, mimic=3.0, percentile=1.0)
    node.set_model_sampler_post_cfg_function(note)
    out = sample(node, steps=3, cfg=12.0, batch=batch)
    assert not torch.equal(out, sample(model, steps=3, cfg=12.0, batch=batch))
    assert all((own <= wanted * 1.001).all() for own, wanted in ranges), "never beyond the mimicked range"
    assert any(torch.allclose(own, wanted, rtol=1e-3) for own, wanted in ranges), "and up to it where it was beyond"


def test_per_channel_is_the_form_for_latents(shapes, model):
    """On a latent model another name for dynamic; on pixels the same form in place of the paper's."""
    one, other = (
        sample(threshold(model, method=kind, mimic=3.0), steps=3, cfg=9.0) for kind in ("dynamic", "per channel")
    )
    assert torch.equal(one, other)
    before = Watched(shapes[0])
    ranges = []

    def note(step):
        u, c = step["uncond_denoised"], step["cond_denoised"]
        ranges.append([_range(step["denoised"]), _range(u + 2.0 * (c - u))])
        return step["denoised"]

    node = threshold(before.model, method="per channel", mimic=2.0, percentile=1.0)
    node.set_model_sampler_post_cfg_function(note)
    paint(shapes, lambda m: node)
    assert all((own <= wanted * 1.001).all() for own, wanted in ranges) and ranges


def _range(values):
    return (values - values.mean((2, 3), keepdim=True)).abs().amax((2, 3))


def test_static_is_refused_on_latents(model):
    with pytest.raises(PromptUnderstandingError, match="works on a latent"):
        threshold(model, method="static")


@pytest.mark.parametrize(
    ("changes", "says"), [({"percentile": 1.5}, "percentile"), ({"percentile": 0.0}, "percentile")]
)
def test_percentile_out_of_range(model, shapes, changes, says):
    for network in (model, shapes[0]):
        with pytest.raises(PromptUnderstandingError, match=says):
            threshold(network, **changes)


def test_cap_out_of_range(shapes):
    with pytest.raises(PromptUnderstandingError, match="cap of 0.5"):
        threshold(shapes[0], cap=0.5)


# --- schedule ---


def scales(model, cfg=9.0, steps=10, **changes):
    seen = Watched(model)
    sample(schedule(seen.model, **changes), steps=steps, cfg=cfg)
    return seen.scales


def test_the_weight_of_every_step(model):
    """Ten steps of the normal schedule go through progress 0, 1/9 … 1 (its noise levels are even in time)."""
    assert scales(model) == pytest.approx([1, 1, 9, 9, 9, 9, 1, 1, 1, 1])
    falling = scales(model, shape="linear down", start=0.0, until=1.0)
    assert falling == pytest.approx([9 - 8 * i / 9 for i in range(10)], abs=0.02)


def test_steps_of_weight_one_skip_the_negative_prompt(model):
    rows = []
    counted = model.clone()
    counted.set_model_attn2_patch(lambda n, c, v, o: rows.append(tuple(o["cond_or_uncond"])) or (n, c, v))
    sample(schedule(counted), steps=10, cfg=9.0)
    layers = len(rows) // 10
    assert rows[::layers] == [(0,)] * 2 + [(1, 0)] * 4 + [(0,)] * 4


@pytest.mark.parametrize("changes", [{"shape": "constant"}, {"low": 3.0}, {"start": 0.0, "until": 1.0}])
def test_a_schedule_that_takes_nothing_off_is_plain_sampling(model, changes):
    plain = sample(model, steps=3, batch=2, hw=(24, 16))
    assert torch.equal(sample(schedule(model, **changes), steps=3, batch=2, hw=(24, 16)), plain)


def test_the_guider_keeps_its_own_weight(model):
    guider = comfy.samplers.CFGGuider(schedule(model))
    guider.set_conds(positive(), conditioning(seed=2))
    guider.set_cfg(9.0)
    euler, sigmas = comfy.samplers.sampler_object("euler"), torch.tensor([10.0, 1.0, 0.0])
    with torch.inference_mode():
        guider.sample(torch.zeros(1, 4, *HW), torch.zeros(1, 4, *HW), euler, sigmas, seed=0)
    assert guider.cfg == 9.0


def test_a_guider_without_one_weight_is_refused(model):
    from comfy_extras.nodes_custom_sampler import BasicGuider, DualCFGGuider

    pos, neg = positive(), conditioning(seed=2)
    patched, euler = schedule(model), comfy.samplers.sampler_object("euler")
    two = DualCFGGuider.execute(patched, pos, pos, neg, 3.0, 3.0, "regular").result[0]
    for guider in (BasicGuider.execute(patched, pos).result[0], two):
        with torch.inference_mode(), pytest.raises(PromptUnderstandingError, match="no single guidance weight"):
            guider.sample(torch.zeros(1, 4, *HW), torch.zeros(1, 4, *HW), euler, torch.tensor([9.0, 0.0]), seed=0)


# --- all together ---


def test_a_stack_of_everything(model):
    """Attend-and-Excite, a composition, a schedule and thresholding: in either order of the nodes the same picture,
    and each of them makes a difference."""
    parts = Composition().with_prompt(positive(), 1.0).with_prompt(conditioning(seed=4), -0.5)
    pos = parts.conditioning()
    patches = {
        "guidance": lambda m: guided(m, Schedule(refinements=())),
        "composition": lambda m: with_composition(m, parts),
        "schedule": lambda m: schedule(m, until=1.0),
        "threshold": lambda m: threshold(m, mimic=2.0),
    }

    def run(names):
        node = model
        for name in names:
            node = patches[name](node)
        return sample(node, steps=4, cfg=6.0, pos=pos)

    all_of_them = run(patches)
    assert all_of_them.isfinite().all()
    assert torch.equal(run(reversed(patches)), all_of_them)
    for name in patches:
        assert not torch.equal(run([other for other in patches if other != name]), all_of_them), name


def test_an_interrupt_leaves_the_guider_and_the_model_clean(model):
    import comfy.model_management

    plain = sample(model, steps=3)
    node = schedule(model)

    def stop(*_args):
        raise comfy.model_management.InterruptProcessingException

    node.set_model_attn2_patch(stop)
    guider = comfy.samplers.CFGGuider(node)
    guider.set_conds(positive(), conditioning(seed=2))
    guider.set_cfg(9.0)
    euler, sigmas = comfy.samplers.sampler_object("euler"), torch.tensor([1.0, 0.0])
    with torch.inference_mode(), pytest.raises(comfy.model_management.InterruptProcessingException):
        guider.sample(torch.zeros(1, 4, *HW), torch.zeros(1, 4, *HW), euler, sigmas, seed=0)
    assert guider.cfg == 9.0
    assert torch.equal(sample(model, steps=3), plain)
