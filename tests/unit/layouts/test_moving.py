"""Objects on their way to their boxes, on grids that are not square."""

import pytest
import torch
from pack.layouts.moving import alone, laid_together, mask_of, moved, steps_to
from pack.layouts.types import Box


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(0.0, 0.0, 0.4, 0.3), (0.3, 0.5, 0.7, 0.8)),
        (Box(0.5, 0.1, 1.0, 1.0), (0.25, 0.0, 0.75, 0.9)),  # too high for the floor: it begins at the top
    ],
)
def test_alone_it_stands_in_the_middle_on_the_floor(box, expected):
    assert alone(box) == pytest.approx(expected)


def test_it_moves_by_whole_units_of_two_cells():
    """The mask's middle is at (2, 3) of 8 x 12 cells, the box's at (5.6, 10.2): 3.6 and 7.2 cells, 2 and 4 units."""
    mask = torch.zeros(8, 12, dtype=torch.bool)
    mask[1:3, 2:4] = True
    assert steps_to(Box(0.75, 0.5, 0.95, 0.9), mask, 2) == (2, 4)
    assert steps_to(Box(0.75, 0.5, 0.95, 0.9), torch.zeros_like(mask), 2) == (0, 0)


def test_moved_leaves_zeros_behind():
    values = torch.arange(1, 7).view(1, 2, 3)
    assert moved(values, 1, 1).tolist() == [[[0, 0, 0], [0, 1, 2]]]
    assert moved(values, -1, 0).tolist() == [[[4, 5, 6], [0, 0, 0]]]
    assert moved(values, 0, -2).tolist() == [[[3, 0, 0], [6, 0, 0]]]
    assert not moved(values, 0, 7).any() and not moved(values, -9, 0).any()
    assert moved(values > 3, 0, 1).tolist() == [[[False, False, False], [False, True, True]]]


def test_the_smaller_object_lies_on_top():
    small, large = torch.tensor([[0, 1, 0, 0]]).bool(), torch.tensor([[1, 1, 1, 0]]).bool()
    ones, twos = torch.ones(2, 1, 1, 4), torch.full((2, 1, 1, 4), 2.0)
    for objects, masks in (([ones, twos], [small, large]), ([twos, ones], [large, small])):
        together, covered = laid_together(objects, masks)
        assert together[1, 0].tolist() == [[2, 1, 2, 0]]
        assert covered.tolist() == [[True, True, True, False]]


def test_a_mask_is_where_the_mean_map_is_bright():
    """Means 0.1, 0.2, 0.3, 0.5, from darkest to brightest 0, 0.25, 0.5, 1: a threshold of 0.25 keeps the last two."""
    maps = torch.tensor([[[0.0, 0.2, 0.3, 0.6]], [[0.2, 0.2, 0.3, 0.4]]])
    assert mask_of(maps, 0.26, (1, 4)).tolist() == [[False, False, True, True]]
    assert mask_of(maps, 0.26, (2, 8)).sum() == 2 * 5, "bilinear: the place between 0.25 and 0.5 at 0.3125 is in"
    assert not mask_of(torch.full((3, 2, 2), 0.4), 0.25, (4, 4)).any(), "a flat map shows nothing"
