"""Alignment of two prompts against examples worked out by hand."""

import pytest
import torch
from pack.errors import PromptUnderstandingError
from pack.prompts.alignment import align, carried_over, changed_things, positions_in, report, token_map
from pack.prompts.types import ParsedPrompt, Subject, Token, TokenSpan, Word
from pack.prompts.values import find_in_any, read_values
from plain_tokens import parse


def kinds(source: str, edited: str) -> list[str]:
    """ "red>green" for a swap, "+big" for an added word, "-big" for a removed one; kept words are left out."""
    signs = {"swapped": "{0}>{1}", "added": "+{1}", "removed": "-{0}"}
    pairs = align(parse(source), parse(edited)).changes
    return [signs[p.kind].format(p.source and p.source.text, p.edited and p.edited.text) for p in pairs]


@pytest.mark.parametrize(
    ("source", "edited", "expected"),
    [
        ("a red circle", "a red circle", []),
        ("a red circle and a blue star", "a green circle and a blue star", ["red>green"]),
        ("a red circle and a blue star", "a blue circle and a red star", ["red>blue", "blue>red"]),
        # Insertions at the front, in the middle, at the end.
        ("cat on a mat", "big cat on a mat", ["+big"]),
        ("a cat on a mat", "a cat on a big mat", ["+big"]),
        ("a cat", "a cat in the snow", ["+in", "+the", "+snow"]),
        ("a big cat", "a cat", ["-big"]),
        # Repeated words: the words before a noun stay with it.
        ("a red cat and a red dog", "a red cat and a red bird and a red dog", ["+and", "+a", "+red", "+bird"]),
        ("a cat and a cat", "a cat and a dog", ["cat>dog"]),
        # Several changes at once, swaps and insertions mixed; nouns go to nouns.
        ("a photo of a cat riding a bike", "a drawing of a big dog on a bike",
         ["photo>drawing", "+big", "cat>dog", "riding>on"]),
        ("a cat", "a dog on a hill", ["cat>dog", "+on", "+a", "+hill"]),
        # Weights and punctuation.
        ("a (red:1.3) cat", "a red cat", []),
        ("a cat, photo", "a cat, cute, photo", ["+,", "+cute"]),
        ("a cat", "A Cat", []),
    ],
)  # fmt: skip
def test_words(source, edited, expected):
    assert kinds(source, edited) == expected


def connections(matrix: torch.Tensor) -> dict[tuple[int, int], float]:
    return {(int(i), int(j)): float(matrix[i, j]) for i, j in matrix.nonzero()}


def test_equal_token_counts_give_the_identity():
    """ "a red cat" -> "a green cat": start, three words, end, padding: each to its own place."""
    alignment = align(parse("a red cat", 8), parse("a green cat", 8))
    assert torch.equal(token_map(alignment, 8, swaps=True), torch.eye(8))
    kept = torch.eye(8)
    kept[2, 2] = 0
    assert torch.equal(token_map(alignment, 8, swaps=False), kept)


def test_an_insertion_moves_what_follows():
    """ "a cat" [start a cat end pad pad pad pad] -> "a big cat" [start a big cat end pad pad pad]."""
    matrix = token_map(align(parse("a cat", 8), parse("a big cat", 8)), 8, swaps=True)
    assert connections(matrix) == {(0, 0): 1, (1, 1): 1, (2, 3): 1, (3, 4): 1, (5, 5): 1, (6, 6): 1, (7, 7): 1}


def test_a_removed_word_gives_its_attention_to_nobody():
    """ "a big cat" -> "a cat": the end mark follows; position 4 is padding in the edit only, so it has no source."""
    matrix = token_map(align(parse("a big cat", 8), parse("a cat", 8)), 8, swaps=True)
    assert connections(matrix) == {(0, 0): 1, (1, 1): 1, (3, 2): 1, (4, 3): 1, (5, 5): 1, (6, 6): 1, (7, 7): 1}


def hand_made(*words: tuple[int, ...], length: int, text: str = "") -> ParsedPrompt:
    """Words w1, w2, … of the given positions behind a start mark, then end mark and padding."""
    last = max((p for word in words for p in word), default=0)
    kinds = {0: "start", last + 1: "end"}
    named = tuple(
        Word(name, i, i + 1, tuple(TokenSpan(name, p, p + 1) for p in places))
        for i, (name, places) in enumerate(zip(text.split(), words, strict=True))
    )
    tokens = tuple(
        Token(p, "x", "word") if any(p in w for w in words) else Token(p, "", kinds.get(p, "pad"))
        for p in range(length)
    )
    return ParsedPrompt(text, text, "l", length, tokens, named, tuple(Subject(word) for word in named[-1:]))


