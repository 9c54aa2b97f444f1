"""Spans through ComfyUI's own tokenizers, and the two nodes on small text encoders with random weights."""

from __future__ import annotations

from types import SimpleNamespace

import comfy.sd1_clip
import comfy.sdxl_clip
import comfy.text_encoders.flux
import comfy.text_encoders.hidream
import comfy.text_encoders.pixart_t5
import comfy.text_encoders.qwen_image
import comfy.text_encoders.sd2_clip
import comfy.text_encoders.sd3_clip
import comfy.text_encoders.z_image
import pytest
import torch
from pack.attention_hooks.host.conditioning.marks import LENGTH_KEY, PROMPT_KEY, TEXT_KEY
from pack.attention_hooks.host.conditioning.tokens import read_tokens
from pack.errors import PromptUnderstandingError
from pack.nodes.prompt_nodes import PUEncodePrompt, PUPickSubjects
from pack.prompts import find_words, parse_prompt
from pack.prompts.spans import readable

encoders = comfy.text_encoders
PLAIN_MODEL = SimpleNamespace(encode_token_weights=lambda tokens: None)
CUTTING_MODEL = SimpleNamespace(encode_token_weights=lambda tokens, template_end=-1: None)
SD3_MODEL = SimpleNamespace(clip_l=1, clip_g=1, t5xxl=1, encode_token_weights=lambda tokens: None)
FAMILIES = {
    "sd1": (comfy.sd1_clip.SD1Tokenizer, PLAIN_MODEL),
    "sd2": (encoders.sd2_clip.SD2Tokenizer, PLAIN_MODEL),
    "sdxl": (comfy.sdxl_clip.SDXLTokenizer, PLAIN_MODEL),
    "pixart": (encoders.pixart_t5.PixArtTokenizer, PLAIN_MODEL),
    "flux": (encoders.flux.FluxTokenizer, PLAIN_MODEL),
    "sd3": (encoders.sd3_clip.SD3Tokenizer, SD3_MODEL),
    "qwen": (encoders.qwen_image.QwenImageTokenizer, CUTTING_MODEL),
    "z": (encoders.z_image.ZImageTokenizer, PLAIN_MODEL),
}
_tokenizers: dict[str, object] = {}


def clip(family: str, embedding_directory: str | None = None):
    """What the nodes ask of a CLIP, on the real tokenizer."""
    make, model = FAMILIES[family]
    key = f"{family} {embedding_directory}"
    tokenizer = _tokenizers.setdefault(key, make(embedding_directory=embedding_directory))
    return SimpleNamespace(
        tokenizer=tokenizer,
        cond_stage_model=model,
        tokenize=lambda text, return_word_ids=False, **options: tokenizer.tokenize_with_weights(
            text, return_word_ids, **options
        ),
    )


def parse(family: str, text: str, embedding_directory: str | None = None):
    encoded = read_tokens(clip(family, embedding_directory), text)
    return parse_prompt(
        text, encoded.tokens, encoded.length, encoded.encoder, "bundled", weights=encoded.weights, notes=encoded.notes
    )


def positions(prompt, wish: str) -> tuple[int, ...]:
    (word,) = find_words(prompt, wish)
    return word.positions


# --- spans ---

CLIPS = ("sd1", "sd2", "sdxl")
FILLER = "word " * 70


@pytest.mark.parametrize("family", CLIPS)
@pytest.mark.parametrize(
    ("text", "wish", "expected"),
    [
        ("a red cat and a blue dog", "cat", (3,)),
        ("a red cat and a blue dog", "blue dog", (6, 7)),
        ("a rhinoceros and a cat", "rhinoceros", (2, 3, 4)),  # three pieces
        ("a rhinoceros and a cat", "cat", (7,)),
        ("a category of cats and a cat", "cat", (7,)),  # no substring
        ("a cat and a cat", "cat#2", (5,)),
        ("a (red:1.3) cat", "cat", (3,)),
        ("a ((red)) (cat:0.5)", "red", (2,)),
        ("a (red)cat", "cat", (3,)),  # only the bracket keeps them apart
        (r"a cat \(big\) and a dog", "dog", (8,)),
        ("a (red cat", "cat", (4,)),  # never closed: the bracket is a token
        ("a cat, a dog; a bird!", "bird", (8,)),
        ("a 🐢 and a dog", "dog", (5,)),
        ("a 🐢 and a dog", "🐢", (2,)),
        ("a café and a dog", "café", (2,)),
        ("a cafe\u0301 and a dog", "dog", (5,)),  # e and a combining accent
        ("一只红色的猫 and a dog", "dog", (19,)),
        ("a man's hat", "hat", (4,)),
        ("A  RED\n\n Cat", "cat", (3,)),
        (FILLER + "a b c d e cat", "cat", (77 + 1,)),  # the 76th word opens the second chunk
        (FILLER + "a b c d rhinoceros", "rhinoceros", (75, 78, 79)),  # cut by the chunk border
    ],
)
def test_clip_spans(family, text, wish, expected):
    assert positions(parse(family, text), wish) == expected


