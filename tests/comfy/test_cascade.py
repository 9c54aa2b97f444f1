"""Super-Resolution Stage on tiny networks of the real x4 upscaler class and of the Shapes upscaler."""

import comfy.model_base
import comfy.sample
import comfy.supported_models
import comfy.utils
import pytest
import torch
from comfy.ldm.modules.diffusionmodules.upscaling import ImageConcatWithNoiseAugmentation
from pack.attention_hooks.host.conditioning.cascade import SeededCorruption, super_resolution_stage
from pack.errors import PromptUnderstandingError
from tiny import _patcher, conditioning, fill, unet_config

import nodes

POSITIVE, NEGATIVE = conditioning(), conditioning(seed=2)


def tiny_x4():
    """The x4 upscaler's plan: the picture's three channels beside the latent's four, the level as a class label."""
    config = unet_config(multipliers=(1, 1, 2, 2)) | {
        "in_channels": 7, "transformer_depth": [0, 1, 1, 1], "transformer_depth_output": [0, 0, 1, 1, 1, 1, 1, 1],
        "use_linear_in_transformer": True,
    }  # fmt: skip
    with torch.inference_mode():
        family = comfy.supported_models.SD_X4Upscaler(config)
        family.set_inference_dtype(torch.float32, None)
        return _patcher(comfy.model_base.SD_X4Upscaler(family))


@pytest.fixture(scope="module")
def x4():
    return tiny_x4()


@pytest.fixture(scope="module")
def upscaler(tmp_path_factory):
    """The real loader on a network that was just made: these tests are about the way, not about what it has learnt."""
    from pack.demo.training.upscale import export, new_network
    from pack.demo.upscaler_model import load_upscaler

    path = tmp_path_factory.mktemp("weights") / "upscaler.safetensors"
    unet = new_network()
    with torch.no_grad():
        fill(unet)
    export(unet, path, {})
    with torch.inference_mode():
        return load_upscaler(path)[0]


def picture(batch=1, hw=(16, 24), channels=3, seed=0):
    return torch.rand(batch, *hw, channels, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def run(staged, steps=2, cfg=3.0, seed=5, latent=None, sampler="euler"):
    model, positive, negative, empty = staged
    latent = empty["samples"] if latent is None else latent
    noise = comfy.sample.prepare_noise(latent, seed)
    return comfy.sample.sample(
        model, noise, steps, cfg, sampler, "normal", positive, negative, latent, seed=seed, disable_pbar=True
    )


def seen(staged, **options):
    """What the network was shown: picture rows [calls*rows 3 h w] and levels, over all its calls."""
    pictures, levels = [], []

    def look(module, args, kwargs):
        channels = args[0].shape[1]
        pictures.append(args[0][:, channels - 3 :].clone())
        levels.append(kwargs["y"].clone())

    hook = staged[0].model.diffusion_model.register_forward_pre_hook(look, with_kwargs=True)
    try:
        run(staged, **options)
    finally:
        hook.remove()
    return torch.cat(pictures), torch.cat(levels)


def stage(model, image=None, level=0.2, seed=0):
    with torch.inference_mode():
        image = picture() if image is None else image
        return super_resolution_stage(model, POSITIVE, NEGATIVE, image, level, seed)


def corrupted(x, step, seed):
    """By hand: sqrt(abar) x + sqrt(1 - abar) n, betas even in their square root from 0.0001 to 0.02."""
    betas = torch.linspace(0.0001**0.5, 0.02**0.5, 1000, dtype=torch.float64) ** 2
    abar = torch.cumprod(1 - betas, 0)[step].float()
    return abar.sqrt() * x + (1 - abar).sqrt() * torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))


# --- the x4 upscaler ---


def test_level_nought_shows_the_picture_as_it_is(x4):
    image = picture()
    pictures, levels = seen(stage(x4, image, 0.0))
    assert (levels == 0).all()
    assert torch.allclose(pictures, (image.movedim(-1, 1) * 2 - 1).expand_as(pictures), atol=1e-6)


