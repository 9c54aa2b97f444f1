"""The nodes on real text encoders: phrases in their places, texts with AND and NOT."""

from __future__ import annotations

import pytest
import torch
from pack.attention_hooks.host.conditioning.encoding import encode_phrase
from pack.attention_hooks.host.conditioning.marks import PROMPT_KEY
from pack.demo.model import load_shapes
from pack.errors import PromptUnderstandingError
from pack.nodes.compose_nodes import PUComposableDiffusion, PUComposableGuider, PUComposablePrompt, PUComposeText
from pack.nodes.encoding import encode_prompt
from pack.nodes.imagen_nodes import PUDynamicThresholding, PUGuidanceSchedule
from pack.nodes.prompt_nodes import PUEncodePrompt, PUPickSubjects
from pack.nodes.structured_nodes import PUStructuredDiffusion
from pack.prompts.noun_phrases import as_written, noun_phrases
from test_prompt_nodes import TinyText, clip

import nodes

TEXT = "a photo of a red car and a white sheep"


@pytest.fixture(scope="module")
def shapes():
    with torch.inference_mode():
        return load_shapes()


@pytest.fixture(autouse=True)
def inference():
    """As ComfyUI runs its nodes."""
    with torch.inference_mode():
        yield


class Ids(TinyText):
    def encode(self, rows):
        return super().encode(rows)[0].contiguous(), None


class BothEncoders(torch.nn.Module):
    """Two encoders side by side, as SDXL lays them: each token's id, and its negative."""

    def __init__(self):
        super().__init__()
        self.text = Ids()

    def encode_token_weights(self, pairs):
        left, right = (self.text.encode_token_weights({"l": pairs[key]})[0] for key in "lg")
        return torch.cat([left, -right], -1), None


def ids_clip(family="sd1"):
    made = clip(family)
    made.cond_stage_model = Ids() if family == "sd1" else BothEncoders()
    made.encode_from_tokens_scheduled = lambda tokens: [[made.cond_stage_model.encode_token_weights(tokens)[0], {}]]
    return made


# --- phrases ---


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_a_phrases_vectors_are_those_of_its_own_words(family):
    """Each token's vector names the token, so what comes back must be the ids that stand there in the whole prompt."""
    made = ids_clip(family)
    conditioning, prompt = encode_prompt(made, TEXT, "bundled")
    whole = conditioning[0][0][0]
    car, sheep = (encode_phrase(made, prompt, phrase, as_written(prompt, phrase)) for phrase in noun_phrases(prompt))
    assert (car.text, car.positions) == ("a red car", (4, 5, 6)) and sheep.positions == (8, 9, 10)
    for phrase in (car, sheep):
        assert phrase.vectors.shape == (3, 4 if family == "sd1" else 8)
        assert torch.equal(phrase.vectors, whole[list(phrase.positions)])


@pytest.mark.parametrize(
    "text",
    [
        "a photo of a (red:1.3) car and a sheep",
        "a photo of a red, round table and a rhinoceros",
        r"a photo of a red \(old\) car and a sheep",
        "a photo of a naïve café and a big 🐢",
        "word " * 72 + "a photo of a red rhinoceros and a cat",  # a chunk border within the phrase
    ],
)
def test_weights_pieces_brackets_and_chunk_borders(text):
    made = ids_clip()
    conditioning, prompt = encode_prompt(made, text, "bundled")
    phrases = noun_phrases(prompt)
    assert phrases
    for phrase in phrases:
        found = encode_phrase(made, prompt, phrase, as_written(prompt, phrase))
        assert torch.allclose(found.vectors, conditioning[0][0][0, list(found.positions)])


@pytest.mark.parametrize("text", ["", "cats and dogs", "a red car", "highly detailed"])
def test_no_noun_phrase(shapes, text):
    model, own_clip, _ = shapes
    _, prompt, _ = PUEncodePrompt.execute(own_clip, text).result
    with pytest.raises(PromptUnderstandingError, match="no noun phrase of two or more words"):
        PUStructuredDiffusion.execute(model, own_clip, prompt, 1.0, "one key set")


def test_another_clip_is_refused(shapes):
    model, own_clip, _ = shapes
    _, prompt, _ = PUEncodePrompt.execute(own_clip, TEXT).result
    with pytest.raises(PromptUnderstandingError, match="vectors of 4 numbers a token, but this MODEL takes 128"):
        PUStructuredDiffusion.execute(model, ids_clip(), prompt, 1.0, "one key set")


def test_another_encoder_is_refused(shapes):
    model, own_clip, _ = shapes
    _, prompt, _ = PUEncodePrompt.execute(own_clip, TEXT).result
    with pytest.raises(PromptUnderstandingError, match="encoded by 'l', but the connected CLIP is 'l.g'"):
        PUStructuredDiffusion.execute(model, ids_clip("sdxl"), prompt, 1.0, "one key set")


