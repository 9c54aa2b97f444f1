"""DDIM steps and their inversion against numbers worked out by hand."""

import math

import pytest
import torch
from pack.attention_hooks.predictions.ddim import ddim_step, invert_step, noise_in, same_z


def image(*values: float) -> torch.Tensor:
    """[batch 1 1 1], float64."""
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1, 1)


def test_a_step_keeps_the_noise_and_changes_its_amount():
    """x = 7 is the picture 1 and noise 3 at sigma 2; at sigma 0.5 it is 1 + 0.5 · 3."""
    assert noise_in(image(7), image(1), 2.0).item() == 3
    assert ddim_step(image(7), image(1), 2.0, 0.5).item() == 2.5
    assert ddim_step(image(7), image(1), 2.0, 0.0).item() == 1


def test_a_step_is_the_papers_in_z():
    """Song 2021, eq. 12 without noise: z' = sqrt(a')·x0 + sqrt(1-a')·eps, with a = 1 / (1 + sigma²)."""
    x, picture, sigma, after = 1.7, 0.4, 3.0, 1.2
    a, b = 1 / (1 + sigma**2), 1 / (1 + after**2)
    eps = (math.sqrt(a) * x - math.sqrt(a) * picture) / math.sqrt(1 - a)
    z = math.sqrt(b) * picture + math.sqrt(1 - b) * eps
    assert ddim_step(image(x), image(picture), sigma, after).item() / math.hypot(1, after) == pytest.approx(z)


def test_the_same_z_is_what_the_network_is_shown_at_the_other_level():
    """sigma 0 -> sqrt(3): divided by sqrt(1 + 3) = 2 it is shown as before."""
    assert same_z(image(5), 0.0, math.sqrt(3)).item() == pytest.approx(10)


class Linear:
    """denoised = (1 - slope·sigma)·x, whose noise is slope·x at every level, so that all is worked out by hand."""

    def __init__(self, slope: float) -> None:
        self.slope, self.calls = slope, 0

    def __call__(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        self.calls += 1
        return x - sigma * self.slope * x


def test_the_inverse_step_of_the_papers_on_a_linear_model():
    """From x = 2 at sigma 0 to sigma sqrt(3): same z is 4, its noise 0.1 · 4; x' = 2 + 0.4·sqrt(3)."""
    assert invert_step(Linear(0.1), image(2), 0.0, math.sqrt(3)).item() == pytest.approx(2 + 0.4 * math.sqrt(3))


def test_refinements_come_nearer_by_the_slope_each_time():
    """The exact answer solves x' = x + slope·d·x': x / (1 - slope·d). Each round multiplies the error by slope·d."""
    slope, d = 0.2, 1.5
    exact = 2 / (1 - slope * d)
    errors = [invert_step(Linear(slope), image(2), 1.0, 1.0 + d, n).item() - exact for n in range(5)]
    for before, after in zip(errors, errors[1:], strict=False):
        assert after / before == pytest.approx(slope * d)
    back = ddim_step(image(exact), Linear(slope)(image(exact), 1.0 + d), 1.0 + d, 1.0)
    assert back.item() == pytest.approx(2)


def test_refinements_cost_one_call_each():
    model = Linear(0.1)
    invert_step(model, image(2), 1.0, 2.0, refinements=3)
    assert model.calls == 4


def test_an_image_that_gets_worse_goes_back_and_the_other_goes_on():
    """Slope 3 makes the rounds fly apart (factor 3), slope 0.1 brings them together; both are in one batch."""
    slopes = image(3, 0.1)

    def denoise(x, sigma):
        return x - sigma * slopes * x

    wild, tame = invert_step(denoise, image(2, 2), 1.0, 2.0, refinements=6).flatten().tolist()
    assert wild == pytest.approx(same_z(image(2), 1.0, 2.0).item())
    assert tame == pytest.approx(2 / 0.9, rel=1e-6)


def test_a_batch_is_inverted_image_by_image():
    one = invert_step(Linear(0.3), image(2), 1.0, 2.0, 2)
    assert torch.equal(invert_step(Linear(0.3), image(2, -5), 1.0, 2.0, 2)[:1], one)
