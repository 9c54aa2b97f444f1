"""Boxes on grids that are not square."""

import pytest
from pack.layouts.raster import Cells, cells, mask
from pack.layouts.types import Box


@pytest.mark.parametrize(
    ("box", "hw", "expected"),
    [
        (Box(0.25, 0.5, 0.75, 1.0), (4, 8), Cells(2, 4, 2, 6)),
        (Box(0.1, 0.1, 0.4, 0.4), (4, 8), Cells(0, 2, 1, 3)),  # 0.8 and 3.2 of 8, 0.4 and 1.6 of 4
        (Box(0.5, 0.5, 0.5, 0.5), (3, 5), Cells(2, 3, 2, 3)),  # never empty; halves go to the even side
        (Box(0.99, 0.99, 1.0, 1.0), (4, 4), Cells(3, 4, 3, 4)),
        (Box(-0.5, -1.0, 2.0, 3.0), (4, 8), Cells(0, 4, 0, 8)),
    ],
)
def test_edges_go_to_the_nearest_border(box, hw, expected):
    assert cells(box, hw) == expected


def test_a_mask_covers_what_any_box_covers():
    covered = mask([Box(0, 0, 0.25, 0.5), Box(0.75, 0.5, 1, 1)], (2, 4))
    assert covered.tolist() == [[True, False, False, False], [False, False, False, True]]
