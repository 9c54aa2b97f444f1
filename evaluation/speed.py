"""What guidance and capture cost, as ratios to plain sampling and to diffusers' pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import peer
from .networks import SD15, SMALL, TINY, Size
from .peer import Peer, relative_difference
from .steps import Sampling, first_loss, guided_steps
from .timing import Seconds, Task, Timings, alternate, now, timed

STEPS, GUIDED = 50, 25
FLOOR = 1.26
"""Counted in floating-point operations at SD1.5's true size: (50·2·803 + 25·(397 + 444)) / (50·2·803)."""
SAME_WORK = 1e-3
"""Relative difference allowed between our latent after a guided step and diffusers'."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is measured. `steps` is for single steps, `images` for whole runs and batches."""

    steps: Size = SD15
    images: Size = SMALL
    image_steps: int = 4
    batches: tuple[int, ...] = (1, 2, 4)
    rounds: int = 3


QUICK = Plan(TINY, TINY, batches=(1, 2), rounds=1)


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    return {
        "rounds": plan.rounds,
        **_single_steps(plan, say),
        "whole runs": _whole_runs(plan, say),
        "batches": _batches(plan, say),
    }


def _single_steps(plan: Plan, say: Say) -> dict[str, Any]:
    """A run of 50 steps is put together from its steps: at SD1.5's size a whole one takes a quarter of an hour on a
    CPU."""
    sampling = Sampling.of(plan.steps)
    guided, stacked, captured = sampling.guided(), sampling.stacked(), sampling.captured()
    last: dict[str, Any] = {}

    def guided_step() -> None:
        last["z"] = sampling.step(guided)

    tasks: list[Task] = [
        timed("plain step", lambda: sampling.step(sampling.model)),
        timed("guided step", guided_step),
        timed("step with three losses", lambda: sampling.step(stacked)),
        timed("captured step", lambda: sampling.step(captured)),
    ]
    other = Peer.of(sampling) if peer.installed() else None
    if other:
        tasks.append(other.run)
    timings = alternate(tasks, plan.rounds, say)
    for model in (guided, stacked):
        guided_steps(model)
    return {
        "network": str(plan.steps),
        "seconds": timings.medians(),
        "guided / plain": vars(
            timings.ratio({"guided step": GUIDED, "plain step": STEPS - GUIDED}, {"plain step": STEPS})
        ),
        "floor": FLOOR,
        "guided step / plain step": vars(timings.ratio({"guided step": 1}, {"plain step": 1})),
        "three losses / one": vars(timings.ratio({"step with three losses": 1}, {"guided step": 1})),
        "capture / plain": vars(timings.ratio({"captured step": 1}, {"plain step": 1})),
        "diffusers": _against(other, timings, last["z"], first_loss(guided)) if other else None,
    }


def _against(other: Peer, timings: Timings, z: Any, loss: float) -> dict[str, Any]:
    assert other.first_step is not None
    difference = relative_difference(z, other.first_step)
    if not difference < SAME_WORK:
        raise RuntimeError(
            f"diffusers' guided step differs from ours by {difference:.1e}: the two did not do the same work."
        )
    theirs = {"diffusers, guided step": GUIDED, "diffusers, later step": STEPS - GUIDED}
    ours = {"guided step": GUIDED, "plain step": STEPS - GUIDED}
    return {
        "version": peer.version(),
        "diffusers / ours": vars(timings.ratio(theirs, ours)),
        "diffusers / ours, guided step": vars(timings.ratio({"diffusers, guided step": 1}, {"guided step": 1})),
        "loss": {"ours": loss, "diffusers": other.losses[0]},
        "relative difference of the latent after the step": difference,
    }


def _whole_runs(plan: Plan, say: Say) -> dict[str, Any]:
    """The real thing, end to end, at a size that can be had: every other step guided, as 25 of 50."""
    sampling = Sampling.of(plan.images)
    guided = sampling.guided()
    tasks = [
        timed("plain run", lambda: sampling.image(sampling.model, plan.image_steps)),
        timed("guided run", lambda: sampling.image(guided, plan.image_steps)),
    ]
    timings = alternate(tasks, plan.rounds, say)
    return {
        "network": str(plan.images),
        "steps": plan.image_steps,
        "guided steps": guided_steps(guided),
        "guided / plain": vars(timings.ratio({"guided run": 1}, {"plain run": 1})),
    }


def _batches(plan: Plan, say: Say) -> dict[str, Any]:
    """Cost per image of a guided and a plain step, against one image at a time."""
    sampling = Sampling.of(plan.images)
    guided = sampling.guided()

    def task(batch: int) -> Task:
        def run() -> dict[str, Seconds]:
            started = now()
            sampling.step(sampling.model, batch)
            middle = now()
            sampling.step(guided, batch)
            guided_steps(guided)
            return {f"plain, batch {batch}": middle - started, f"guided, batch {batch}": now() - middle}

        return run

    timings = alternate([task(batch) for batch in plan.batches], plan.rounds, say)
    table: dict[str, Any] = {"network": str(plan.images)}
    for kind in ("plain", "guided"):
        for batch in plan.batches:
            name = f"{kind}, batch {batch}"
            table[name] = vars(
                timings.ratio({name: 1 / batch}, {f"{kind}, batch {plan.batches[0]}": 1 / plan.batches[0]})
            )
    return table
