"""95 % intervals. Values are one number in 0…1 for each image, such as the share of its subjects that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z = 1.959964
"""Standard deviations of a normal distribution that hold 95 % of it."""
RESAMPLES = 4000


@dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def wilson(values: Sequence[float]) -> Interval:
    """Mean of values in 0…1 with Wilson's score interval, which stays sensible where none or all are 1.

    Meant for yes and no; shares vary less than that, so for them it is a little wider than need be. The number of
    images
    counts, not that of subjects: subjects of one image stand or fall together.
    """
    n = len(values)
    if not n:
        raise ValueError("No values: an interval needs at least one image.")
    p = float(np.mean(values))
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * (p * (1 - p) / n + Z**2 / (4 * n**2)) ** 0.5
    return Interval(p, max(0.0, middle - half), min(1.0, middle + half))


def mean_interval(values: Sequence[float]) -> Interval:
    """Mean of values of any size. Normal approximation."""
    return paired_difference(values, [0.0] * len(values))


def paired_difference(values: Sequence[float], base: Sequence[float]) -> Interval:
    """Mean of values - base, image by image: both made from the same prompt and noise. Normal approximation."""
    differences = np.subtract(_pairs(values, base)[0], base)
    mean = float(differences.mean())
    half = Z * float(differences.std(ddof=1)) / len(differences) ** 0.5
    return Interval(mean, mean - half, mean + half)


def paired_ratio(values: Sequence[float], base: Sequence[float], seed: int = 0) -> Interval:
    """Mean of values ÷ mean of base, resampled over images (percentile bootstrap). NaN when the base is all zero."""
    tops, bottoms = _pairs(values, base)
    chosen = np.random.default_rng(seed).integers(0, len(tops), (RESAMPLES, len(tops)))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = tops[chosen].mean(1) / bottoms[chosen].mean(1)
        value = tops.mean() / bottoms.mean()
    low, high = np.percentile(ratios, (2.5, 97.5))
    return Interval(float(value), float(low), float(high))


def _pairs(values: Sequence[float], base: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    if len(values) != len(base) or len(base) < 2:
        raise ValueError(f"{len(values)} values and {len(base)} of the base are not at least two pairs.")
    return np.asarray(values, float), np.asarray(base, float)
