"""Edits are pure functions of probabilities: numbers by hand, and the same object outside the window."""

import pytest
import torch
from pack.attention_hooks.edits.local_blend import LocalBlend, blended
from pack.attention_hooks.edits.refine import Refine
from pack.attention_hooks.edits.reweight import Reweight
from pack.attention_hooks.edits.self_attention import SelfInjection
from pack.attention_hooks.edits.windows import TokenWindows, Window
from pack.attention_hooks.edits.word_swap import WordSwap
from pack.errors import PromptUnderstandingError

SOURCE, EDIT = [0.5, 0.3, 0.2], [0.1, 0.6, 0.3]
PROBS = torch.tensor([SOURCE, EDIT]).view(1, 2, 1, 1, 3)
"""One group of two prompts, one head, one place, three tokens."""


def windows(until: float = 0.8, start: float = 0.0, **own) -> TokenWindows:
    return TokenWindows.of(1, 3, Window(start, until), own.get("own"))


def close(probs: torch.Tensor, *rows: list[float]) -> bool:
    return torch.allclose(probs.view(-1, 3), torch.tensor(rows))


def test_windows():
    half = Window(0.2, 0.5)
    assert [half.holds(p) for p in (0.1, 0.2, 0.49, 0.5, 1.0)] == [False, True, True, False, False]
    assert Window(until=1.0).holds(1.0) and not Window(until=0.0).holds(0.0)
    for start, until in ((0.5, 0.2), (-0.1, 1.0), (0.0, 1.1)):
        with pytest.raises(PromptUnderstandingError, match="start first"):
            Window(start, until)


def test_word_swap_takes_the_sources_attention():
    swap = WordSwap(torch.eye(3)[None], windows())
    assert close(swap(PROBS, 0.5), SOURCE, SOURCE)
    assert swap(PROBS, 0.8) is PROBS and not swap.acts_at(0.8)


def test_word_swap_through_a_mapping():
    """Source token 1 is shared by edited tokens 1 and 2; source token 2 goes to nobody."""
    mapping = torch.tensor([[[1.0, 0, 0], [0, 0.5, 0.5], [0, 0, 0]]])
    assert close(WordSwap(mapping, windows())(PROBS, 0.0), SOURCE, [0.5, 0.15, 0.15])


def test_refine_leaves_added_words_their_own_attention_and_does_not_renormalise():
    """Token 1 was added: it keeps 0.6; tokens 0 and 2 read source 0 and 1. 0.5 + 0.6 + 0.3 = 1.4."""
    mapping = torch.tensor([[[1.0, 0, 0], [0, 0, 1], [0, 0, 0]]])
    assert close(Refine(mapping, windows())(PROBS, 0.0), SOURCE, [0.5, 0.6, 0.3])


def test_words_may_have_a_window_of_their_own():
    edit = WordSwap(torch.eye(3)[None], windows(own={(0, 1): Window(0.0, 0.4)}))
    assert close(edit(PROBS, 0.5), SOURCE, [0.5, 0.6, 0.2])
    assert close(edit(PROBS, 0.3), SOURCE, SOURCE)


def test_each_edit_of_a_batch_has_its_own_mapping():
    probs = torch.cat([PROBS, PROBS[:, 1:]], 1)
    nothing = torch.zeros(3, 3)
    edit = WordSwap(torch.stack([nothing, torch.eye(3)]), TokenWindows.of(2, 3, Window()))
    assert close(edit(probs, 0.0), SOURCE, EDIT, SOURCE)


def test_two_groups_do_not_mix():
    probs = torch.cat([PROBS, PROBS.flip(1)], 0)
    assert close(WordSwap(torch.eye(3)[None], windows())(probs, 0.0), SOURCE, SOURCE, EDIT, EDIT)


def test_reweight_scales_the_current_map():
    edit = Reweight(torch.tensor([[1.0, 1, 1], [1, -2, 1]]), Window(until=0.8))
    assert close(edit(PROBS, 0.0), SOURCE, [0.1, -1.2, 0.3])
    assert edit(PROBS, 0.9) is PROBS
    injected = WordSwap(torch.eye(3)[None], windows())(PROBS, 0.0)
    assert close(edit(injected, 0.0), SOURCE, [0.5, -0.6, 0.2])
    ones = Reweight(torch.ones(2, 3), Window())
    assert ones(PROBS, 0.0) is PROBS


def test_self_attention_injection():
    probs = torch.rand(2, 3, 4, 5, 5)
    edit = SelfInjection(Window(until=0.4))
    assert torch.equal(edit(probs, 0.0), probs[:, :1].expand(2, 3, 4, 5, 5))
    assert edit(probs, 0.4) is probs


# --- local blend ---


def blend(**options) -> LocalBlend:
    """The word is token 1 in both prompts, token 2 is to be subtracted."""
    words, subtract = torch.tensor([[0.0, 1, 0]] * 2), torch.tensor([[0.0, 0, 1]] * 2)
    return LocalBlend(
        words, options.pop("subtract", torch.zeros(2, 3)) if "subtract" in options else subtract, **options
    )


def test_heat_is_the_mean_over_heads_of_the_words():
    probs = torch.tensor([[0.2, 0.5, 0.3], [0.0, 0.1, 0.9]]).view(1, 1, 2, 1, 3).expand(1, 2, 2, 1, 3)
    assert torch.allclose(blend().heat(probs)[0, 0], torch.tensor([[0.3], [0.6]]))


def heat(source: list[list[float]], edit: list[list[float]], subtract: list[list[float]] | None = None):
    zero = torch.zeros_like(torch.tensor(source))
    away = zero if subtract is None else torch.tensor(subtract)
    return torch.stack([torch.stack([torch.tensor(m), away]) for m in (source, edit)])[None]


def test_mask_is_the_union_of_source_and_edit_widened_by_one():
    """A 1x7 map: the source's peak at 0 reaches 1, the edit's peak at 6 reaches 5; weaker heat than 0.3 of the peak
    does not count."""
    maps = heat([[1.0, 0, 0, 0, 0, 0, 0]], [[0.5, 0, 0, 0, 0, 0, 2.0]])
    mask = blend().mask(maps, (1, 7))
    assert mask[0, 0, 0].tolist() == [True, True, False, False, False, False, False]
    assert mask[0, 1, 0].tolist() == [True, True, False, False, False, True, True]


def test_words_to_subtract_are_taken_away_without_widening():
    maps = heat([[1.0, 0, 0, 0]], [[1.0, 0, 0, 0]], subtract=[[0.0, 1.0, 0.0, 0.1]])
    assert blend().mask(maps, (1, 4))[0, 1, 0].tolist() == [True, False, False, False]


def test_mask_is_enlarged_and_no_heat_is_no_mask():
    mask = blend().mask(heat([[1.0, 0, 0, 0]], [[1.0, 0, 0, 0]]), (2, 8))
    assert mask[0, 1].tolist() == [[True] * 4 + [False] * 4] * 2
    assert not blend().mask(heat([[0.0, 0]], [[0.0, 0]]), (2, 4)).any()


def test_blending_puts_the_source_in_exactly():
    x = torch.randn(2, 2, 3, 4, 4)
    mask = torch.zeros(2, 2, 4, 4, dtype=torch.bool)
    mask[:, :, :2] = True
    out = blended(x, mask)
    assert torch.equal(out[:, 0], x[:, 0]), "the source is never changed"
    assert torch.equal(out[:, 1, :, :2], x[:, 1, :, :2]) and torch.equal(out[:, 1, :, 2:], x[:, 0, :, 2:])
