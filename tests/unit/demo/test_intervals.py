"""Against arithmetic by hand."""

import math

import pytest
from pack.demo.intervals import paired_difference, paired_ratio, wilson


def test_wilson_by_hand():
    # p = 1/2, n = 4, z² = 3.8414588: middle 1/2, half = z/(1 + z²/4)·sqrt(1/16 + z²/64) = 0.34996.
    found = wilson([1, 0, 1, 0])
    assert found.value == 0.5
    assert found.low == pytest.approx(0.15004, abs=1e-5)
    assert found.high == pytest.approx(0.84996, abs=1e-5)


def test_wilson_stays_open_where_nothing_happened():
    # p = 0, n = 10: from 0 to z²/(n + z²) = 3.8414588/13.8414588.
    found = wilson([0.0] * 10)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.277533, abs=1e-6)


def test_wilson_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one image"):
        wilson([])


def test_paired_difference_by_hand():
    # Differences 0, -1, -1/2, -1/2: mean -1/2, variance (1/4 + 1/4)/3 = 1/6, half = z·sqrt(1/6/4) = 0.40008.
    found = paired_difference([1, 0, 0.5, 0], [1, 1, 1, 0.5])
    assert found.value == -0.5
    assert found.low == pytest.approx(-0.5 - 1.959964 * math.sqrt(1 / 24))
    assert found.high == pytest.approx(-0.5 + 1.959964 * math.sqrt(1 / 24))
    assert found.excludes_zero


def test_pairing_narrows_what_shared_noise_moves():
    # Every image is a little better, while the images differ from each other by much more than that.
    base = [i / 100 for i in range(100)]
    better = [value - 0.01 for value in base]
    assert paired_difference(better, base).high < 0
    assert wilson([max(0.0, v) for v in better]).high > wilson(base).low


def test_unpaired_rows_are_refused():
    with pytest.raises(ValueError, match="pairs"):
        paired_difference([1, 0, 1], [1, 0])


def test_ratio_of_an_exact_half_has_no_spread():
    base = [1.0, 0.5, 0.25, 1.0]
    found = paired_ratio([value / 2 for value in base], base)
    assert found.value == found.low == found.high == 0.5


def test_ratio_is_of_the_means_and_the_same_every_time():
    # (1 + 0 + 0 + 0)/(1 + 1 + 1 + 1); the resampled interval lies around it.
    first, second = (paired_ratio([1, 0, 0, 0], [1, 1, 1, 1]) for _ in range(2))
    assert first == second
    assert first.value == 0.25
    assert first.low == 0.0 and 0.25 < first.high <= 1.0
