"""The tau plot: every line is where its values are."""

import numpy as np
from pack.plots.colours import subject_colour
from pack.plots.lines import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, share_lines

FRAME = 16


def pixels_of(image, colour) -> np.ndarray:
    """[n 2] row and column of the pixels of this colour."""
    return np.argwhere((np.abs(np.asarray(image, int) - np.array(colour)).sum(-1)) < 12)


def test_lines_lie_at_their_values():
    image = share_lines("title", "tau", (0.0, 0.5, 1.0), {"all": (1.0, 1.0, 1.0), "half": (0.5, 0.5, 0.5)})
    assert image.size == (WIDTH + 2 * FRAME, HEIGHT + 2 * FRAME)
    inside = (FRAME + LEFT, FRAME + WIDTH - RIGHT)
    for index, row in ((0, TOP), (1, TOP + (HEIGHT - TOP - BOTTOM) / 2)):
        found = pixels_of(image, subject_colour(index))
        drawn = found[(found[:, 1] >= inside[0]) & (found[:, 1] <= inside[1])]
        assert abs(drawn[:, 0].mean() - (row + FRAME)) < 3
        assert drawn[:, 1].min() <= inside[0] + 3 and drawn[:, 1].max() >= inside[1] - 3