def test_a_word_cut_by_a_chunk_border_has_two_spans():
    (word,) = find_words(parse("sd1", FILLER + "a b c d rhinoceros"), "rhinoceros")
    assert [(span.start, span.stop) for span in word.spans] == [(75, 76), (78, 80)]
    assert "".join(span.text for span in word.spans) == "rhinoceros"


@pytest.mark.parametrize(
    ("family", "cat", "dog", "length"),
    [
        ("pixart", (3,), (8,), 10),
        ("flux", (3,), (8,), 256),
        ("sd3", (3, 80), (7, 85), 154),
        ("qwen", (2,), (6,), 12),  # the template's front is cut off
        ("z", (5,), (9,), 15),  # the template stays
    ],
)
def test_other_families(family, cat, dog, length):
    prompt = parse(family, "a red cat and a blue dog")
    assert (positions(prompt, "cat"), positions(prompt, "dog"), prompt.length) == (cat, dog, length)


@pytest.mark.parametrize(
    ("family", "text", "wish"),
    [
        ("qwen", "사과와 고양이가 책상 위에 있다", "고양이"), ("qwen", "赤いリンゴと青い本", "リンゴ"),
        ("z", "一只红色的猫和两只狗", "猫"), ("flux", "un chat noir et un oiseau bleu", "oiseau"),
        ("pixart", "ein roter Apfel und eine blaue Tasse", "Tasse"), ("sd1", "un gato negro y una taza azul", "gato"),
    ],
)  # fmt: skip
def test_words_of_other_languages_are_placed(family, text, wish):
    """The pieces at the word's positions spell it and at most the particle that hangs on it; the report says what to
    do."""
    prompt = parse(family, text)
    pieces = {token.position: token.text for token in prompt.tokens}
    spelled = "".join(readable(pieces[position]) for position in positions(prompt, wish)).replace("▁", "").strip()
    assert spelled.removesuffix("</w>") in (wish.lower() if family == "sd1" else wish, "고양이가")
    assert "Pick Subjects" in prompt.notes[0]
    assert any("CLIP" in note for note in prompt.notes) == (family == "sd1")


def test_t5_is_said_not_to_know_korean():
    assert any("t5xxl" in note and "영어" in note for note in parse("flux", "사과와 고양이가 있다").notes)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "text",
    [
        "a rhinoceros 🐢 and a category cat",
        "一只红色的猫 and a naïve café",
        "a cat, a (cat:1.2); ((cat)) “quoted” — don't…",
        "fancy ﬁ ligature ½ Ⅳ",
        "two cats\nand \\(three\\) 👩‍👩‍👧 dogs, 8k!!",
        "a (red cat",
        "Straße İstanbul ΑΣ",
    ],
)
def test_every_word_lies_on_the_tokens_that_spell_it(family, text):
    """The pieces at a word's positions spell that word, and no word is without positions."""
    prompt = parse(family, text)
    spelled = {token.position: token.text for token in prompt.tokens}
    assert prompt.words and not [word.text for word in prompt.words if not word.spans]
    for word in prompt.words:
        if word.text.isascii() and word.text.isalpha() and word.text not in ("do", "n't"):
            for run in _runs(word, prompt):
                assert "".join(spelled[p] for p in run).casefold() == word.text.casefold()


def _runs(word, prompt):
    """SD3 has each word twice."""
    half = prompt.length if prompt.encoder != "l+g,t5xxl" else 77
    return [run for run in ([p for p in word.positions if p < half], [p for p in word.positions if p >= half]) if run]


def test_template_tokens_are_no_words():
    prompt = parse("z", "a red cat")
    kinds = [token.kind for token in prompt.tokens]
    assert kinds == ["template"] * 3 + ["word"] * 3 + ["template"] * 5
    assert prompt.word_positions == (3, 4, 5)


def test_brackets_are_text_to_llm_encoders():
    prompt = parse("z", "a (red:1.3) cat")
    assert prompt.plain == "a (red:1.3) cat" and all(token.weight == 1 for token in prompt.tokens)


def test_weights_reach_their_tokens():
    prompt = parse("sd1", "a (red:1.3) ((cat))")
    assert [round(token.weight, 3) for token in prompt.tokens[:5]] == [1, 1, 1.3, 1.21, 1]


# --- embeddings ---


@pytest.fixture(scope="module")
def embedding_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embeddings")
    torch.save({"emb_params": torch.ones(3, 768)}, folder / "three.pt")
    torch.save({"emb_params": torch.ones(2, 768)}, folder / "two.pt")
    torch.save({"emb_params": torch.ones(2, 1024)}, folder / "wide.pt")
    torch.save({"clip_l": torch.ones(2, 768), "clip_g": torch.ones(1, 1280)}, folder / "uneven.pt")
    return str(folder)


