"""One and many, articles, numbers in words."""

import pytest
from pack.layouts.nouns import counted, plural, singular, with_article

PAIRS = [
    ("cat", "cats"), ("mouse", "mice"), ("fox", "foxes"), ("bench", "benches"), ("vase", "vases"),
    ("cookie", "cookies"), ("lady", "ladies"),
    ("tomato", "tomatoes"), ("knife", "knives"), ("sheep", "sheep"), ("child", "children"),
    ("red panda", "red pandas"), ("horse", "horses"), ("brush", "brushes"),
]  # fmt: skip


@pytest.mark.parametrize("one, many", PAIRS)
def test_there_and_back(one, many):
    assert singular(many) == one and plural(one) == many
    assert singular(one) == one


@pytest.mark.parametrize("word", ["bus", "glasses", "lens", "dress", "scissors", "cactus"])
def test_an_s_at_the_end_is_not_always_many(word):
    assert singular(word) == word


def test_articles():
    assert [with_article(noun) for noun in ("orange cat", "cat", "unicorn", "umbrella", "hourglass")] == [
        "an orange cat", "a cat", "a unicorn", "an umbrella", "an hourglass",
    ]  # fmt: skip


def test_counts_in_words():
    assert counted(1, "a red cat") == "a red cat"
    assert counted(3, "a red mouse") == "three red mice"
    assert counted(27, "an apple") == "27 apples"
