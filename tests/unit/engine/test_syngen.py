"""SynGen against its formula, worked out by hand on two places.

p = (3/4, 1/4) and q = (1/4, 3/4): KL(p‖q) = 3/4·ln 3 - 1/4·ln 3 = ln(3)/2 both ways, so D(p, q) = ln(3)/2.
With e = (1/2, 1/2): KL(p‖e) = 3/4·ln(3/2) + 1/4·ln(1/2) and KL(e‖p) = ln(2)/2 + ln(2/3)/2.
"""

import math
import re

import pytest
import torch
from pack.attention_hooks.losses.syngen import ALWAYS, OTHERWISE_IDLE, SynGen, symmetric_distances
from pack.errors import PromptUnderstandingError
from prompts_by_hand import maps, prompt, subject

P, Q, E = [0.75, 0.25], [0.25, 0.75], [0.5, 0.5]
PQ = math.log(3) / 2
PE = (0.75 * math.log(1.5) - 0.25 * math.log(2) + math.log(2) / 2 + math.log(2 / 3) / 2) / 2
PAPER = SynGen(far=0.0)


def test_distance_is_the_symmetric_kl_of_normalised_maps():
    distance = symmetric_distances(torch.tensor([[P], [[4 * x for x in Q]], [E]], dtype=torch.float64))
    assert distance[0, 1].item() == pytest.approx(PQ, abs=1e-9)
    assert distance[1, 2].item() == pytest.approx(PE, abs=1e-9)
    assert distance.diagonal().abs().max() < 1e-12 and torch.allclose(distance, distance.T)


def test_one_modifier():
    """'red car and': red = P, car = Q, and = E.  D(red, car) - 1/2·[D(car, and) + D(red, and)]."""
    loss = PAPER(maps(P, Q, E), prompt(subject((2,), (1,)), words=3))
    assert loss.item() == pytest.approx(PQ - PE, abs=1e-9)


def test_two_modifiers_count_the_noun_twice():
    """Noun 3 = Q with modifiers 1 = P and 2 = Q, outside word 4 = E: the noun is kept away once for each pair."""
    loss = PAPER(maps(P, Q, Q, E), prompt(subject((3,), (1,), (2,)), words=4))
    assert loss.item() == pytest.approx((PQ - PE) + (0 - PE), abs=1e-9)


def test_three_modifiers_and_two_groups_add_up():
    both = prompt(subject((4,), (1,), (2,), (3,)), subject((6,), (5,)), words=6)
    values = PAPER.per_subject(maps(P, P, P, Q, E, E), both)
    # Group one: three pairs at D(P, Q); outside are 5 and 6, both E. Group two: nothing inside; outside P, P, P, Q.
    assert values.tolist() == pytest.approx([3 * (PQ - PE), -PE], abs=1e-9)
    assert PAPER(maps(P, P, P, Q, E, E), both).item() == pytest.approx(sum(values.tolist()))


def test_a_word_of_several_pieces_counts_its_furthest_piece():
    """Modifier in pieces 1 = Q (with the noun) and 2 = P (away from it)."""
    loss = PAPER(maps(Q, P, Q, E), prompt(subject((3,), (1, 2)), words=4))
    assert loss.item() == pytest.approx(PQ - PE, abs=1e-9)


def test_only_real_words_are_kept_away_from():
    """Start, end and padding look nowhere; would they count, the distance would be huge."""
    assert PAPER(maps(P, P), prompt(subject((2,), (1,)), words=2)).item() == pytest.approx(0, abs=1e-9)


def test_lone_nouns():
    two = prompt(subject((1,)), subject((2,)), words=2)
    assert SynGen(far=0.0, lone_nouns=ALWAYS)(maps(P, Q), two).item() == pytest.approx(-2 * PQ, abs=1e-9)


def test_far_levels_off_and_changes_little_nearby():
    group = prompt(subject((2,), (1,)), words=3)
    far_apart = maps([1.0, 0.0], [1.0, 0.0], [0.0, 1.0])
    assert PAPER(far_apart, group).item() < -20
    assert -10 <= SynGen(far=10.0)(far_apart, group).item() < -8
    near = maps(P, Q, E)
    assert SynGen(far=10.0)(near, group).item() == pytest.approx(PAPER(near, group).item(), abs=2e-3)


def test_weights():
    group = prompt(subject((2,), (1,)), words=3)
    assert SynGen(together=2.0, apart=0.0, far=0.0)(maps(P, Q, E), group).item() == pytest.approx(2 * PQ)
    assert SynGen(together=0.0, apart=3.0, far=0.0)(maps(P, Q, E), group).item() == pytest.approx(-3 * PE)


def test_gradient_matches_finite_differences():
    values = torch.rand(6, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.1
    two = prompt(subject((2,), (1,)), subject((4,)), words=4)
    from pack.attention_hooks.types import TokenMaps

    torch.autograd.gradcheck(lambda v: SynGen(lone_nouns=ALWAYS)(TokenMaps(v), two), values.requires_grad_())


def test_a_step_binds():
    values = torch.rand(5, 4, 4, generator=torch.Generator().manual_seed(1)).add(0.1).requires_grad_()
    from pack.attention_hooks.types import TokenMaps

    group = prompt(subject((2,), (1,)), words=3)
    (gradient,) = torch.autograd.grad(PAPER(TokenMaps(values), group), values)
    moved = (values - 0.05 * gradient).detach()
    before, after = symmetric_distances(values.detach()[1:4]), symmetric_distances(moved[1:4])
    assert after[0, 1] < before[0, 1] and after[0, 2] > before[0, 2]


def test_a_prompt_without_modifiers_leaves_nothing_to_do_and_says_so():
    bare, described = prompt(subject((1,)), words=2), prompt(subject((2,), (1,)), subject((4,)), words=4)
    assert re.search("nothing describes w.*'a red car'.*lone_nouns", SynGen().idle(bare))
    assert SynGen().idle(described) is None and SynGen(lone_nouns=OTHERWISE_IDLE).idle(bare) is None
    assert len(SynGen(lone_nouns=OTHERWISE_IDLE).groups(described)) == 1
    assert len(SynGen(lone_nouns=ALWAYS).groups(described)) == 2


def test_zero_weights_leave_nothing_to_do():
    described = prompt(subject((2,), (1,)), words=2)
    assert "both its weights" in SynGen(together=0.0, apart=0.0).idle(described)
    assert SynGen(together=0.0).idle(described) is None


def test_what_cannot_be_read_is_refused():
    with pytest.raises(PromptUnderstandingError, match="at least one subject"):
        SynGen().check(prompt(words=2))
    with pytest.raises(PromptUnderstandingError, match="no token"):
        SynGen().check(prompt(subject((1,), ()), words=2))
