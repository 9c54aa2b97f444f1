"""Probabilities, padding, averaging and site choice against hand-worked numbers."""

import pytest
import torch
from pack.attention_hooks.capture.probabilities import attention_probs, fold_repeats, joint_probs
from pack.attention_hooks.capture.record import RUNS_KEPT, RunLog, RunRecord
from pack.attention_hooks.capture.sites import ModelSite, choose_sites
from pack.attention_hooks.capture.store import MapStore
from pack.attention_hooks.types import AttentionSite
from pack.errors import PromptUnderstandingError

SITES = [
    ModelSite(AttentionSite("input", 1), 1, 8),
    ModelSite(AttentionSite("input", 4), 2, 8),
    ModelSite(AttentionSite("input", 7), 4, 8),
    ModelSite(AttentionSite("middle", 0), 8, 8),
    ModelSite(AttentionSite("output", 3, 1), 4, 8),
]


def test_probabilities_by_hand():
    """One place, two heads of width 1: head 0 has q=1, keys 0 and ln 3 -> 1/4, 3/4; head 1 has q=0 -> 1/2, 1/2."""
    q = torch.tensor([[[1.0, 0.0]]])
    k = torch.tensor([[[0.0, 5.0], [1.0986123, -5.0]]])
    assert attention_probs(q, k, 2)[0, :, 0].tolist() == [pytest.approx([0.25, 0.75]), pytest.approx([0.5, 0.5])]


def test_scores_are_divided_by_the_root_of_the_head_width():
    q, k = torch.full((1, 1, 4), 2.0), torch.stack([torch.zeros(4), torch.ones(4)])[None]
    # q·k = 8 over sqrt(4): a difference of 4.
    assert attention_probs(q, k, 1)[0, 0, 0, 1].item() == pytest.approx(1 / (1 + 2.718281828**-4))


@pytest.mark.parametrize("columns", [slice(0, 3), slice(2, 9), slice(5, 16)])
def test_probed_shares_are_those_of_the_whole_softmax(columns):
    """Fewer columns than a head is wide, more, and not a whole number of times; with their gradient."""
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(2, 6, 8, generator=generator, dtype=torch.float64).requires_grad_()
    k = torch.randn(2, 17, 8, generator=generator, dtype=torch.float64)
    scores = q.unflatten(-1, (2, 4)).transpose(1, 2) @ k.unflatten(-1, (2, 4)).permute(0, 2, 3, 1) / 4**0.5
    wanted = scores.softmax(-1)[..., columns]
    found = joint_probs(q, k, 2, columns)
    assert found.shape == wanted.shape and torch.allclose(found, wanted, atol=1e-12)
    weights = torch.randn(wanted.shape, generator=generator, dtype=torch.float64)
    (by_probes,), (by_softmax,) = (
        torch.autograd.grad((x * weights).sum(), q, retain_graph=True) for x in (found, wanted)
    )
    assert torch.allclose(by_probes, by_softmax, atol=1e-12) and by_softmax.abs().max() > 1e-3


def test_half_precision_is_left_for_the_softmax():
    q, k = torch.randn(1, 6, 8).half(), torch.randn(1, 5, 8).half()
    assert attention_probs(q, k, 2).dtype == torch.float32
    assert attention_probs(q.double(), k.double(), 2).dtype == torch.float64


def test_repeated_keys_fold_back_exactly():
    q, k = torch.randn(1, 6, 8), torch.randn(1, 5, 8)
    folded = fold_repeats(attention_probs(q, k.repeat(1, 3, 1), 2), 5)
    assert torch.allclose(folded, attention_probs(q, k, 2), atol=1e-6)
    with pytest.raises(ValueError, match="whole number"):
        fold_repeats(torch.rand(1, 1, 1, 7), 5)


def test_every_head_weighs_the_same_and_height_comes_before_width():
    store = MapStore()
    # 2x3 places, one token; one head that gives the place's number, and three heads of a second layer that give 10.
    numbers = torch.arange(6.0).view(1, 1, 6, 1)
    store.record(AttentionSite("input", 1), numbers, (2, 3))
    store.record(AttentionSite("input", 2), torch.full((1, 3, 6, 1), 10.0), (2, 3))
    assert store.probs()[0, 0].tolist() == [[7.5, 7.75, 8.0], [8.25, 8.5, 8.75]]


def test_sites_of_different_sizes_meet_at_the_largest():
    store = MapStore()
    store.record(AttentionSite("input", 1), torch.ones(2, 1, 24, 4), (4, 6))
    store.record(AttentionSite("input", 2), torch.zeros(2, 1, 6, 4), (2, 3))
    assert store.probs().shape == (2, 4, 4, 6)
    assert store.probs().unique().tolist() == [0.5]


def test_sites_by_depth_and_by_address():
    assert [str(entry.site) for entry in choose_sites(SITES, "quarter")] == ["input.7.0", "output.3.1"]
    assert [str(entry.site) for entry in choose_sites(SITES, "middle.0.0, input.1.0")] == ["input.1.0", "middle.0.0"]
    assert len(choose_sites(SITES, "all")) == 5
    with pytest.raises(PromptUnderstandingError, match="input.9.0.*input.1.0"):
        choose_sites(SITES, "input.9.0")
    with pytest.raises(PromptUnderstandingError, match="half"):
        choose_sites(SITES[:3], "eighth")
    assert choose_sites(SITES[1:2], "quarter") == (SITES[1],), "all maps of one size, as in transformers"


def test_a_run_is_found_by_its_latent():
    log, latents = RunLog(), [torch.randn(1, 4, 2, 3) for _ in range(RUNS_KEPT + 1)]
    for i, latent in enumerate(latents):
        log.add(RunRecord(total_steps=i), latent)
    assert log.find(latents[2].clone()).total_steps == 2
    assert log.find().total_steps == RUNS_KEPT
    assert log.find(latents[0]) is None and len(log) == RUNS_KEPT
    assert RunLog().find() is None
