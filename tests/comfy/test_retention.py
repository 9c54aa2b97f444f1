"""Losses that compare with the step before: what they are shown as `previous`, and that it dies with the run."""

import pytest
import torch
from engine import guided, sample
from pack.attention_hooks.losses.a_star import AStar
from pack.attention_hooks.optimize.schedule import Refinement, Schedule

STEADY = Schedule(refinements=(), step_size=2.0)


@pytest.fixture()
def shown(monkeypatch):
    """[(previous, probs)] of every image the loss was asked about, in order."""
    seen, original = [], AStar.__call__

    def remembering(self, maps, prompt):
        seen.append((None if maps.previous is None else maps.previous.clone(), maps.probs.detach().clone()))
        return original(self, maps, prompt)

    monkeypatch.setattr(AStar, "__call__", remembering)
    return seen


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp_sde"])
def test_previous_is_the_last_maps_of_the_step_before(model, shown, sampler):
    sample(guided(model, STEADY, AStar()), sampler, steps=8)
    assert shown[0][0] is None and len(shown) == 4
    for (_, before), (previous, _) in zip(shown, shown[1:], strict=False):
        assert torch.equal(previous, before)


def test_within_a_step_it_stays_the_same(model, shown):
    """Refinement looks several times at one step; `previous` is refreshed once a step."""
    refined = Schedule(refinements=(Refinement(0.2, 0.999),), max_refinements=3, step_size=2.0)
    sample(guided(model, refined, AStar()), steps=8)
    groups: list[list[torch.Tensor]] = []
    for previous, _ in shown[1:]:
        if not groups or not torch.equal(groups[-1][-1], previous):
            groups.append([])
        groups[-1].append(previous)
    assert sorted(map(len, groups)) == [1, 1, 4]


def test_it_begins_without_a_past_in_every_run(model, shown):
    node = guided(model, STEADY, AStar())
    first = sample(node)
    looks = len(shown)
    assert torch.equal(sample(node), first)
    assert shown[looks][0] is None


def test_a_run_from_the_middle_begins_without_a_past(model, shown):
    latent = torch.randn(1, 4, 16, 24, generator=torch.Generator().manual_seed(5))
    sample(guided(model, STEADY, AStar()), latent=latent, denoise=0.8)
    assert shown[0][0] is None and shown[1][0] is not None


def test_images_that_stop_early_keep_their_own_past(model, shown):
    """Two images, one of which leaves refinement first: each is compared with its own maps, never its neighbour's."""
    refined = Schedule(refinements=(Refinement(0.2, 0.45),), max_refinements=4, step_size=2.0)
    sample(guided(model, refined, AStar()), steps=8, batch=2)
    past: dict[int, torch.Tensor] = {}
    for previous, probs in shown:
        if previous is None:
            past[len(past)] = probs
            continue
        distances = [float((previous - own).abs().mean()) for own in past.values()]
        owner = distances.index(min(distances))
        across = float((past[0] - past[1]).abs().mean())
        assert distances[owner] < 0.5 * across or across == 0
        past[owner] = probs