def test_several_piece_words_share_their_attention():
    """One piece -> two: half each. Three -> two: each piece to both, a half. Two -> two: one to one."""
    one, two = hand_made((1,), length=6, text="cat"), hand_made((1, 2), length=6, text="axolotl")
    three = hand_made((1, 2, 3), length=6, text="chimpanzee")
    matrix = token_map(align(one, two), 6, swaps=True)
    assert matrix[1, 1:3].tolist() == [0.5, 0.5] and matrix[2, 3] == 1  # the end mark follows
    matrix = token_map(align(three, two), 6, swaps=True)
    assert matrix[1:4, 1:3].tolist() == [[0.5, 0.5]] * 3
    other = hand_made((1, 2), length=6, text="capybara")
    assert token_map(align(two, other), 6, swaps=True)[1:3, 1:3].tolist() == [[1, 0], [0, 1]]
    assert torch.equal(matrix.sum(1)[1:4], torch.ones(3)), "no attention of the source word is lost"


def test_a_word_across_a_chunk_border():
    """Pieces at 75 (last of the first chunk) and 78 (first of the second) belong to one word."""
    source, edited = (hand_made((75, 78), length=154, text=text) for text in ("longword", "otherword"))
    matrix = token_map(align(source, edited), 154, swaps=True)
    assert matrix[75, 75] == 1 and matrix[78, 78] == 1 and matrix[75, 78] == 0


def test_a_word_in_two_encoders_is_connected_within_each():
    """As in SD3, CLIP at 0-4 and T5 at 5-9: one piece and two become two and one; as many in all, not one to one."""

    def made(text, *spans):
        word = Word(text, 0, len(text), tuple(TokenSpan(text, *span) for span in spans))
        tokens = tuple(Token(p, "x", "word" if p in word.positions else "other") for p in range(10))
        return ParsedPrompt(text, text, "l+g+t5", 10, tokens, (word,), (Subject(word),))

    alignment = align(made("cat", (1, 2), (6, 8)), made("axolotl", (1, 3), (6, 7)))
    half = {(1, 1): 0.5, (1, 2): 0.5, (6, 6): 1, (7, 6): 1}
    assert connections(token_map(alignment, 10, swaps=True)) == half


def test_prompts_of_unlike_chunk_counts():
    """A prompt of one chunk stands twice beside one of two: the source's copies add up, the edit's share."""
    short, long = parse("a cat", 6), parse("a cat", 12)
    to_long = token_map(align(short, long), 12, swaps=True)
    assert to_long[1, 1] == 1 and to_long[7, 1] == 1 and to_long[1, 7] == 0
    to_short = token_map(align(long, short), 12, swaps=True)
    assert to_short[1, 1] == 0.5 and to_short[1, 7] == 0.5
    source = torch.zeros(12)
    source[2] = 0.8
    assert (source @ to_short).tolist()[2] == pytest.approx(0.4) and (source @ to_short).sum() == pytest.approx(0.8)


def test_the_things_that_changed():
    """A changed colour has no place of its own: its noun has."""
    alignment = align(parse("a red circle and a blue star"), parse("a green circle and a blue star"))
    assert [[w.text for w in words] for words in changed_things(alignment)] == [["circle"], ["circle"]]
    alignment = align(parse("a red circle"), parse("a red circle and a blue star"))
    assert [[w.text for w in words] for words in changed_things(alignment)] == [[], ["star"]]


def test_positions_of_words_are_repeated_with_the_prompt():
    prompt = parse("a cat", 6)
    assert positions_in(prompt.words[1:], prompt, 12).nonzero().flatten().tolist() == [2, 8]


def test_subjects_are_carried_over_to_the_edit():
    source, edited = parse("a cat and a dog"), parse("a big cat and a red bird")
    carried = carried_over(source, align(source, edited))
    assert [s.noun.positions for s in source.subjects] == [(2,), (5,)]
    assert [s.noun.positions for s in carried.subjects] == [(3,), (7,)]
    assert carried.word_positions == edited.word_positions
    with pytest.raises(PromptUnderstandingError, match="'dog'.*has no such word"):
        carried_over(source, align(source, parse("a cat")))


def test_the_report_shows_every_change():
    text = report(align(parse("a red cat"), parse("a green cat in snow")))
    assert text.splitlines() == [
        "  kept     a",
        "  swapped  red [2] → green [2]",
        "  kept     cat",
        "  added    in [4]",
        "  added    snow [5]",
    ]


def test_values():
    assert read_values("fluffy: 2, red hat:-0.5\ncat#2 : 1e1", "weight") == [
        ("fluffy", 2),
        ("red hat", -0.5),
        ("cat#2", 10),
    ]
    for bad in ("fluffy", "fluffy: much", ": 2", "cat: nan"):
        with pytest.raises(PromptUnderstandingError, match="written as 'word: number'"):
            read_values(bad, "weight")


def test_a_word_need_not_be_in_every_prompt_but_in_one():
    prompts = [parse("a cat"), parse("a dog")]
    assert [[w.text for w in words] for words in find_in_any(prompts, "dog")] == [[], ["dog"]]
    with pytest.raises(PromptUnderstandingError, match="'frog' was asked for"):
        find_in_any(prompts, "frog")
