"""Lines over numbers."""

import numpy as np
from pack.plots.canvas import PAPER
from pack.plots.colours import subject_colour
from pack.plots.lines import HEIGHT, Line, line_panels


def drawn(panels):
    return np.asarray(line_panels(panels, [1.0, 5.0, 10.0], "x"))


def test_each_name_has_one_colour_in_all_panels():
    flat = Line([1.0, 1.0, 1.0])
    picture = drawn({"one": {"a": flat, "b": Line([2.0, 2.0, 2.0])}, "two": {"b": flat}})
    left, right = picture[:, :420], picture[:, 460:860]
    assert _has(left, subject_colour(0)) and _has(left, subject_colour(1))
    assert _has(right, subject_colour(1)) and not _has(right, subject_colour(0))


def test_higher_values_are_drawn_higher():
    picture = drawn({"one": {"low": Line([1.0, 1.0, 1.0]), "high": Line([4.0, 4.0, 4.0])}})[:, :420]
    low, high = (np.argwhere(_is(picture, subject_colour(row)))[:, 0].mean() for row in (0, 1))
    assert high < low < HEIGHT + 32


def test_a_band_lies_behind_its_line():
    bare = drawn({"one": {"a": Line([1.0, 2.0, 3.0])}})
    banded = drawn({"one": {"a": Line([1.0, 2.0, 3.0], [0.5, 1.0, 2.0], [1.5, 3.0, 4.0])}})
    assert (banded != PAPER).any(-1).sum() > 1.5 * (bare != PAPER).any(-1).sum()


def test_all_zero_is_a_line_at_the_bottom():
    assert _has(drawn({"one": {"a": Line([0.0, 0.0, 0.0])}}), subject_colour(0))


def _is(picture, colour):
    return (picture == colour).all(-1)


def _has(picture, colour):
    return bool(_is(picture, colour).any())
