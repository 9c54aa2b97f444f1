"""Stacked guidance: one forward and one backward for all, whatever the order of the nodes."""

import torch
from engine import guided, sample
from pack.attention_hooks.host.settings import run_log, settings_of
from pack.attention_hooks.losses.attend_and_excite import AttendAndExcite
from pack.attention_hooks.optimize.schedule import Schedule

SOFT = AttendAndExcite(sharpness=20.0)
FIRST = Schedule(refinements=(), step_size=5.0)
SECOND = Schedule(refinements=(), step_size=9.0, until=0.8)


def test_a_stack_costs_one_pass_a_step(model):
    stack = guided(guided(model, FIRST), SECOND, SOFT)
    record = run_log(stack).find(sample(stack))
    assert len(settings_of(stack).guidances) == 2
    assert record.forwards == record.backwards == len(record.steps)
    assert set(record.steps[0].losses) == {"attend_and_excite", "attend_and_excite 2"}


def test_the_order_of_the_nodes_does_not_change_a_bit(model):
    """Three, because a sum of two floats is the same either way round."""
    parts = [(FIRST, None), (SECOND, SOFT), (Schedule(refinements=(), step_size=0.37), AttendAndExcite(sharpness=50.0))]
    latents = []
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        node = model
        for i in order:
            node = guided(node, *parts[i])
        latents.append(sample(node))
    assert torch.equal(latents[0], latents[1]) and torch.equal(latents[0], latents[2])
    assert not torch.equal(latents[0], sample(guided(model, FIRST)))


def test_each_keeps_its_own_window(model):
    stack = guided(guided(model, FIRST), SECOND, SOFT)
    record = run_log(stack).find(sample(stack, steps=10))
    late = [step for step in record.steps if 0.5 < step.progress < 0.8]
    assert late and all(len(step.losses) == 1 for step in late)


def test_different_sites_in_one_pass(model):
    stack = guided(guided(model, FIRST), SECOND, SOFT, sites="half")
    record = run_log(stack).find(sample(stack, steps=4))
    assert record.forwards == len(record.steps)
