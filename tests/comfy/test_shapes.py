"""The Shapes model through ComfyUI's stock nodes, under inference mode as its executor runs them."""

import pytest
import torch
from pack.demo.detector import detect
from pack.demo.model import load_shapes
from pack.errors import PromptUnderstandingError

import nodes


@pytest.fixture(scope="module")
def shapes():
    with torch.inference_mode():
        return load_shapes()


def paint(shapes, text, *, steps=4, sampler="euler", size=(64, 64), batch=1, seed=3, cfg=2.0, latent=None, denoise=1.0):
    """Picture [batch height width 3] by the stock nodes alone."""
    model, clip, vae = shapes
    with torch.inference_mode():
        (wanted,) = nodes.CLIPTextEncode().encode(clip, text)
        (nothing,) = nodes.CLIPTextEncode().encode(clip, "")
        latent = latent or nodes.EmptyLatentImage().generate(size[1], size[0], batch)[0]
        ends = (wanted, nothing, latent, denoise)
        (samples,) = nodes.KSampler().sample(model, seed, steps, cfg, sampler, "normal", *ends)
        (image,) = nodes.VAEDecode().decode(vae, samples)
    return image


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "ddim", "euler_ancestral"])
def test_samplers(shapes, sampler):
    image = paint(shapes, "a red circle", sampler=sampler)
    assert image.shape == (1, 64, 64, 3)
    assert image.isfinite().all() and image.min() >= 0 and image.max() <= 1


def test_it_paints_what_is_asked(shapes):
    """One object alone is what the model does well; otherwise the weights, the schedule or the latent are wrong."""
    right = 0
    for text, shape, colour in (("a green triangle", "triangle", "green"), ("a red moon", "moon", "red")):
        images = paint(shapes, text, steps=16, batch=4, cfg=3.0)
        right += sum(any((one.noun, one.colour) == (shape, colour) for one in detect(i.numpy())) for i in images)
    assert right >= 6


def test_any_size(shapes):
    assert paint(shapes, "a star", size=(48, 88), steps=2).shape == (1, 48, 88, 3)


def test_image_to_image_of_an_odd_size(shapes):
    pixels = torch.rand(1, 50, 61, 3)
    with torch.inference_mode():
        (latent,) = nodes.VAEEncode().encode(shapes[2], pixels)
    assert paint(shapes, "a star", latent=latent, denoise=0.5, steps=2).shape == (1, 50, 61, 3)


def test_vae_keeps_pixels(shapes):
    pixels = torch.rand(2, 64, 64, 3)
    with torch.inference_mode():
        latent = nodes.VAEEncode().encode(shapes[2], pixels)[0]
        back = nodes.VAEDecode().decode(shapes[2], latent)[0]
    assert torch.allclose(back, pixels, atol=1e-2)


def test_words_and_weights_reach_the_conditioning(shapes):
    clip = shapes[1].clone()
    with torch.inference_mode():
        plain, heavy, nothing = (
            nodes.CLIPTextEncode().encode(clip, text)[0][0][0] for text in ("a red circle", "a (red:1.5) circle", "")
        )
    assert plain.shape == (1, 77, 128)
    changed = (plain != heavy).any(-1)[0].nonzero().flatten().tolist()
    assert changed == [2], "start a RED circle: only the weighted word changes"
    assert torch.allclose(heavy[0, 2], 1.5 * plain[0, 2], atol=1e-5)
    assert plain[0, 4:].count_nonzero() == 0 and nothing[0, 1:].count_nonzero() == 0


def test_long_prompts_have_several_chunks(shapes):
    with torch.inference_mode():
        (wanted,) = nodes.CLIPTextEncode().encode(shapes[1], "a red circle, " * 30)
    assert wanted[0][0].shape == (1, 154, 128)


def test_a_clone_paints_the_same(shapes):
    model, clip, vae = shapes
    assert torch.equal(paint(shapes, "a star"), paint((model.clone(), clip.clone(), vae), "a star"))


def test_node(shapes):
    from pack.nodes.shapes_nodes import LoadShapesModel

    with torch.inference_mode():
        loaded = LoadShapesModel.execute().args
    assert torch.equal(paint(loaded, "a moon"), paint(shapes, "a moon"))


@pytest.mark.parametrize(("content", "says"), [(None, "no such file"), (b"version https://git-lfs", "cannot be read")])
def test_missing_or_broken_weights(tmp_path, content, says):
    path = tmp_path / "shapes.safetensors"
    if content:
        path.write_bytes(content)
    with pytest.raises(PromptUnderstandingError, match=says):
        load_shapes(path)


def test_weights_of_something_else(tmp_path):
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(PromptUnderstandingError, match="not a file of Shapes weights"):
        load_shapes(tmp_path / "other.safetensors")