@pytest.mark.parametrize(
    ("text", "wish", "expected"),
    [
        ("a embedding:three cat", "embedding:three", (2, 3, 4)),
        ("a embedding:three cat", "cat", (5,)),
        ("embedding:three embedding:two cat", "embedding:two", (4, 5)),
        ("embedding:two, embedding:two cat", "embedding:two#2", (4, 5)),
        ("a (embedding:three:1.2) cat", "cat", (5,)),
        ("a embedding:missing cat", "cat", (2,)),
        ("embedding:missing embedding:two cat", "embedding:two", (1, 2)),
        ("a embedding:wide cat", "cat", (2,)),  # vectors of another model are dropped, what follows moves up
    ],
)
def test_embeddings(embedding_folder, text, wish, expected):
    assert positions(parse("sd1", text, embedding_folder), wish) == expected


def test_a_missing_embedding_is_said(embedding_folder):
    prompt = parse("sd1", "a embedding:missing cat", embedding_folder)
    assert any("no token for: embedding:missing" in note for note in prompt.notes)
    with pytest.raises(PromptUnderstandingError, match="has no token for embedding:missing"):
        find_words(prompt, "embedding:missing")


def test_encoders_that_disagree_are_said(embedding_folder):
    prompt = parse("sdxl", "a embedding:uneven cat", embedding_folder)
    assert any("see different words" in note for note in prompt.notes)
    assert not parse("sdxl", "a red cat", embedding_folder).notes


# --- unknown encoders ---


def test_an_unknown_encoder_is_refused():
    strange = SimpleNamespace(
        tokenize=lambda *a, **k: {"l": [], "other": []}, tokenizer=SimpleNamespace(), cond_stage_model=PLAIN_MODEL
    )
    with pytest.raises(PromptUnderstandingError, match="is not known.*l, other.*CLIP Text Encode"):
        read_tokens(strange, "a cat")


def test_no_clip_is_a_sentence():
    with pytest.raises(PromptUnderstandingError, match="No text encoder is connected"):
        read_tokens(None, "a cat")


# --- the nodes ---


class TinyText(torch.nn.Module, comfy.sd1_clip.ClipTokenWeightEncoder):
    """An encoder that writes each token's id into its vector."""

    special_tokens = {"start": 49406, "end": 49407, "pad": 49407}
    dtypes = (torch.float32,)
    cut = 0

    def encode(self, rows):
        ids = torch.tensor([[token if isinstance(token, int) else -1 for token in row] for row in rows])
        return ids[..., None].float().expand(-1, -1, 4)[:, : ids.shape[1] - self.cut], None

    def encode_token_weights(self, pairs):
        return super().encode_token_weights(pairs["l"])


@pytest.fixture()
def tiny_clip():
    made = clip("sd1")
    made.cond_stage_model = TinyText()

    def encode(tokens):
        cond, _ = made.cond_stage_model.encode_token_weights(tokens)
        return [[cond, {"pooled_output": None}]]

    made.encode_from_tokens_scheduled = encode
    return made


def test_encode_node(tiny_clip):
    output = PUEncodePrompt.execute(tiny_clip, "a red cat and a blue dog")
    conditioning, prompt, text = output.result
    ((tensor, options),) = conditioning
    assert tensor.shape[1] == prompt.length == options[LENGTH_KEY] == 77
    assert options[PROMPT_KEY] == prompt.fingerprint and options[TEXT_KEY] == prompt.text
    assert [subject.text for subject in prompt.subjects] == ["red cat", "blue dog"]
    assert output.ui.as_dict() == {"text": (text,)} and "red" in text
    vocabulary = tiny_clip.tokenizer.clip_l.inv_vocab
    for word in prompt.words:
        assert [vocabulary[int(tensor[0, p, 0])] for p in word.positions] == [word.text + "</w>"]


@pytest.mark.parametrize("text", ["", "  ", "highly detailed", "!!"])
def test_a_prompt_without_a_noun_is_encoded_all_the_same(tiny_clip, text):
    conditioning, prompt, report = PUEncodePrompt.execute(tiny_clip, text).result
    assert conditioning[0][0].shape[1] == 77 and not prompt.subjects
    assert "Note:" in report


def test_a_conditioning_of_another_length_is_refused(tiny_clip):
    tiny_clip.cond_stage_model.cut = 3
    with pytest.raises(
        PromptUnderstandingError, match="made 74 positions of the prompt 'a cat', but its tokens are 77"
    ):
        PUEncodePrompt.execute(tiny_clip, "a cat")


def test_pick_node(tiny_clip):
    _, prompt, _ = PUEncodePrompt.execute(tiny_clip, "a red cat and a blue dog").result
    picked, report = PUPickSubjects.execute(prompt, "blue dog").result
    assert [subject.text for subject in picked.subjects] == ["blue dog"] and "picked by hand" in report
    with pytest.raises(PromptUnderstandingError, match="frog"):
        PUPickSubjects.execute(prompt, "frog")


def test_schemas_explain_every_input():
    for node in (PUEncodePrompt, PUPickSubjects):
        schema = node.define_schema()
        assert schema.description and all(socket.tooltip for socket in [*schema.inputs, *schema.outputs])
