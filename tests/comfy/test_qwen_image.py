"""Qwen-Image: where text, picture and reference pictures lie. The rest is in test_transformers and
test_transformer_edits, which run on it too."""

from pathlib import Path

import comfy.ldm.qwen_image.model
import pytest
import torch
from engine import positive
from pack.attention_hooks.host.attention.families import family_of, qwen_image
from pack.attention_hooks.host.install import with_capture
from pack.attention_hooks.host.settings import Capture
from pack.errors import PromptUnderstandingError
from transformer_kinds import OVERRIDE, Kind

HEADS = 2
TOLD = "reference_image_num_tokens" in Path(comfy.ldm.qwen_image.model.__file__).read_text(encoding="utf-8")
"""Whether this ComfyUI says how long reference pictures are; ours cannot tell them from another pack's tokens else."""


@pytest.fixture(scope="module")
def qwen():
    return Kind("qwen_image")


def test_sites(qwen):
    assert family_of(qwen.model.model) is qwen_image
    found = [(str(s.site), s.down, s.heads) for s in qwen_image.sites(qwen.model.model.diffusion_model)]
    assert found == [(f"joint.{i}.0", 2, HEADS) for i in range(2)]


@torch.inference_mode()
@pytest.mark.parametrize(("length", "hw", "references"), [(12, (20, 28), 0), (40, (13, 9), 0), (9, (20, 28), 2 * TOLD)])
def test_maps_are_those_the_model_computed(qwen, length, hw, references):
    """Written out over all keys, of which the text's are brought to one. Reference pictures, of another size, stand
    behind: they take their share of the attention and none of the map. q and k as another pack's override sees them."""
    calls = []

    def other_pack(func, q, k, v, *args, **kwargs):
        calls.append((q.double(), k.double()))
        return func(q, k, v, *args, **kwargs)

    busy = qwen.model.clone()
    busy.model_options["transformer_options"][OVERRIDE] = other_pack
    node = with_capture(busy, Capture())
    latents = [torch.randn(1, 16, 1, 8, 10, generator=torch.Generator().manual_seed(i)) for i in range(references)]
    pos = [[tensor, {**options, "reference_latents": latents}] if latents else [tensor, options]
           for tensor, options in positive(length)]  # fmt: skip
    maps = qwen.maps(node, qwen.sample(node, steps=1, cfg=1.0, batch=2, hw=(1, *hw), pos=pos))
    places = [-(-side // 2) for side in hw]
    picture = places[0] * places[1]
    assert [q.shape[2] for q, _ in calls] == [length + picture + 20 * references] * 2
    for (q, k), probs in zip(calls, maps.probs.values(), strict=True):
        everything = (q @ k.transpose(2, 3) / 24**0.5).softmax(-1)
        share = everything[:, :, length : length + picture, :length]
        wanted = (share / share.sum(-1, keepdim=True)).mean(1).transpose(1, 2).reshape(2, length, *places)
        assert torch.allclose(probs[0].double(), wanted, atol=1e-5)


@pytest.mark.skipif(TOLD, reason="this ComfyUI says how long reference pictures are")
def test_reference_pictures_are_refused_where_their_length_is_not_told(qwen):
    pos = [[tensor, {**options, "reference_latents": [torch.zeros(1, 16, 1, 8, 10)]}] for tensor, options in positive()]
    with pytest.raises(PromptUnderstandingError, match="of the text and 10 x 14 places.*a reference picture"):
        qwen.sample(with_capture(qwen.model, Capture()), pos=pos, cfg=1.0)