@pytest.mark.parametrize("cfg", [1.0, 3.0])
def test_the_picture_is_corrupted_to_the_level_that_is_told(x4, cfg):
    """0.2 of the x4 upscaler's 350 levels is step 70; positive and negative, and every step, see the same."""
    image = picture()
    pictures, levels = seen(stage(x4, image, 0.2, seed=11), cfg=cfg)
    assert len(pictures) == 2 * (1 if cfg == 1 else 2) and (levels == 70).all()
    wanted = corrupted(image.movedim(-1, 1) * 2 - 1, 70, 11)
    assert torch.allclose(pictures, wanted.expand_as(pictures), atol=1e-5)


def test_the_corruption_has_a_seed_of_its_own(x4):
    first, other_sampling = seen(stage(x4, seed=1), seed=5)[0], seen(stage(x4, seed=1), seed=6)[0]
    assert torch.equal(first, other_sampling)
    assert not torch.allclose(first, seen(stage(x4, seed=2), seed=5)[0], atol=0.1)


def test_every_level_has_the_same_noise(x4):
    """So that a sweep over the level shows the level."""
    image = picture()
    x = image.movedim(-1, 1) * 2 - 1
    betas = torch.linspace(0.0001**0.5, 0.02**0.5, 1000, dtype=torch.float64) ** 2
    abar = torch.cumprod(1 - betas, 0)
    noises = []
    for level, step in ((0.1, 35), (0.6, 210)):
        shown = seen(stage(x4, image, level, seed=3))[0][:1]
        noises.append((shown - abar[step].sqrt().float() * x) / (1 - abar[step]).sqrt().float())
    assert torch.allclose(*noises, atol=1e-4)


def test_each_picture_of_a_batch_goes_to_its_own_latent(x4):
    image = picture(batch=2)
    pictures, _ = seen(stage(x4, image, 0.0), cfg=1.0, steps=1)
    assert torch.allclose(pictures, image.movedim(-1, 1) * 2 - 1, atol=1e-6)
    assert stage(x4, image)[3]["samples"].shape == (2, 4, 16, 24)


def test_stages_on_one_model_do_not_mix_and_the_model_stays_as_it_was(x4):
    from comfy_extras.nodes_sdupscale import SD_4XUpscale_Conditioning

    def stock():
        with torch.inference_mode():
            return run((x4, *SD_4XUpscale_Conditioning.execute(picture(), POSITIVE, NEGATIVE, 4.0, 0.3).args))

    before, one, other = stock(), stage(x4, seed=1), stage(x4, seed=2)
    first = run(one)
    assert not torch.equal(first, run(other))
    assert torch.equal(run(one), first)
    assert torch.equal(stock(), before)
    assert type(x4.model.noise_augmentor) is ImageConcatWithNoiseAugmentation


def test_at_level_nought_it_is_comfyuis_own_node_bit_for_bit(x4):
    from comfy_extras.nodes_sdupscale import SD_4XUpscale_Conditioning

    with torch.inference_mode():
        stock = SD_4XUpscale_Conditioning.execute(picture(), POSITIVE, NEGATIVE, 4.0, 0.0).args
    assert torch.equal(run(stage(x4, level=0.0)), run((x4, *stock)))


def test_a_second_stage_takes_the_first_ones_place(x4):
    twice = super_resolution_stage(stage(x4, seed=1)[0], POSITIVE, NEGATIVE, picture(), 0.2, 2)
    assert torch.equal(run(twice), run(stage(x4, seed=2)))


def test_transparency_is_left_out(x4):
    image = picture(channels=4)
    assert torch.equal(run(stage(x4, image)), run(stage(x4, image[..., :3])))


def test_corruption_leaves_torchs_own_generator_alone():
    state = torch.get_rng_state()
    augmentor = ImageConcatWithNoiseAugmentation({"linear_start": 0.0001, "linear_end": 0.02}, 350)
    SeededCorruption(augmentor, 4)(torch.zeros(1, 3, 8, 8), torch.tensor([5]), seed=9)
    assert torch.equal(torch.get_rng_state(), state)


