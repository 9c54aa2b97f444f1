"""Composition against sums done by hand."""

import pytest
import torch
from pack.attention_hooks.predictions.composition import check_weight, compose, needs_unconditional
from pack.errors import PromptUnderstandingError


def flat(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(1, 1, 1, -1)


U, A, B, C = flat(1.0, 0.0), flat(3.0, 1.0), flat(2.0, -1.0), flat(0.0, 4.0)


def test_the_sum_of_directions_by_hand():
    """u + 1·(a - u) + 0.5·(b - u) - 1·(c - u) = 1 + 2 + 0.5 + 1 and 0 + 1 - 0.5 - 4."""
    assert torch.equal(compose(U, [A, B, C], [1.0, 0.5, -1.0]), flat(4.5, -3.5))


def test_it_is_no_average():
    assert torch.equal(compose(U, [A, A], [1.0, 1.0]), flat(5.0, 2.0))  # 1 + 2·2 and 2·1, where the mean is 3 and 1


def test_not_is_the_papers_formula():
    """u + w·(a - b): the weights of a pair add up to 0, and that is no mistake."""
    assert torch.equal(compose(U, [A, B], [2.0, -2.0]), U + 2 * (A - B))


def test_one_prompt_of_weight_one_is_that_prompt_bit_for_bit():
    odd = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(compose(torch.randn(2, 3, 4, 4) * 100, [odd], [1.0]), odd)


def test_weight_zero_takes_a_prompt_out():
    assert torch.equal(compose(U, [A, B, C], [1.0, 0.0, -1.0]), compose(U, [A, C], [1.0, -1.0]))


def test_the_unconditional_prediction_is_not_written_into():
    before = U.clone()
    compose(U, [A, B], [1.0, 1.0])
    assert torch.equal(U, before)


@pytest.mark.parametrize(
    ("weights", "guidance", "needed"),
    [([1.0], 1.0, False), ([0.5, 0.5], 1.0, False), ([1.0, 1.0], 1.0, True), ([1.0], 7.5, True), ([1, -1], 1.0, True)],
)
def test_the_share_of_the_unconditional(weights, guidance, needed):
    """(1 - guidance · Σw) u."""
    assert needs_unconditional(weights, guidance) is needed


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_a_weight_is_a_number(weight):
    with pytest.raises(PromptUnderstandingError, match="Weights are numbers"):
        check_weight(weight)