def test_a_model_without_reachable_attention(shapes):
    model, own_clip, _ = shapes
    _, prompt, _ = PUEncodePrompt.execute(own_clip, TEXT).result
    stranger = model.clone()
    network = stranger.model.diffusion_model
    stranger.model.diffusion_model = torch.nn.Linear(1, 1)
    try:
        with pytest.raises(PromptUnderstandingError, match="cannot reach yet"):
            PUStructuredDiffusion.execute(stranger, own_clip, prompt, 1.0, "one key set")
    finally:
        stranger.model.diffusion_model = network


def paint(model, own_clip, positive, steps=4, cfg=3.0, batch=2):
    (negative,) = nodes.CLIPTextEncode().encode(own_clip, "")
    latent = nodes.EmptyLatentImage().generate(64, 48, batch)[0]
    ends = (positive, negative, latent)
    return nodes.KSampler().sample(model, 3, steps, cfg, "euler", "normal", *ends)[0]["samples"]


@pytest.mark.parametrize("mode", ["one key set", "several key sets"])
def test_structured_on_shapes(shapes, mode):
    """A word there means the same alone but for its place: the pictures differ, and hardly."""
    model, own_clip, _ = shapes
    positive, prompt, _ = PUEncodePrompt.execute(own_clip, "a red circle and a blue star").result
    node, report = PUStructuredDiffusion.execute(model, own_clip, prompt, 1.0, mode).result
    assert report == "a red circle: 1, 2, 3\na blue star: 5, 6, 7"
    plain = paint(model, own_clip, positive)
    assert not torch.equal(paint(node, own_clip, positive), plain)
    off = PUStructuredDiffusion.execute(model, own_clip, prompt, 0.0, mode).result[0]
    assert torch.equal(paint(off, own_clip, positive), plain)
    # The first phrase stands where it stands alone.
    picked = PUPickSubjects.execute(prompt, "red circle").result[0]
    same = PUStructuredDiffusion.execute(model, own_clip, picked, 1.0, mode).result[0]
    assert torch.allclose(paint(same, own_clip, positive), plain, atol=1e-3)


# --- texts with AND and NOT ---


def test_the_text_makes_what_the_chain_makes(shapes):
    model, own_clip, _ = shapes
    made, report = PUComposeText.execute(own_clip, "a red circle AND a blue star:0.7 AND NOT a moon:0.5").result
    assert report == "+1  a red circle\n+0.7  a blue star\n-0.5  a moon"
    chain = None
    for text, weight in (("a red circle", 1.0), ("a blue star", 0.7), ("a moon", -0.5)):
        (encoded,) = nodes.CLIPTextEncode().encode(own_clip, text)
        chain = PUComposablePrompt.execute(encoded, weight, chain).result[0]
    drawn = [paint(*_composed(model, own_clip, c)) for c in (made, chain)]
    assert torch.equal(*drawn)


def _composed(model, own_clip, composition):
    patched, positive = PUComposableDiffusion.execute(model, composition).result
    return patched, own_clip, positive


def test_what_the_text_denies_is_pushed_away(shapes):
    """The same as a NOT written by hand, at this share of the prompt's own weight; 0 leaves the text alone."""
    model, own_clip, _ = shapes
    text = "a red circle without a blue star:0.8 AND NOT a moon"
    made, report = PUComposeText.execute(own_clip, text, denied=0.5).result
    assert report == "+0.8  a red circle without a blue star\n-0.4  blue star\n-1  a moon"
    by_hand = "a red circle without a blue star:0.8 AND NOT blue star:0.4 AND NOT a moon"
    drawn = [
        paint(*_composed(model, own_clip, PUComposeText.execute(own_clip, written, denied=denied).result[0]))
        for written, denied in ((text, 0.5), (by_hand, 0.0), (text, 0.0))
    ]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_each_prompt_of_a_text_can_be_guided(shapes):
    """It carries the mark of Encode & Parse Prompt for the same words."""
    made, _ = PUComposeText.execute(shapes[1], "a red circle AND a blue star").result
    marks = [entry[1][PROMPT_KEY] for entry in made.conditioning()]
    assert marks == [
        PUEncodePrompt.execute(shapes[1], t).result[1].fingerprint for t in ("a red circle", "a blue star")
    ]


def test_one_prompt_as_text_is_plain_sampling(shapes):
    model, own_clip, _ = shapes
    made, _ = PUComposeText.execute(own_clip, "a red circle and a blue star").result
    (positive,) = nodes.CLIPTextEncode().encode(own_clip, "a red circle and a blue star")
    assert torch.equal(paint(*_composed(model, own_clip, made)), paint(model, own_clip, positive))


# --- schemas ---


def test_schemas_explain_every_input():
    for node in (
        PUComposablePrompt, PUComposeText, PUComposableDiffusion, PUComposableGuider, PUStructuredDiffusion,
        PUDynamicThresholding, PUGuidanceSchedule,
    ):  # fmt: skip
        schema = node.define_schema()
        assert schema.description and all(socket.tooltip for socket in [*schema.inputs, *schema.outputs])
