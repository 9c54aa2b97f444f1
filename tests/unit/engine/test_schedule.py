"""The schedule of algorithm 1: 25 of 50 steps, refinement at steps 0, 10, 20, step size 20·sqrt(linspace(1, .5))."""

import pytest
import torch
from pack.attention_hooks.optimize.schedule import (
    IteratedSchedule,
    Refinement,
    Schedule,
    parse_iterations,
    parse_refinements,
)
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


def test_updates_of_llm_grounded_diffusion():
    """The authors' list for 50 steps: 4 in the first five, 3, 2, 2 in the next fives, 1 in ten; thirty steps."""
    schedule, found = IteratedSchedule(), []
    for progress in progress_of_50_ddim_steps():
        if schedule.step_at(progress):
            found.append(1 + schedule.rounds_at(progress))
            due = schedule.refinement_at(progress, None)
            assert (due is None) == (found[-1] == 1) and (due is None or due.target == pytest.approx(0.625))
    assert found == [4] * 5 + [3] * 5 + [2] * 10 + [1] * 10


def test_its_step_follows_the_noise():
    """sqrt(1 - abar_t) of Stable Diffusion's scaled-linear schedule, the authors' step, against the decay to 0.4."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    noise = (1 - (1 - betas).cumprod(0)).sqrt()
    schedule = IteratedSchedule()
    for step, progress in enumerate(progress_of_50_ddim_steps()[:30]):
        assert schedule.step_at(progress) == pytest.approx(40 * float(noise[999 - 20 * step]), rel=0.06)


def test_updates_from_text():
    assert parse_iterations("4, 3,1") == (4, 3, 1)
    for text in ("", "0", "2.5", "many", "1000"):
        with pytest.raises(PromptUnderstandingError, match="whole numbers from 1 to 50"):
            parse_iterations(text)
