"""Reduction of captured maps to one word's heat, against numbers worked out by hand. Maps are 2 high and 3 wide."""

import pytest
import torch
from pack.attention_hooks.capture.heat import check_prompt, choose_captured, frames_within, map_hw, word_heat
from pack.attention_hooks.capture.record import CapturedMaps
from pack.attention_hooks.types import AttentionSite
from pack.errors import PromptUnderstandingError
from pack.prompts.types import ParsedPrompt, TokenSpan, Word

QUARTER = AttentionSite("input", 7)
OTHER_QUARTER = AttentionSite("output", 3)
EIGHTH = AttentionSite("middle", 0)


def word(text, start, stop):
    return Word(text, 0, len(text), (TokenSpan(text, start, stop),))


def constant(frames, batch, tokens, hw, value):
    """value(frame, image, token) at every place."""
    maps = torch.empty(frames, batch, tokens, *hw)
    for f in range(frames):
        for b in range(batch):
            for t in range(tokens):
                maps[f, b, t] = value(f, b, t)
    return maps


@pytest.fixture
def maps():
    """Latent 8x12, so quarter is 2x3 and eighth is 1x2 (rounded up); 2 frames, batch 2, 4 tokens."""
    probs = {
        QUARTER: constant(2, 2, 4, (2, 3), lambda f, b, t: 100 * f + 10 * b + t),
        OTHER_QUARTER: constant(2, 2, 4, (2, 3), lambda f, b, t: 100 * f + 10 * b + t + 4),
        EIGHTH: constant(2, 2, 4, (1, 2), lambda f, b, t: 1000.0),
    }
    return CapturedMaps(probs, ((0.0, 0.0), (0.5, 0.5)), (8, 12))


def test_quarter_averages_its_sites_and_frames_and_adds_the_pieces_of_a_word(maps):
    found = word_heat(maps, [word("turtle", 1, 3), word("red", 3, 4)])
    assert found.heat.shape == (2, 1, 2, 2, 3)  # batch, frames, words, height, width
    assert found.sites == (QUARTER, OTHER_QUARTER)
    # One site: tokens 1 + 2 = 3 in frame 0, 203 in frame 1. The other has 4 more a token: 11, 211. Mean: 107.
    assert torch.allclose(found.heat[0, 0, 0], torch.full((2, 3), 107.0))
    # Image 1: 10 more a token, two tokens.
    assert torch.allclose(found.heat[1, 0, 0], torch.full((2, 3), 127.0))
    # "red": token 3: 3, 103, 7, 107.
    assert torch.allclose(found.heat[0, 0, 1], torch.full((2, 3), 55.0))
    assert found.progress == ((0.0, 0.5),)


def test_each_step_keeps_the_frames(maps):
    found = word_heat(maps, [word("red", 3, 4)], each_step=True)
    assert found.heat.shape == (2, 2, 1, 2, 3)
    assert found.heat[0, :, 0, 0, 0].tolist() == [5.0, 105.0]  # (3 + 7) / 2, and 100 more a frame later
    assert found.heat[1, :, 0, 0, 0].tolist() == [15.0, 115.0]
    assert found.progress == ((0.0, 0.0), (0.5, 0.5))


def test_range_of_steps_picks_frames(maps):
    assert word_heat(maps, [word("red", 3, 4)], until=0.4).heat[0, 0, 0, 0, 0] == 5.0
    assert word_heat(maps, [word("red", 3, 4)], start=0.4).heat[0, 0, 0, 0, 0] == 105.0


def test_place_is_kept_height_before_width():
    probs = torch.zeros(1, 1, 2, 2, 3)
    probs[0, 0, 1, 1, 2] = 0.7
    found = word_heat(CapturedMaps({QUARTER: probs}, ((0.0, 1.0),), (8, 12)), [word("cat", 1, 2)])
    assert found.heat[0, 0, 0].tolist() == [[0, 0, 0], [0, 0, pytest.approx(0.7)]]


def test_all_brings_smaller_sites_to_the_largest(maps):
    found = word_heat(maps, [word("red", 3, 4)], sites="all", until=0.0)
    assert found.heat.shape[-2:] == (2, 3)
    assert torch.allclose(found.heat[0, 0, 0], torch.full((2, 3), (3 + 7 + 1000) / 3))


def test_smaller_site_is_enlarged_along_the_right_side():
    """A 1x2 map beside a 2x3 one: its left half is cold, its right half hot, top and bottom alike."""
    small = torch.tensor([0.0, 3.0]).view(1, 1, 1, 1, 2)
    both = CapturedMaps({QUARTER: torch.zeros(1, 1, 1, 2, 3), EIGHTH: small}, ((0.0, 1.0),), (8, 12))
    heat = word_heat(both, [word("cat", 0, 1)], sites="all").heat[0, 0, 0]
    assert torch.allclose(heat, torch.tensor([[0.0, 0.75, 1.5], [0.0, 0.75, 1.5]]))


def test_sites_by_address(maps):
    assert choose_captured(maps, "output.3.0") == (OTHER_QUARTER,)
    assert choose_captured(maps, " middle.0.0,input.7.0 ") == (QUARTER, EIGHTH)
    assert choose_captured(maps, "eighth") == (EIGHTH,)


@pytest.mark.parametrize("choice, says", [("half", "not captured there"), ("input.1.0", "input.1.0"), ("", "(none)")])
def test_a_site_that_was_not_captured_is_refused_with_the_list(maps, choice, says):
    with pytest.raises(PromptUnderstandingError) as error:
        choose_captured(maps, choice)
    assert says in str(error.value) and "input.7.0 (2x3)" in str(error.value)


def test_steps_outside_the_captured_ones_are_refused(maps):
    with pytest.raises(
        PromptUnderstandingError, match="no captured step lies there: the 2 captured go from 0.00 to 0.50"
    ):
        frames_within(maps, 0.8, 1.0)


@pytest.mark.parametrize("start, until", [(0.6, 0.4), (-0.1, 0.5), (0.0, 1.5)])
def test_ranges_that_make_no_sense_are_refused(maps, start, until):
    with pytest.raises(PromptUnderstandingError, match="progress between 0"):
        frames_within(maps, start, until)


def test_a_mean_cannot_be_taken_apart():
    mean = CapturedMaps({QUARTER: torch.zeros(1, 1, 2, 2, 3)}, ((0.0, 0.98),), (8, 12))
    assert frames_within(mean, 0.0, 1.0) == [0]
    with pytest.raises(PromptUnderstandingError, match="averaged over 0.00 to 0.98"):
        frames_within(mean, 0.0, 0.5)


def test_maps_of_another_prompt_are_refused(maps):
    prompt = ParsedPrompt("a cat", "a cat", "l", 77, (), ())
    with pytest.raises(PromptUnderstandingError, match="4 tokens, but the connected prompt 'a cat' has 77"):
        check_prompt(maps, prompt, [])


def test_a_word_without_tokens_is_refused(maps):
    nothing = Word("frog", 0, 4, ())
    prompt = ParsedPrompt("a frog", "a frog", "l", 4, (), (nothing,))
    with pytest.raises(PromptUnderstandingError, match="gave no token to 'frog'"):
        check_prompt(maps, prompt, [nothing])


def test_odd_sizes_round_up_as_the_network_does():
    assert map_hw((17, 25), 2) == (9, 13) and map_hw((17, 25), 4) == (5, 7)
