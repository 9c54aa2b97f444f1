"""A source and edits of unlike lengths: T5 pads the shorter itself, CLIP's chunks are repeated."""

import pytest
import torch
from pack.attention_hooks.host.conditioning.tokens import read_tokens
from pack.nodes.edit_nodes import PUEncodeEdit
from tiny_transformers import tiny_sd3_clip

LONG = (
    "a wide photograph of an old stone harbour at dawn with three wooden fishing boats tied to a pier, nets drying in "
    "the wind, gulls above a lighthouse, warm light on wet cobbles, a fisherman mending a rope beside a sleeping {}, "
    "distant hills under thin clouds, small houses with red roofs along the quay, reflections on the calm water"
)


@pytest.fixture(scope="module")
def clip():
    return tiny_sd3_clip()


@torch.inference_mode()
def encoded(clip, source, edited):
    return PUEncodeEdit.execute(clip, source, edited).args


def test_t5_pads_the_shorter_prompt_to_the_longer(clip):
    """A swap that lengthens the prompt. The least common multiple of both lengths would be 30,096 tokens."""
    source, edited = LONG.format("cat"), LONG.format("hippopotamus")
    alone = [read_tokens(clip, text).length for text in (source, edited)]
    (((tensor, _),), edit, prompt, *_) = encoded(clip, source, edited)
    assert alone[0] < alone[1] and tuple(tensor.shape[:2]) == (2, alone[1])
    assert [one.length for one in edit.prompts] == [alone[1]] * 2 and prompt.length == edit.length == alone[1]
    with torch.inference_mode():
        by_hand = clip.tokenize(source)
        by_hand["t5xxl"][0] += [(0, 1.0)] * (alone[1] - alone[0])
        padded = clip.encode_from_tokens_scheduled(by_hand)[0][0]
        longer = clip.encode_from_tokens_scheduled(clip.tokenize(edited))[0][0]
    assert torch.equal(tensor[:1], padded) and torch.equal(tensor[1:], longer)


def test_words_of_a_padded_prompt_are_where_they_were(clip):
    source, edited = LONG.format("cat"), LONG.format("hippopotamus")
    _, edit, prompt, *_ = encoded(clip, source, edited)
    tokens = read_tokens(clip, source)
    (cat,) = [word for word in prompt.words if word.text == "cat"]
    pieces = {token.position: token.text for token in tokens.tokens if token.kind == "word"}
    assert [pieces[position] for position in cat.positions] == ["cat", "cat"], "CLIP's piece and T5's"
    assert {token.kind for token in prompt.tokens[tokens.length :]} == {"pad"}


def test_prompts_of_one_length_are_encoded_as_ever(clip):
    ((tensor, _),), edit, *_ = encoded(clip, "a cat on a bench", "a dog on a bench")
    with torch.inference_mode():
        plain = [clip.encode_from_tokens_scheduled(clip.tokenize(p.text))[0][0] for p in edit.prompts]
    assert torch.equal(tensor, torch.cat(plain)) and edit.length == 154
