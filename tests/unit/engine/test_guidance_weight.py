"""The guidance weight over progress, by hand."""

import math

import pytest
from pack.attention_hooks.predictions.guidance_weight import SHAPES, GuidanceWeight
from pack.errors import PromptUnderstandingError


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("constant", (9.0, 9.0, 9.0, 9.0, 9.0)),
        ("linear down", (9.0, 7.0, 5.0, 3.0, 1.0)),
        ("linear up", (1.0, 3.0, 5.0, 7.0, 9.0)),
        ("cosine down", (9.0, 5 + 4 * math.sqrt(0.5), 5.0, 5 - 4 * math.sqrt(0.5), 1.0)),
        ("cosine up", (1.0, 5 - 4 * math.sqrt(0.5), 5.0, 5 + 4 * math.sqrt(0.5), 9.0)),
    ],
)
def test_the_ramps(shape, expected):
    schedule = GuidanceWeight(shape, low=1.0)
    assert [schedule.at(p, 9.0) for p in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx(expected)


def test_a_ramp_is_level_outside_its_range():
    schedule = GuidanceWeight("linear down", low=1.0, start=0.2, until=0.6)
    assert [schedule.at(p, 9.0) for p in (0, 0.2, 0.4, 0.6, 1)] == pytest.approx([9, 9, 5, 1, 1])


def test_the_interval():
    schedule = GuidanceWeight("interval", low=2.0, start=0.2, until=0.6)
    assert [schedule.at(p, 9.0) for p in (0, 0.19, 0.2, 0.6, 0.61, 1)] == [2, 2, 9, 9, 2, 2]
    assert GuidanceWeight("interval", low=2.0, start=0.0, until=1.0).at(1.0, 9.0) == 9


@pytest.mark.parametrize("shape", SHAPES)
def test_low_as_high_as_the_sampler_changes_nothing(shape):
    schedule = GuidanceWeight(shape, low=7.3)
    assert [schedule.at(p / 7, 7.3) for p in range(8)] == pytest.approx([7.3] * 8)


def test_full_weight_is_exact():
    assert GuidanceWeight("constant", low=1.1).at(0.3, 7.3) == 7.3
    assert GuidanceWeight("linear down", low=1.1).at(0.0, 7.3) == 7.3
    assert GuidanceWeight("linear down", low=1.1).at(1.0, 7.3) == 1.1


@pytest.mark.parametrize(("start", "until"), [(0.6, 0.2), (0.5, 0.5), (-0.1, 0.5), (0.5, 1.1)])
def test_a_range_that_is_none(start, until):
    with pytest.raises(PromptUnderstandingError, match="starts before it ends"):
        GuidanceWeight(start=start, until=until)


def test_an_unknown_shape():
    with pytest.raises(PromptUnderstandingError, match="no schedule 'square'.*interval"):
        GuidanceWeight("square")
