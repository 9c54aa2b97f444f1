"""Loss curves, the token strip, before and after: what is drawn where."""

import pytest
import torch
from pack.errors import PromptUnderstandingError
from pack.plots.before_after import Note, before_after
from pack.plots.canvas import PAPER, stack, to_tensor
from pack.plots.colours import SUBJECT_COLOURS, position_colours, word_colours
from pack.plots.curves import LOSS, LossCurve, _span, loss_curves, nice_ticks
from pack.plots.tokens import _runs, token_strip
from pack.prompts.types import ParsedPrompt, Subject, Token, TokenSpan, Word


def word(text, at):
    return Word(text, 0, len(text), (TokenSpan(text, at, at + 1),))


CIRCLE, RED, STAR, BLUE, SKY = word("circle", 3), word("red", 2), word("star", 7), word("blue", 6), word("sky", 9)


@pytest.fixture
def prompt():
    pieces = ["a", "red", "circle", "and", "a", "blue", "star", ",", "sky"]
    tokens = [Token(0, "", "start"), *(Token(i + 1, p, "word") for i, p in enumerate(pieces)), Token(10, "", "end")]
    tokens += [Token(i, "", "pad") for i in range(11, 77)]
    subjects = (Subject(CIRCLE, (RED,)), Subject(STAR, (BLUE,)))
    return ParsedPrompt("", "a red circle and a blue star, sky", "l", 77, tuple(tokens), (), subjects)


def has(picture, colour):
    return bool((torch.as_tensor(picture) * 255).round().eq(torch.tensor(colour)).all(-1).any())


def test_a_word_keeps_its_colour_whatever_else_is_shown(prompt):
    assert word_colours(prompt, [STAR]) == word_colours(prompt, [CIRCLE, STAR])[1:] == [SUBJECT_COLOURS[1]]
    assert word_colours(prompt, [SKY]) == [SUBJECT_COLOURS[2]]
    phrase = Word("red circle", 2, 12, (*RED.spans, *CIRCLE.spans))
    assert word_colours(prompt, [phrase]) == [SUBJECT_COLOURS[0]]
    red, circle = word_colours(prompt, [RED, CIRCLE])
    assert red != circle and all(a >= b for a, b in zip(red, circle, strict=True))


def test_colours_of_positions(prompt):
    assert set(position_colours(prompt)) == {2, 3, 6, 7}


def test_ticks_are_round_numbers_inside():
    assert nice_ticks(0, 1) == [0, 0.5, 1] or nice_ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert nice_ticks(-0.93, 0) == [-0.5, 0]
    assert all(0 <= tick <= 0.03 for tick in nice_ticks(0, 0.03))


def test_a_rounding_error_below_zero_does_not_take_half_the_panel():
    assert _span([1.0, 0.5, -1e-7]) == (0.0, 1.0)
    assert _span([1.0, -0.5])[0] == -0.5


def test_curves_have_a_panel_a_technique_and_a_line_a_subject():
    one = LossCurve(
        "attend and excite", [0, 1, 2], [0.9, 0.5, 0.4], {"circle": [0.9, 0.5, 0.4], "star": [0.2, 0.1, 0.0]}, [0, 3, 0]
    )
    two = LossCurve("syngen", [0, 1], [-1.0, -2.0])
    single, double = (to_tensor(loss_curves(curves, 50)) for curves in ([one], [one, two]))
    assert double.shape[0] > 1.8 * single.shape[0]
    assert has(single, SUBJECT_COLOURS[0]) and has(single, SUBJECT_COLOURS[1])
    assert not has(to_tensor(loss_curves([two], 50)), SUBJECT_COLOURS[0])


def test_refinements_are_marked():
    plain, refined = (
        to_tensor(loss_curves([LossCurve("a", [0, 1], [0.9, 0.5], refinements=counts)], 10))
        for counts in ([0, 0], [0, 4])
    )
    assert (plain != refined).any()


