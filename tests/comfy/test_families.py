"""SD1.x, SD2.x and SDXL plans: which sites there are, and that guidance and capture reach them."""

import comfy.model_base
import pytest
import torch
from engine import guided, positive, sample, with_pooled
from pack.attention_hooks.host.attention.families import family_of
from pack.attention_hooks.host.install import with_capture
from pack.attention_hooks.host.settings import Capture, run_log
from pack.attention_hooks.optimize.schedule import Schedule
from tiny import conditioning, tiny_sd, tiny_sdxl

ONCE = Schedule(refinements=(Schedule().refinements[0],), max_refinements=2)


def places(model) -> list[tuple[str, int]]:
    network = model.model.diffusion_model
    return [(str(entry.site), entry.down) for entry in family_of(model.model).sites(network)]


@pytest.fixture(scope="module")
def sdxl():
    return tiny_sdxl()


def test_sites_of_an_sd1_plan_in_forward_order(model):
    """Worked out from the plan: one block a level, levels 1, 2, 4; output blocks go back up."""
    assert places(model) == [
        ("input.1.0", 1), ("input.3.0", 2), ("input.5.0", 4), ("middle.0.0", 4), ("output.0.0", 4),
        ("output.1.0", 4), ("output.2.0", 2), ("output.3.0", 2), ("output.4.0", 1), ("output.5.0", 1),
    ]  # fmt: skip


def test_real_sd15_plan_reads_five_layers_at_a_quarter():
    """The papers' 16x16 maps: input 7 and 8, output 3, 4, 5; middle is 8x8. On meta tensors, so nothing is held."""
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
    from pack.attention_hooks.host.attention.families import unet

    with torch.device("meta"):
        network = UNetModel(
            image_size=32, in_channels=4, out_channels=4, model_channels=320, num_res_blocks=[2, 2, 2, 2], num_heads=8,
            channel_mult=[1, 2, 4, 4], transformer_depth=[1, 1, 1, 1, 1, 1, 0, 0], transformer_depth_middle=1,
            transformer_depth_output=[1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0], context_dim=768,
            use_spatial_transformer=True, legacy=False,
        )  # fmt: skip
    quarter = [(str(entry.site), entry.heads) for entry in unet.sites(network) if entry.down == 4]
    assert quarter == [(f"{block}.0", 8) for block in ("input.7", "input.8", "output.3", "output.4", "output.5")]


def test_sites_of_an_sdxl_plan(sdxl):
    """Depth two at a quarter: each transformer is a site of its own."""
    assert [site for site, down in places(sdxl) if down == 4] == [
        "input.5.0", "input.5.1", "middle.0.0", "middle.0.1", "output.0.0", "output.0.1", "output.1.0", "output.1.1",
    ]  # fmt: skip
    assert [site for site, down in places(sdxl) if down == 2] == ["input.3.0", "output.2.0", "output.3.0"]


def test_sdxl_is_guided_and_captured(sdxl):
    pos, neg = with_pooled(positive()), with_pooled(conditioning(seed=2))
    node = with_capture(guided(sdxl, ONCE), Capture())
    out = sample(node, steps=4, pos=pos, neg=neg)
    record = run_log(node).find(out)
    assert len(record.steps) == 2 and len(record.maps.probs) == 8
    assert (out - sample(sdxl, steps=4, pos=pos, neg=neg)).abs().max() > 1e-3


@pytest.mark.parametrize("kind", [comfy.model_base.ModelType.EPS, comfy.model_base.ModelType.V_PREDICTION])
def test_sd2_is_guided(kind):
    model = tiny_sd(model_type=kind)
    node = guided(model, ONCE)
    out = sample(node, steps=4)
    assert len(run_log(node).find(out).steps) == 2 and out.isfinite().all()


def test_differential_diffusion_softens_the_mask(model):
    """A mask function of another node is asked at every step, as ComfyUI asks it."""
    from comfy_extras.nodes_differential_diffusion import DifferentialDiffusion

    soft = torch.linspace(0, 1, 24).expand(1, 1, 16, 24).clone()
    latent = torch.randn(1, 4, 16, 24, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        patched = DifferentialDiffusion.execute(model).result[0]
    node = guided(patched, Schedule(refinements=()))
    out = sample(node, latent=latent, noise_mask=soft)
    plain = sample(patched, latent=latent, noise_mask=soft)
    moved = (out - plain).abs().amax((0, 1, 2))
    assert moved[-4:].mean() > 3 * moved[:4].mean()
