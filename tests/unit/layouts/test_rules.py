"""Distances of boxes to what is asked of them, worked out by hand."""

import numpy as np
import pytest
from pack.layouts import rules

LEFT = np.array([0.1, 0.4, 0.3, 0.6])
RIGHT = np.array([0.5, 0.4, 0.9, 0.6])
HIGH = np.array([0.6, 0.0, 0.8, 0.2])


def test_sides_want_a_gap_of_two_hundredths():
    assert rules.left_of(LEFT, RIGHT) == 0
    assert rules.left_of(RIGHT, LEFT) == pytest.approx(0.9 + 0.02 - 0.1)
    assert rules.right_of(RIGHT, LEFT) == 0
    assert rules.above(HIGH, RIGHT) == 0
    assert rules.above(RIGHT, HIGH) == pytest.approx(0.6 + 0.02 - 0.0)


def test_under_also_wants_the_centre_below_the_other():
    assert rules.under(RIGHT, HIGH) == 0
    # below by enough, but the centre 0.2 lies 0.4 left of the other's edge 0.6
    assert rules.under(LEFT, HIGH) == pytest.approx(0.4)


def test_on_is_off_by_the_height_between_the_edges():
    # foot at 0.2, the seat at 0.4 with a gap of 0.02
    assert rules.on(HIGH, RIGHT) == pytest.approx(0.4 - 0.22)


def test_next_to_is_a_gap_of_at_most_a_tenth_at_one_height():
    assert rules.beside(LEFT, RIGHT) == pytest.approx(0.2 - 0.1)
    assert rules.beside(LEFT, RIGHT - [0.12, 0, 0.12, 0]) == pytest.approx(0, abs=1e-9)
    # 0.05 of the height is shared, 0.6 * 0.2 is wanted
    assert rules.beside(LEFT, RIGHT + [-0.12, 0.15, -0.12, 0.15]) == pytest.approx(0.12 - 0.05)


def test_between_works_in_either_order():
    middle = np.array([0.35, 0.45, 0.45, 0.55])
    assert rules.between(middle, LEFT, RIGHT) == 0 == rules.between(middle, RIGHT, LEFT)
    assert rules.between(LEFT, middle, RIGHT) > 0.2


def test_overlap_is_the_shortest_way_out():
    # 0.1 wide and 0.2 high, a gap of 0.02 on top
    assert rules.overlap(LEFT, LEFT + [0.1, 0, 0.1, 0]) == pytest.approx(0.1 + 0.02)
    assert rules.overlap(LEFT, RIGHT) == 0


def test_inside_counts_all_four_sides():
    assert rules.inside(LEFT, np.array([0.2, 0.5, 0.25, 0.55])) == pytest.approx(0.1 + 0.1 + 0.05 + 0.05)


def test_places_are_thirds_and_the_middle():
    assert rules.placed(LEFT, "left", None) == 0
    assert rules.placed(RIGHT, "left", None) == pytest.approx(0.7 - 1 / 3)
    assert rules.placed(HIGH, "right", "top") == 0
    assert rules.placed(HIGH, "center", "middle") == pytest.approx((0.2 - 0.05) + (0.4 - 0.08))


def test_many_candidates_at_once():
    candidates = np.stack([LEFT, RIGHT, HIGH])
    assert np.allclose(rules.left_of(candidates, RIGHT), [0, 0.42, 0.32])
