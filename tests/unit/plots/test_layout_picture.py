"""The drawing of a layout: where lines lie, which colours they have, what may be in a caption."""

import numpy as np
import pytest
from pack.layouts.types import Box, Layout, LayoutObject
from pack.plots.canvas import PAPER
from pack.plots.colours import subject_colour
from pack.plots.layout import LARGEST, layout_picture
from PIL import Image

CAT, DOG = LayoutObject("a cat", Box(0.25, 0.5, 0.5, 0.75)), LayoutObject("a dog", Box(0.75, 0.25, 1.0, 1.0))


def pixels(*objects, size=(800, 400), ground=None):
    return np.asarray(layout_picture(Layout(*size, objects), ground))


def test_the_outline_lies_on_the_boxs_edge():
    """0.25 to 0.5 of 800 is 200 to 400, 0.5 to 0.75 of 400 is 200 to 300; lines of 2 pixels inside."""
    drawn = pixels(CAT)
    colour = np.array(subject_colour(0))
    assert drawn.shape == (400, 800, 3)
    for row, column in ((299, 300), (298, 300), (250, 200), (250, 399), (250, 201)):
        assert (drawn[row, column] == colour).all(), (row, column)
    for row, column in ((300, 300), (250, 400), (250, 199)):
        assert (drawn[row, column] == PAPER).all(), (row, column)


def test_equal_captions_share_a_colour():
    drawn = pixels(CAT, DOG, LayoutObject("a cat", Box(0.0, 0.0, 0.2, 0.4)))
    assert (drawn[250, 200] == drawn[100, 0]).all() and not (drawn[250, 200] == drawn[250, 799]).all()


def test_over_a_picture_and_large_canvases():
    ground = Image.new("RGB", (64, 64), (10, 20, 30))
    assert (pixels(CAT, ground=ground)[5, 5] == (10, 20, 30)).all()
    assert pixels(CAT, size=(4 * LARGEST, 2 * LARGEST)).shape == (LARGEST // 2, LARGEST, 3)


@pytest.mark.parametrize("caption", ["고양이", "a\ncat", "\ud800", "x" * 5000, "🐈", "ñandú"])
def test_any_caption_can_be_drawn(caption):
    thing = LayoutObject(caption, Box(0.9, 0.95, 1.0, 1.0))
    picture = layout_picture(Layout(64, 48, (thing,), caption, caption))
    assert picture.size == (64, 48)


def test_no_boxes():
    assert layout_picture(Layout(512, 512, (), "a beach", "people")).size == (512, 512)
