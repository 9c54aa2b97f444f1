"""Z-Image: where text and picture lie, what padding does, and what it cannot do. The rest is in test_transformers and
test_transformer_edits, which run on it too."""

import comfy.ldm.lumina.model as lumina
import comfy.model_management
import pytest
import torch
from editing import pair, swap, swapped
from engine import guided, positive
from pack.attention_hooks.host.attention.families import family_of, z_image
from pack.attention_hooks.host.install import with_capture, with_edit
from pack.attention_hooks.host.settings import Capture, run_log
from pack.errors import PromptUnderstandingError
from test_transformer_edits import run
from transformer_kinds import OVERRIDE, Kind

HEADS = 4


@pytest.fixture(scope="module")
def z():
    return Kind("z_image")


def test_sites(z):
    assert family_of(z.model.model) is z_image
    found = [(str(s.site), s.down, s.heads) for s in z_image.sites(z.model.model.diffusion_model)]
    assert found == [(f"layer.{i}.0", 2, HEADS) for i in range(2)]


@torch.inference_mode()
@pytest.mark.parametrize(("length", "hw"), [(15, (20, 28)), (32, (13, 9)), (77, (16, 16))])
def test_maps_are_those_the_model_computed(z, length, hw):
    """Written out over all keys, of which the text's are brought to one. Padding lies behind the text and behind the
    picture; odd sizes are rounded up. q and k as another pack's override sees them, k once for each head of q."""
    calls = []

    def other_pack(func, q, k, v, *args, **kwargs):
        calls.append((q.double(), k.double()))
        return func(q, k, v, *args, **kwargs)

    busy = z.model.clone()
    busy.model_options["transformer_options"][OVERRIDE] = other_pack
    node = with_capture(busy, Capture())
    maps = z.maps(node, z.sample(node, steps=1, cfg=1.0, batch=2, hw=hw, pos=positive(length)))
    places = [-(-side // 2) for side in hw]
    text, picture = -(-length // 32) * 32, places[0] * places[1]
    whole = text + -(-picture // 32) * 32
    joint = [(q, k) for q, k in calls if q.shape[2] == whole]
    assert len(joint) == 2 and len(calls) == 4, "a refiner of the text and one of the picture"
    for (q, k), probs in zip(joint, maps.probs.values(), strict=True):
        everything = (q @ k.transpose(2, 3) / 64**0.5).softmax(-1)
        share = everything[:, :, text : text + picture, :length]
        wanted = (share / share.sum(-1, keepdim=True)).mean(1).transpose(1, 2).reshape(2, length, *places)
        assert torch.allclose(probs[0].double(), wanted, atol=1e-5)


def test_guidance_switches_nothing_on_for_good(z):
    """The fused rotations are left out in its own passes, and at no other time."""
    seen = []
    real = lumina.apply_rope

    def watched(*args):
        seen.append((torch.is_grad_enabled(), comfy.model_management.in_training))
        return real(*args)

    lumina.apply_rope = watched
    try:
        node = guided(z.model)
        out = z.sample(node, steps=4)
    finally:
        lumina.apply_rope = real
    assert len(run_log(node).find(out).steps) > 0
    assert (True, True) in seen and not {(True, False), (False, True)} & set(seen)
    assert comfy.model_management.in_training is False


def test_a_source_and_edits_of_unlike_lengths_are_refused(z):
    edit = swap(pair(swapped(2, length=80)), self_until=0.0)
    with pytest.raises(PromptUnderstandingError, match="have 77, 80 tokens.*numbers the places of text"):
        run(z, with_edit(z.model, edit), edit)


def test_reference_pictures_do_not_add_up_and_are_told(z):
    latent = torch.zeros(1, 16, 8, 8)
    pos = [[tensor, {**options, "reference_latents": [latent]}] for tensor, options in positive()]
    with pytest.raises(PromptUnderstandingError, match="of the text and 10 x 14 places.*a reference picture"):
        z.sample(with_capture(z.model, Capture()), pos=pos, cfg=1.0)