@pytest.mark.parametrize("loss", [[float("nan")] * 3, [0.5, float("nan"), 0.2], [float("inf"), 1.0, 0.0], [0.0] * 3])
def test_odd_losses_are_drawn(loss):
    assert to_tensor(loss_curves([LossCurve("a", [0, 1, 2], loss)], 3)).isfinite().all()


def test_a_falling_loss_falls_on_paper():
    """The curve's ink in its first third lies higher than in its last third."""
    picture = to_tensor(loss_curves([LossCurve("a", list(range(30)), [1 - i / 29 for i in range(30)])], 30))
    ink = (picture * 255 - torch.tensor(LOSS)).abs().amax(-1) < 4
    ink[:, 560:] = False  # the legend
    rows, columns = ink.nonzero(as_tuple=True)
    left, right = rows[columns < 230].float().mean(), rows[columns > 400].float().mean()
    assert left + 60 < right


def test_padding_is_one_box_and_words_are_one_each(prompt):
    runs = _runs(prompt.tokens)
    assert [len(run) for run in runs] == [1] * 11 + [66]


def test_token_strip_wraps_and_colours(prompt):
    wide, narrow = token_strip(prompt), token_strip(prompt, 300)
    assert narrow.height > wide.height and narrow.width < wide.width
    assert has(to_tensor(wide), SUBJECT_COLOURS[0]) and has(to_tensor(wide), SUBJECT_COLOURS[1])


def test_token_strip_of_strange_pieces():
    tokens = (
        Token(0, "", "start"),
        Token(1, "\u00f0\u0141", "word"),
        Token(2, "\u732b" * 90, "word", 1.3),
        Token(3, "", "word"),
    )
    assert to_tensor(token_strip(ParsedPrompt("", "", "l", 4, tokens, ()), 200)).isfinite().all()


def test_before_after_puts_plain_left_of_guided_row_by_row():
    red, green = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    plain, guided = red.expand(2, 32, 48, 3).clone(), green.expand(2, 32, 48, 3).clone()
    plain[1] = 0.5
    heats = {"circle": torch.rand(2, 8, 12), "star": torch.rand(2, 8, 12)}
    picture = before_after(plain, guided, heats, ["seed 1", "seed 2"], title="a red circle")
    assert picture.shape[0] == 1 and picture.shape[-1] == 3
    is_red, is_green = ((picture[0] == colour).all(-1) for colour in (red, green))
    assert is_red.sum() == (32 * 7) * (48 * 7)  # one row only, each pixel 7 x 7: 224 / 32
    assert is_green.sum() == 2 * (32 * 7) * (48 * 7)
    assert is_red.nonzero()[:, 1].max() < is_green.nonzero()[:, 1].min()
    assert has(picture[0], SUBJECT_COLOURS[1])


def test_before_after_writes_its_notes():
    images, heats = torch.rand(1, 64, 64, 3), {"star": torch.rand(1, 8, 8)}
    notes = {"plain_notes": [[Note("no star", False)]], "guided_notes": [[Note("star", True), Note("blue", None)]]}
    with_notes, without = before_after(images, images, heats, **notes), before_after(images, images, heats)
    assert with_notes.shape[1] > without.shape[1]


def test_before_after_refuses_what_does_not_pair():
    with pytest.raises(PromptUnderstandingError, match="plain has 2, guided has 1, the heat of 'star' has 2"):
        before_after(torch.rand(2, 8, 8, 3), torch.rand(1, 8, 8, 3), {"star": torch.rand(2, 4, 4)})


def test_stack_pads_with_paper():
    small, large = (
        token_strip(ParsedPrompt("", "", "l", 0, (Token(0, "a", "word"),), ()), 100),
        loss_curves([], 1, "title"),
    )
    pages = stack([small, large])
    assert pages.shape[0] == 2
    assert (pages[0, -1, -1] * 255).round().tolist() == list(PAPER)