def test_an_interrupt_leaves_nothing_behind(x4):
    from comfy.model_management import InterruptProcessingException

    staged = stage(x4)
    wanted = run(staged)

    def stop(*_):
        raise InterruptProcessingException

    hook = x4.model.diffusion_model.register_forward_pre_hook(stop)
    with pytest.raises(InterruptProcessingException):
        run(staged)
    hook.remove()
    assert torch.equal(run(staged), wanted)


# --- bad input ---


def test_a_model_without_the_level_is_refused(model):
    with pytest.raises(PromptUnderstandingError, match="told how noisy .* kind BaseModel, which has no such input"):
        stage(model)


@pytest.mark.parametrize("level", [-0.1, 1.01, float("nan")])
def test_a_level_out_of_range_is_refused(x4, level):
    with pytest.raises(PromptUnderstandingError, match="lies between 0"):
        stage(x4, level=level)


@pytest.mark.parametrize(("hw", "channels"), [((15, 40), 3), ((40, 15), 3), ((32, 32), 1)])
def test_a_picture_of_the_wrong_size_is_refused(x4, hw, channels):
    with pytest.raises(PromptUnderstandingError, match=f"{hw[1]} x {hw[0]} pixels and {channels} channels"):
        stage(x4, picture(hw=hw, channels=channels))


@pytest.mark.parametrize("shape", [(1, 4, 64, 64), (1, 4, 24, 16), (3, 4, 16, 24)])
def test_a_latent_of_another_size_is_refused(x4, shape):
    """ComfyUI would stretch the picture, or drop one."""
    batch = 2 if shape[0] == 3 else 1
    with pytest.raises(PromptUnderstandingError, match="24 x 16 pixels, which needs a latent of 24 x 16"):
        run(stage(x4, picture(batch)), latent=torch.zeros(shape))


def test_the_shapes_upscaler_alone_says_what_is_missing(upscaler):
    with pytest.raises(PromptUnderstandingError, match="given no picture to enlarge"):
        run((upscaler, POSITIVE, NEGATIVE, {"samples": torch.zeros(1, 3, 32, 32)}))


def test_missing_weights_say_how_to_make_them(tmp_path):
    from pack.demo.upscaler_model import load_upscaler

    with pytest.raises(PromptUnderstandingError, match="no such file.*demo.training.upscale"):
        load_upscaler(tmp_path / "none.safetensors")


# --- the Shapes upscaler ---


def test_the_shapes_upscaler_enlarges_before_it_corrupts(upscaler):
    """As Imagen: bilinear to twice the size, then noise of that size; level 0.5 is step 500 of its 999."""
    image = picture(hw=(16, 20))
    pictures, levels = seen(stage(upscaler, image, 0.5, seed=7), cfg=1.0)
    large = torch.nn.functional.interpolate(image.movedim(-1, 1) * 2 - 1, scale_factor=2, mode="bilinear")
    assert (levels == round(0.5 * 999)).all()
    assert torch.allclose(pictures, corrupted(large, 500, 7).expand_as(pictures), atol=1e-5)


@pytest.mark.parametrize("hw", [(16, 24), (25, 31)])
def test_the_shapes_upscaler_takes_any_size(upscaler, hw):
    out = run(stage(upscaler, picture(2, hw)), cfg=1.0)
    assert out.shape == (2, 3, 2 * hw[0], 2 * hw[1]) and out.isfinite().all()


def test_the_level_reaches_the_network(upscaler):
    """With the same picture in both channels' place, only the label differs: the output must too."""
    network = upscaler.model.diffusion_model
    with torch.inference_mode():
        x, t = torch.rand(1, 6, 32, 32), torch.tensor([500.0])
        outputs = [network(x, t, y=torch.tensor([level])) for level in (0, 500)]
    assert (outputs[0] - outputs[1]).abs().max() > 1e-4


