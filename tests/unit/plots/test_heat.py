"""Scaling, masks and drawing of heat."""

import pytest
import torch
from pack.plots.canvas import to_tensor
from pack.plots.heat import (
    PER_WORD,
    SHARED,
    draw_overlay,
    draw_plain,
    heat_tiles,
    normalise,
    resize,
    soften,
    spread,
    strip,
    to_mask,
)

ORANGE, BLUE = (230, 97, 0), (40, 140, 230)


def heat_of(*words):
    """[1 image, 1 frame, words, 1, n]"""
    return torch.tensor(words).view(1, 1, len(words), 1, -1)


def test_per_word_fills_the_scale_for_each_word():
    level = normalise(heat_of([0.2, 0.4, 0.6], [0.0, 0.01, 0.02]), PER_WORD)
    assert torch.allclose(level[0, 0, :, 0], torch.tensor([[0, 0.5, 1], [0, 0.5, 1]]))


def test_shared_leaves_a_weak_word_weak():
    level = normalise(heat_of([0.2, 0.4, 0.6], [0.0, 0.03, 0.06]), SHARED)
    assert torch.allclose(level[0, 0, :, 0], torch.tensor([[1 / 3, 2 / 3, 1], [0, 0.05, 0.1]]))


def test_frames_of_one_image_share_a_scale_and_images_do_not():
    heat = torch.tensor([0.0, 1.0, 0.0, 4.0, 0.0, 10.0, 0.0, 10.0]).view(2, 2, 1, 1, 2)
    level = normalise(heat, PER_WORD)
    assert level[:, :, 0, 0, 1].tolist() == [[0.25, 1.0], [1.0, 1.0]]


def test_a_flat_map_is_nowhere():
    assert normalise(heat_of([0.3, 0.3]), PER_WORD).abs().max() == 0


def test_resize_keeps_height_and_width_apart_and_never_goes_below_zero():
    heat = torch.zeros(2, 3, 4)
    heat[:, 0, 3] = 1
    big = resize(heat, (30, 80))
    assert big.shape == (2, 30, 80) and big.min() >= 0
    row, column = divmod(int(big[0].argmax()), 80)
    assert row < 10 and column > 60


def test_threshold_makes_a_hard_mask_and_zero_a_soft_one():
    heat = torch.tensor([[[0.1, 0.5, 0.9]]])
    assert to_mask(heat, 0.5).tolist() == [[[0, 1, 1]]]
    assert torch.equal(to_mask(heat, 0.0), heat)


def test_grow_and_shrink_by_pixels():
    mask = torch.zeros(1, 5, 7)
    mask[0, 2, 3] = 1
    grown = spread(mask, 1)
    assert grown.sum() == 9 and grown[0, 1:4, 2:5].min() == 1
    assert torch.equal(spread(grown, -1), mask)


def test_shrinking_does_not_eat_from_the_border_of_the_picture():
    assert spread(torch.ones(1, 4, 4), -1).min() == 1


def test_growing_beyond_the_picture_fills_it():
    mask = torch.zeros(1, 4, 6)
    mask[0, 0, 0] = 1
    assert spread(mask, 512).min() == 1


def test_blur_keeps_what_is_full_and_softens_the_edge():
    mask = torch.zeros(1, 9, 20)
    mask[..., :10] = 1
    soft = soften(mask, 1.0)
    assert soft[0, 4, 0] == pytest.approx(1) and soft[0, 4, 19] == pytest.approx(0, abs=1e-6)
    assert soft[0, 4, 9] > 0.5 > soft[0, 4, 10] > 0
    # A step between two pixels: each side is half the Gaussian plus or minus half its middle weight.
    middle = 1 / sum(torch.exp(torch.tensor(-(k**2) / 2)) for k in range(-3, 4))
    assert soft[0, 4, 9] == pytest.approx(float(0.5 + middle / 2), abs=1e-5)


def test_plain_runs_from_black_through_the_words_colour_to_white():
    drawn = draw_plain(torch.tensor([[0.0, 0.7, 1.0]]), ORANGE)
    assert drawn[0, 0].tolist() == [0, 0, 0]
    assert torch.allclose(drawn[0, 1], torch.tensor(ORANGE) / 255)
    assert torch.allclose(drawn[0, 2], torch.ones(3))


def test_overlay_colours_the_hot_place_and_darkens_the_cold_one():
    drawn = draw_overlay(torch.full((1, 2, 3), 0.8), torch.tensor([[0.0, 1.0]]), BLUE)
    cold, hot = drawn[0]
    assert torch.allclose(cold, cold[0].expand(3)) and cold[0] < 0.5
    assert hot[2] > hot[1] > hot[0]


def test_tiles_of_small_pictures_are_enlarged_and_stand_side_by_side():
    heat = torch.rand(2, 64, 48)
    tiles = heat_tiles(
        heat, ["red circle", "star"], [ORANGE, BLUE], [(0, 1), (0, 0.5)], torch.rand(64, 48, 3), note="seed 7"
    )
    assert len(tiles) == 3 and len({tile.size for tile in tiles}) == 1
    assert tiles[0].width == 48 * 6  # 256 / 48, rounded up
    assert strip(tiles).width > 3 * 48 * 6


@pytest.mark.parametrize(
    "label", ["\u732b", "\U0001f422 turtle", "", "a\nb\tc", "\udcff", "\u0915\u094d\u0937", "x" * 500]
)
def test_any_label_can_be_written(label):
    (tile,) = heat_tiles(torch.rand(1, 64, 64), [label], [ORANGE], [(0, 1)])
    assert to_tensor(tile).isfinite().all()


def test_the_label_is_really_drawn():
    with_label, without = (heat_tiles(torch.zeros(1, 64, 64), [text], [ORANGE], [(0, 1)])[0] for text in ("turtle", ""))
    assert (to_tensor(with_label) != to_tensor(without)).any()
