"""The walk beside the tokens, on pieces written by hand: every piece in its place, nothing lost."""

import pytest
from pack.prompts.spans import readable, spans_of, spell, walk
from pack.prompts.types import Token


def tokens(*pieces: str, start: bool = True):
    found = [Token(0, "", "start")] if start else []
    for piece in pieces:
        kind = {"<start>": "start", "<end>": "end", "<pad>": "pad"}.get(piece, "word")
        found.append(Token(len(found), piece if kind == "word" else "", kind))
    return found


def at(plain: str, word: str, made, occurrence: int = 1):
    """(start, stop) of the spans of the nth `word`, and what the walk lost."""
    begin = -1
    for _ in range(occurrence):
        begin = plain.index(word, begin + 1)
    walked = walk(plain, made)
    return [(s.start, s.stop) for s in spans_of(begin, begin + len(word), walked, made)], walked.lost


@pytest.mark.parametrize(
    ("plain", "word", "occurrence", "pieces", "expected"),
    [
        ("a cat and a cat", "cat", 2, ["a", "cat", "and", "a", "cat"], [(5, 6)]),
        ("a category cat", "cat", 2, ["a", "category", "cat"], [(3, 4)]),
        ("a rhino", "rhino", 1, ["a", "rh", "ino"], [(2, 4)]),
        ("Red CAT", "CAT", 1, ["red", "cat"], [(2, 3)]),
        ("a red cat", "cat", 1, ["a", "red", "<end>", "<start>", "cat", "<end>"], [(5, 6)]),
        ("a rhino", "rhino", 1, ["a", "rh", "<end>", "<start>", "ino", "<end>"], [(2, 3), (5, 6)]),
        ("a red cat", "cat", 1, ["a", "red", "cat", "<end>", "<pad>", "a", "red", "cat", "<end>"], [(3, 4), (8, 9)]),
        ("a 🐢 b", "🐢", 1, ["a", *spell("🐢")[:2], spell("🐢")[2:], "b"], [(2, 5)]),
        ("a 🐢 b", "🐢", 1, ["a", "<unk>", "b"], [(2, 3)]),
        ("a 🐢 b", "b", 1, ["a", "<unk>", "b"], [(3, 4)]),
        ("ﬁ cat", "cat", 1, ["fi", "cat"], [(2, 3)]),
    ],
)
def test_walk(plain, word, occurrence, pieces, expected):
    assert at(plain, word, tokens(*pieces), occurrence) == (expected, 0)


def test_a_text_that_is_not_the_tokens_is_noticed():
    assert at("a red cat", "red", tokens("a", "cat"))[1] > 0
    assert at("a cat", "cat", tokens("a", "red", "cat"))[1] > 0
    assert at("a cat", "cat", tokens("a"))[1] > 0


def test_two_embeddings_side_by_side():
    plain = "embedding:a embedding:b cat"
    named = [Token(0, "", "start"), Token(1, "embedding:a", "embedding"), Token(2, "", "embedding")]
    made = [*named, Token(3, "embedding:b", "embedding"), Token(4, "cat", "word")]
    assert at(plain, "embedding:a", made) == ([(1, 3)], 0)
    assert at(plain, "embedding:b", made) == ([(3, 4)], 0)
    assert at(plain, "cat", made) == ([(4, 5)], 0)


def test_an_embedding_without_a_file_has_no_place_and_moves_nothing():
    made = tokens("a", "cat")
    assert at("a embedding:none cat", "embedding:none", made) == ([], 0)
    assert at("a embedding:none cat", "cat", made) == ([(2, 3)], 0)


def test_an_embedding_spelled_out_is_a_word():
    made = tokens("embedding", ":", "x", "cat")
    assert at("embedding:x cat", "embedding:x", made) == ([(1, 4)], 0)
    assert at("embedding:x cat", "cat", made) == ([(4, 5)], 0)


def test_pieces_read_as_text_where_they_are_whole_characters():
    assert readable(spell("é")) == "é" and readable("cat") == "cat"
    assert readable(spell("🐢")[:2]) == spell("🐢")[:2]
