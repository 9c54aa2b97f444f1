"""Structured Diffusion's algebra by hand."""

import pytest
import torch
from pack.attention_hooks.edits.structured import MODES, OneKeySet, Phrase, SeveralKeySets, averaged, replaced

C0 = torch.tensor([[10.0], [20.0], [30.0], [40.0]]).unsqueeze(0)
"""One row of four tokens, one channel."""
FIRST = Phrase("a b", (0, 1), torch.tensor([[1.0], [2.0]]))
SECOND = Phrase("b c", (1, 2), torch.tensor([[5.0], [6.0]]))


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(1, -1, 1)


def test_the_mean_of_the_sequences_by_hand():
    """c₀ = 10 20 30 40, v₁ = 1 2 30 40, v₂ = 10 5 6 40: a third of each."""
    assert torch.allclose(averaged(C0, [FIRST, SECOND]), column(21 / 3, 27 / 3, 66 / 3, 40))


def test_one_product_with_the_mean_is_the_mean_of_the_products():
    """softmax(Q Kᵀ) is the same for all, so the paper's n + 1 products of values are one."""
    generator = torch.Generator().manual_seed(0)
    sequence, phrase_a, phrase_b = (torch.randn(n, 8, dtype=torch.float64, generator=generator) for n in (6, 2, 3))
    w_v = torch.randn(8, 5, dtype=torch.float64, generator=generator)
    probs = torch.randn(7, 6, dtype=torch.float64, generator=generator).softmax(-1)
    phrases = [Phrase("a", (1, 2), phrase_a), Phrase("b", (3, 4, 5), phrase_b)]
    each = [sequence, *(replaced(sequence, [phrase]) for phrase in phrases)]
    expected = sum(probs @ (v @ w_v) for v in each) / 3
    assert torch.allclose(probs @ (averaged(sequence, phrases) @ w_v), expected)


def test_all_in_place_and_the_later_wins():
    assert torch.equal(replaced(C0, [FIRST, SECOND]), column(1, 5, 6, 40))
    assert torch.equal(replaced(C0, [SECOND, FIRST]), column(1, 2, 6, 40))


def test_strength_stops_on_the_way():
    assert torch.equal(replaced(C0, [FIRST], 0.5), column(5.5, 11, 30, 40))
    assert torch.equal(averaged(C0, [FIRST], 0.5), column(7.75, 15.5, 30, 40))


@pytest.mark.parametrize("edit", [mode((FIRST, SECOND), 0.0) for mode in MODES.values()])
def test_strength_zero_changes_nothing(edit):
    assert torch.equal(edit.values(C0), C0)
    assert all(torch.equal(keys, C0) for keys in edit.further_keys(C0))


def test_a_phrase_that_means_the_same_changes_nothing():
    same = Phrase("a b", (0, 1), torch.tensor([[10.0], [20.0]]))
    assert torch.equal(OneKeySet((same,)).values(C0), C0)


def test_the_key_sets():
    edit = SeveralKeySets((FIRST, SECOND))
    first, second = edit.further_keys(C0)
    assert torch.equal(first, column(1, 2, 30, 40)) and torch.equal(second, column(10, 5, 6, 40))
    assert torch.equal(edit.values(C0), column(1, 5, 6, 40))
    assert OneKeySet((FIRST, SECOND)).further_keys(C0) == []


def test_what_is_given_is_not_written_into():
    before = C0.clone()
    for mode in MODES.values():
        mode((FIRST, SECOND)).values(C0), mode((FIRST,)).further_keys(C0)
    assert torch.equal(C0, before)
