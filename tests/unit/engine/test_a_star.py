"""A-STAR against its formula, worked out by hand; no blur, so that the numbers stay small."""

import pytest
import torch
from pack.attention_hooks.losses.a_star import AStar
from pack.attention_hooks.types import TokenMaps
from pack.errors import PromptUnderstandingError
from prompts_by_hand import maps, prompt, subject

SHARP = AStar(blur_sigma=0.0)
TWO = prompt(subject((1,)), subject((2,)), words=2)


def test_segregation_by_hand():
    """Scaled to their brightest: (1, 1/4) and (1/2, 1). Smaller: 1/2 + 1/4; both: 2.75. 0.75 / 2.75 = 3/11."""
    assert SHARP(maps([0.04, 0.01], [0.1, 0.2]), TWO).item() == pytest.approx(3 / 11)


def test_apart_is_zero_and_on_top_of_each_other_is_a_half():
    assert SHARP(maps([1.0, 0.0], [0.0, 1.0]), TWO).item() == 0
    assert SHARP(maps([0.3, 0.1], [0.9, 0.3]), TWO).item() == pytest.approx(0.5)


def test_every_pair_counts_once():
    three = prompt(subject((1,)), subject((2,)), subject((3,)), words=3)
    assert SHARP(maps([1.0, 1.0], [1.0, 1.0], [1.0, 1.0]), three).item() == pytest.approx(1.5)


def test_retention_by_hand():
    """Before: word 1 (1, 1/4) is bright at (1, 0); now it is (1/2, 1). Smaller 1/2, both 2.5: lost 1 - 1/5 = 4/5.
    Word 2 was bright at (0, 1) and still is (0, 1): lost 1 - 1/2. Segregation: min (0, 1) over 2.5 = 2/5."""
    now = maps([0.1, 0.2], [0.0, 0.5], previous=[[0.04, 0.01], [0.0, 1.0]])
    assert SHARP(now, TWO).item() == pytest.approx(0.8 + 0.5 + 0.4)
    assert AStar(blur_sigma=0.0, segregation=0.0)(now, TWO).item() == pytest.approx(1.3)
    assert AStar(blur_sigma=0.0, retention=0.0)(now, TWO).item() == pytest.approx(0.4)


def test_no_retention_at_the_first_step():
    one = prompt(subject((1,)), words=1)
    assert SHARP(maps([0.2, 0.1]), one).item() == 0


def test_threshold():
    """(1, 0.6): at 0.5 both places are its own, at 0.7 only the first."""
    one = prompt(subject((1,)), words=1)
    same = maps([0.5, 0.3], previous=[[0.5, 0.3]])
    assert AStar(blur_sigma=0.0, threshold=0.5)(same, one).item() == pytest.approx(1 - 1.6 / 3.6)
    assert AStar(blur_sigma=0.0, threshold=0.7)(same, one).item() == pytest.approx(1 - 1 / 2.6)


def test_no_gradient_through_the_step_before():
    now = torch.rand(4, 3, 3, requires_grad=True)
    before = torch.rand(4, 3, 3, requires_grad=True)
    AStar()(TokenMaps(now, before), TWO).backward()
    assert before.grad is None and now.grad.abs().sum() > 0


def test_pieces_of_a_word_are_added():
    joined = prompt(subject((1, 2)), subject((3,)), words=3)
    assert SHARP(maps([0.5, 0.0], [0.0, 0.5], [1.0, 1.0]), joined).item() == pytest.approx(0.5)


def test_per_subject_names_the_crowded_one():
    three = prompt(subject((1,)), subject((2,)), subject((3,)), words=3)
    values = SHARP.per_subject(maps([1.0, 0.0], [1.0, 0.0], [0.0, 1.0]), three)
    assert values.tolist() == pytest.approx([0.5, 0.5, 0.0])


def test_gradient_matches_finite_differences():
    values = torch.rand(4, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.1
    before = torch.rand(4, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.autograd.gradcheck(lambda v: AStar()(TokenMaps(v, before), TWO), values.requires_grad_())


def test_prompts_it_cannot_work_on():
    with pytest.raises(PromptUnderstandingError, match="Pick Subjects"):
        AStar().check(prompt(words=2))


def test_what_leaves_nothing_to_do_is_said():
    one = prompt(subject((1,)), words=2)
    assert "there is only" in AStar(retention=0.0).idle(one) and AStar().idle(one) is None
    assert "both its weights" in AStar(retention=0.0, segregation=0.0).idle(TWO)
    assert AStar(retention=0.0).idle(TWO) is None
