"""The schedule of algorithm 1: 25 of 50 steps, refinement at steps 0, 10, 20, step size 20·sqrt(linspace(1, .5))."""

import pytest
from pack.attention_hooks.optimize.schedule import Refinement, Schedule, parse_refinements
from pack.errors import PromptUnderstandingError


def progress_of_50_ddim_steps() -> list[float]:
    """Timesteps 999, 979, …, 19 of ComfyUI's thousand: progress 1 - t/999."""
    return [1 - (999 - 20 * i) / 999 for i in range(50)]


def test_half_of_fifty_steps_are_guided():
    guided = [i for i, p in enumerate(progress_of_50_ddim_steps()) if Schedule().step_at(p)]
    assert guided == list(range(25))


def test_the_step_decays_as_in_the_official_code():
    assert Schedule().alpha(0.0) == 20
    assert Schedule().alpha(1.0) == pytest.approx(14.1421, abs=1e-4)
    assert Schedule().alpha(0.5) == pytest.approx(20 * 0.75**0.5)


def test_refinement_comes_once_at_each_moment():
    schedule, before, found = Schedule(), None, {}
    for i, progress in enumerate(progress_of_50_ddim_steps()):
        refinement = schedule.refinement_at(progress, before)
        if refinement:
            found[i] = refinement.target
        before = progress
    assert found == pytest.approx({0: 0.95, 10: 0.5, 20: 0.2})


@pytest.mark.parametrize("steps", [4, 7, 8, 30])
def test_every_moment_is_kept_at_other_step_counts(steps):
    """At few steps two moments may fall to one step; then the later and stricter one counts."""
    schedule, before, targets = Schedule(), None, []
    for i in range(steps):
        progress = i / (steps - 1)
        refinement = schedule.refinement_at(progress, before)
        targets += [refinement.target] if refinement else []
        before = progress
    assert targets[0] == pytest.approx(0.95)
    assert targets == sorted(targets, reverse=True) and len(targets) == len(set(targets))


def test_a_run_from_the_middle_takes_the_last_moment_it_missed():
    assert Schedule().refinement_at(0.3, None) == Refinement(0.2, 0.5)
    assert Schedule().refinement_at(0.6, None) is None


def test_strength_zero_never_acts():
    off = Schedule(step_size=0.0)
    assert not any(off.step_at(p) or off.refinement_at(p, None) for p in progress_of_50_ddim_steps())


@pytest.mark.parametrize(
    "bad",
    [{"start": 0.6}, {"until": 1.2}, {"refinements": (Refinement(0.1, 1.0),)}, {"refinements": (Refinement(2, 0.5),)}],
)
def test_out_of_range_is_a_sentence(bad):
    with pytest.raises(PromptUnderstandingError, match="between"):
        Schedule(**bad)


def test_refinements_from_text():
    assert parse_refinements("0.2, 0", "0.5, 0.05") == (Refinement(0, 0.05), Refinement(0.2, 0.5))
    assert parse_refinements("", "") == ()
    with pytest.raises(PromptUnderstandingError, match="one threshold for each"):
        parse_refinements("0, 0.2", "0.5")
    with pytest.raises(PromptUnderstandingError, match="numbers between 0 and 1"):
        parse_refinements("soon", "0.5")
