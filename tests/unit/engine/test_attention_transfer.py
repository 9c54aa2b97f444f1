"""Attention transfer on maps of 1 x 4 places, worked out on paper."""

from dataclasses import replace

import pytest
import torch
from pack.attention_hooks.losses.attention_transfer import AttentionTransfer, Reference
from pack.errors import PromptUnderstandingError
from pack.layouts.types import Box, LayoutObject
from prompts_by_hand import maps
from test_box_energy import CAT, DOG, prompt

HW = (1, 4)
LEFT, RIGHT = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)
CAT_MAP, DOG_MAP = [0.3, 0.1, 0.6, 0.0], [0.0, 0.5, 0.2, 0.2]


def alone(caption: str, box: Box, *rows: list[float]) -> Reference:
    progress = tuple(0.1 * i for i in range(len(rows)))
    return Reference(LayoutObject(caption, box), progress, torch.tensor(rows, dtype=torch.float64).view(-1, *HW))


def test_shares_in_the_box_are_compared():
    """cat in the left: 3/4, 1/4 against 1/2, 1/2 makes 0.5; dog in the right: 1/2, 1/2 against 1, 0 makes 1."""
    loss = AttentionTransfer((alone("a cat", LEFT, [0.2, 0.2, 0.9, 0.9]), alone("a dog", RIGHT, [0.9, 0.9, 0.4, 0.0])))
    values = loss.per_subject(maps(CAT_MAP, DOG_MAP, hw=HW), prompt(CAT, DOG))
    assert values.tolist() == pytest.approx([0.5, 1.0], abs=1e-4)
    assert float(loss(maps(CAT_MAP, DOG_MAP, hw=HW), prompt(CAT, DOG))) == pytest.approx(0.75, abs=1e-4)
    assert loss.labels(prompt(CAT, DOG)) == ("a cat", "a dog")


def test_two_cats_have_a_reference_each():
    left, right = alone("a cat", LEFT, [3.0, 1.0, 0.0, 0.0]), alone("a cat", RIGHT, [0.0, 0.0, 0.0, 1.0])
    values = AttentionTransfer((left, right)).per_subject(maps(CAT_MAP, hw=HW), prompt(CAT))
    assert values.tolist() == pytest.approx([0.0, 2.0], abs=1e-4)


def test_the_maps_of_the_same_step_are_taken():
    loss = AttentionTransfer((alone("a cat", LEFT, [1.0, 1.0, 0.0, 0.0], [3.0, 1.0, 0.0, 0.0]),))
    now = maps(CAT_MAP, hw=HW)
    values = [float(loss(replace(now, progress=at), prompt(CAT))) for at in (0.0, 0.1, 0.4)]
    assert values == pytest.approx([0.5, 0.0, 0.0], abs=1e-4), "nothing was drawn alone at 0.4"


def test_no_gradient_outside_the_box_and_none_for_other_words():
    now = maps(CAT_MAP, DOG_MAP, hw=HW)
    leaf = now.probs.requires_grad_()
    AttentionTransfer((alone("a cat", LEFT, [1.0, 1.0, 0.0, 0.0]),))(now, prompt(CAT, DOG)).backward()
    assert leaf.grad[1, 0, :2].ne(0).all()
    assert not leaf.grad[1, 0, 2:].any() and not leaf.grad[2:].any()


def test_what_the_user_is_told():
    with pytest.raises(PromptUnderstandingError, match="box for 'a horse'"):
        AttentionTransfer((alone("a horse", LEFT, [1.0] * 4),)).check(prompt(CAT))
    assert "no object" in AttentionTransfer(()).idle(prompt(CAT))