def test_what_an_untrained_network_answers():
    """The best straight guess: at level 0 the picture is believed but for a detail of 0.04; a latent of 1 over a guess
    of 0 is its noise and its detail, shared out by their variances."""
    from pack.demo.network import LATENT_MEAN
    from pack.demo.training.upscale import new_network

    network = new_network()
    alphas = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2, 0)
    picture = torch.tensor(LATENT_MEAN)[:, None, None].expand(1, 3, 16, 16)
    for step in (20, 500, 999):
        alpha = float(alphas[step])
        noise, detail = (1 - alpha) / alpha, 0.04**2
        clean = detail / (detail + noise) / alpha**0.5
        velocity = (alpha**0.5 - clean) / (1 - alpha) ** 0.5
        x = torch.cat((torch.ones(1, 3, 16, 16), picture), 1)
        with torch.no_grad():
            out = network(x, torch.tensor([step]), y=torch.tensor([0]))
        assert torch.allclose(out, torch.full_like(out, velocity), rtol=2e-3), step


def test_before_any_training_it_resizes(tmp_path):
    from pack.demo.training.upscale import export, new_network
    from pack.demo.upscaler_model import load_upscaler

    export(new_network(), tmp_path / "new.safetensors", {})
    image = picture(hw=(16, 24)) * 0.2 + 0.4
    with torch.inference_mode():
        model, vae = load_upscaler(tmp_path / "new.safetensors")
        pixels = vae.decode(run(stage(model, image, 0.0), steps=8, cfg=1.0))
    plain = torch.nn.functional.interpolate(image.movedim(-1, 1), scale_factor=2, mode="bilinear").movedim(1, -1)
    # What is left of the sampler's noise is the detail it leaves room for.
    assert (pixels - plain).abs().mean() < 0.06


def test_capture_on_a_network_without_words_is_refused_in_a_sentence(upscaler):
    from pack.attention_hooks.host.install import with_capture
    from pack.attention_hooks.host.settings import Capture

    staged = stage(upscaler)
    with pytest.raises(PromptUnderstandingError, match="cross-attention this pack cannot reach"):
        run((with_capture(staged[0], Capture()), *staged[1:]))


def test_nodes_with_the_shipped_weights():
    """Through the stock nodes: a rendered scene comes back at twice the size, whole, and nearer to its true picture
    than resizing takes it."""
    import numpy as np
    from pack.demo.detector import detect
    from pack.demo.scenes import Scene, Thing, enlarged, render
    from pack.demo.upscaler_model import UPSCALER_WEIGHTS
    from pack.evaluation.cascade import objects_right, psnr
    from pack.nodes.cascade_nodes import PUSuperResolutionStage
    from pack.nodes.shapes_nodes import PULoadShapesUpscaler

    shapes = UPSCALER_WEIGHTS.parent.glob("shapes*")
    assert sum(file.stat().st_size for file in shapes) < 12e6, "all that is shipped of Shapes"
    scene = Scene((Thing("star", "red", 20, 22, 12, 0.1), Thing("moon", "cyan", 44, 40, 13)))
    small, large = (torch.from_numpy(render(s)[0].astype(np.float32))[None] for s in (scene, enlarged(scene, 2)))
    with torch.inference_mode():
        model, vae = PULoadShapesUpscaler.execute().args
        args = PUSuperResolutionStage.execute(model, conditioning(), conditioning(), small, 0.0, 0).args
        (samples,) = nodes.KSampler().sample(args[0], 0, 10, 1.0, "euler", "normal", *args[1:])
        (image,) = nodes.VAEDecode().decode(vae, samples)
    assert image.shape == large.shape
    assert objects_right(detect(image[0].numpy()), enlarged(scene, 2)) == 1
    resized = comfy.utils.common_upscale(small.movedim(-1, 1), 128, 128, "bicubic", "disabled").movedim(1, -1)
    assert psnr(image, large) > psnr(resized, large) + 3
