"""Thresholding against numbers worked out by hand, and where it must do nothing."""

import pytest
import torch
from pack.attention_hooks.predictions.thresholding import (
    check_cap,
    check_percentile,
    dynamic_threshold,
    rescale_channels,
    static_threshold,
    upper_quantile,
)
from pack.errors import PromptUnderstandingError


def image(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 1, 1, -1)


def test_static_clips():
    assert torch.equal(static_threshold(image(-2, -0.5, 0.5, 3)), image(-1, -0.5, 0.5, 1))


def test_dynamic_divides_by_the_percentile():
    """Absolute values 0.5, 1, 2, 4, 8: the 75 % percentile is 4, so 8 becomes 4 and all is divided by 4."""
    out = dynamic_threshold(image(0.5, -1, 2, 4, -8), 0.75)
    assert torch.allclose(out, image(0.125, -0.25, 0.5, 1, -1))


def test_dynamic_between_two_values():
    """The 0.9 percentile of five values lies at place 3.6: 4 + 0.6 · (8 - 4) = 6.4."""
    out = dynamic_threshold(image(0.5, -1, 2, 4, -8), 0.9)
    assert torch.allclose(out, image(0.5 / 6.4, -1 / 6.4, 2 / 6.4, 4 / 6.4, -1), atol=1e-6)


def test_each_image_has_its_own_percentile():
    pair = torch.cat([image(0.1, 0.2, 0.4), image(1, 2, 4)])
    out = dynamic_threshold(pair, 1.0)
    assert torch.equal(out[:1], pair[:1]) and torch.equal(out[1:], image(0.25, 0.5, 1))


def test_the_percentile_is_over_all_channels():
    two_channels = torch.tensor([0.5, 4.0], dtype=torch.float64).view(1, 2, 1, 1)
    assert torch.equal(dynamic_threshold(two_channels, 1.0), two_channels / 4)


def test_small_values_are_left_bit_for_bit():
    inside = torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for percentile in (1.0, 0.995, 0.5):
        assert torch.equal(dynamic_threshold(inside, percentile), inside)


def test_cap_one_is_the_static_clip():
    wild = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 3
    assert torch.equal(dynamic_threshold(wild, 0.9, cap=1.0), static_threshold(wild))


def test_the_cap_by_hand():
    """s would be 4; with cap 2 the values are clipped to -2…2 and halved."""
    assert torch.equal(dynamic_threshold(image(0.5, 1, 2, 4), 1.0, cap=2.0), image(0.25, 0.5, 1, 1))


def test_percentile_one_clips_nothing_of_the_range():
    wild = torch.randn(1, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 3
    assert torch.allclose(dynamic_threshold(wild, 1.0) * wild.abs().max(), wild)


@pytest.mark.parametrize("percentile", [0.003, 0.5, 0.95, 0.995, 1.0])
def test_quantile_agrees_with_torch(percentile):
    values = torch.randn(3, 5, 101, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(upper_quantile(values, percentile), torch.quantile(values, percentile, dim=-1))


# --- the form for latents ---


def test_a_channel_is_brought_to_the_mimicked_range():
    """u = 0, c = (-1, 0, 1); at cfg 4 the guided channel is (-4, 0, 4), at the mimicked 2 it is (-2, 0, 2)."""
    u, c = image(0, 0, 0), image(-1, 0, 1)
    assert torch.allclose(rescale_channels(u + 4 * (c - u), u, c, 2.0, 1.0), image(-2, 0, 2))


def test_the_mean_of_a_channel_stays():
    """Guided (6, 10, 14): mean 10, centred (-4, 0, 4); mimicked centred at most 2."""
    u, c = image(2, 2, 2), image(3, 4, 5)
    assert torch.allclose(rescale_channels(u + 4 * (c - u), u, c, 2.0, 1.0), image(8, 10, 12))


def test_percentile_clips_before_it_scales():
    """Centred (-6, -2, 0, 2, 6): the middle absolute value is 2; a quarter of the guided reaches 1.5. So M = 2: 6 is
    clipped to 2, and 2 becomes 1.5."""
    u, c = image(0, 0, 0, 0, 0), image(-6, -2, 0, 2, 6)
    out = rescale_channels(c, u, c, 0.25, 0.5)
    assert torch.allclose(out, image(-1.5, -1.5, 0, 1.5, 1.5))


def test_channels_and_images_are_apart():
    generator = torch.Generator().manual_seed(3)
    u, c = (torch.randn(2, 4, 6, 6, dtype=torch.float64, generator=generator) for _ in range(2))
    guided = u + 9 * (c - u)
    whole = rescale_channels(guided, u, c, 3.0, 0.99)
    part = rescale_channels(guided[1:, 2:3], u[1:, 2:3], c[1:, 2:3], 3.0, 0.99)
    assert torch.equal(whole[1:, 2:3], part)


def test_the_guided_weight_itself_changes_nothing():
    generator = torch.Generator().manual_seed(4)
    u, c = (torch.randn(2, 4, 6, 6, generator=generator) for _ in range(2))
    guided = u + 5 * (c - u)
    assert torch.equal(rescale_channels(guided, u, c, 5.0, 1.0), guided)
    assert torch.equal(rescale_channels(guided, u, c, 50.0, 0.99), guided)


def test_a_channel_of_one_colour_stays():
    flat = torch.full((1, 1, 4, 4), 3.0)
    assert torch.equal(rescale_channels(flat, torch.zeros_like(flat), flat, 1.0, 0.99), flat)


# --- bad input ---


@pytest.mark.parametrize("percentile", [0.0, -0.5, 1.01, float("nan")])
def test_a_percentile_out_of_range(percentile):
    with pytest.raises(PromptUnderstandingError, match="percentile of .* was asked for; it lies above 0"):
        check_percentile(percentile)


@pytest.mark.parametrize("cap", [0.5, float("nan")])
def test_a_cap_below_one(cap):
    with pytest.raises(PromptUnderstandingError, match="never divided by less than 1"):
        check_cap(cap)
