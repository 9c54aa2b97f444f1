"""The optimiser of null-text inversion against Adam worked out by hand, and its early stop."""

import pytest
import torch
from pack.attention_hooks.optimize.null_text import NullTextSchedule, fit_step


def embedding(*values: float) -> torch.Tensor:
    """[batch 1 1]"""
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1)


def square(target: torch.Tensor):
    """loss = (e - target)², gradient 2(e - target); counts its calls."""

    def evaluate(e):
        evaluate.seen.append(e.flatten().tolist())
        return ((e - target) ** 2).flatten(), 2 * (e - target)

    evaluate.seen = []
    return evaluate


def test_the_schedule_is_the_official_one_at_50_steps():
    """lr = 1e-2·(1 - i/100), enough = 1e-5 + 2e-5·i."""
    schedule = NullTextSchedule()
    for i in (0, 10, 49):
        assert schedule.rate_at(i, 50) == pytest.approx(1e-2 * (1 - i / 100))
        assert schedule.enough_at(i, 50) == pytest.approx(1e-5 + 2e-5 * i)
    assert schedule.rate_at(10, 20) == schedule.rate_at(25, 50) and schedule.rounds == 10


def test_adam_by_hand():
    """Adam's first step is the rate, whatever the gradient. The second, from gradients 2 and 1.8 (target 0, rate 0.1):
    mean (0.9·0.2 + 0.1·1.8) / 0.19, square (0.999·0.004 + 0.001·3.24) / 0.001999."""
    first = 1 - 0.1
    second = first - 0.1 * ((0.18 + 0.18) / 0.19) / ((0.003996 + 0.00324) / 0.001999) ** 0.5
    evaluate = square(embedding(0))
    fit = fit_step(embedding(1), evaluate, 0.1, 0.0, 3)
    assert [value for (value,) in evaluate.seen] == pytest.approx([1, first, second])
    assert fit.rounds == 3 and fit.losses.item() == pytest.approx(second**2)


def test_it_is_torchs_adam():
    own, target = embedding(1, -3), embedding(0.2, 5)
    parameter = own.clone().requires_grad_()
    adam = torch.optim.Adam([parameter], lr=0.05)
    for _ in range(7):
        adam.zero_grad()
        ((parameter - target) ** 2).sum().backward()
        adam.step()
    assert torch.allclose(fit_step(own, square(target), 0.05, 0.0, 7).embedding, parameter.detach())


def test_an_image_that_is_met_stays_and_the_others_go_on():
    """The first is at its target at once; the second needs two steps of 0.1."""
    evaluate = square(embedding(1, 0.2))
    fit = fit_step(embedding(1, 0), evaluate, 0.1, 1e-3, 10)
    assert fit.embedding[0].item() == 1 and abs(fit.embedding[1].item() - 0.2) < 1e-3**0.5
    assert fit.rounds == len(evaluate.seen) == 3 and (fit.losses < 1e-3).all()


def test_an_image_met_on_the_way_keeps_what_met_it():
    together = fit_step(embedding(0, 0), square(embedding(0.1, 5)), 0.1, 1e-3, 6)
    alone = fit_step(embedding(0), square(embedding(0.1)), 0.1, 1e-3, 6)
    assert torch.equal(together.embedding[:1], alone.embedding)


def test_met_at_once_costs_one_evaluation_and_changes_nothing():
    start = embedding(1)
    fit = fit_step(start, square(embedding(1)), 0.1, 1e-5, 10)
    assert fit.embedding is start and fit.rounds == 1


def test_a_gradient_that_is_not_a_number_moves_nothing():
    def broken(e):
        return torch.ones(2, dtype=e.dtype), torch.cat([e[:1] * float("nan"), e[1:] * 0 + 1])

    fit = fit_step(embedding(1, 1), broken, 0.1, 1e-5, 2)
    assert fit.embedding[0].item() == 1 and fit.embedding[1].item() == pytest.approx(0.8)
