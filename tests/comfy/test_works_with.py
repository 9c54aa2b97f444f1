"""Every one of our nodes that patch a MODEL, beside every way in which other packs do, in both orders: both act, or a
sentence says why not. Never silence, never a raw tensor error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import neighbours
import pytest
import torch
from editing import edit_positive, noise, pair, swap
from engine import guided, positive, prompt, sample
from pack.attention_hooks.edits.structured import OneKeySet, Phrase
from pack.attention_hooks.host.editing.attention_values import with_value_edit
from pack.attention_hooks.host.install import with_capture, with_direct_inversion, with_edit
from pack.attention_hooks.host.inversion.negatives import Negatives, with_negatives
from pack.attention_hooks.host.predictions.composition import Composition, with_composition
from pack.attention_hooks.host.predictions.denoised import with_guided_edit
from pack.attention_hooks.host.predictions.guidance_weight import with_guidance_weight
from pack.attention_hooks.host.settings import Capture, run_log
from pack.attention_hooks.optimize.schedule import Schedule
from pack.attention_hooks.predictions.guidance_weight import GuidanceWeight
from pack.errors import PromptUnderstandingError
from pack.nodes.look_nodes import captured_run
from real_image import HW, come_back, inverted, picture, text
from tiny import conditioning, tiny_sd
from works_with import DOCUMENT, NO_MAPS, OURS, REFUSED, THEIRS, document, expected

STEPS = 3
Latent = torch.Tensor


@cache
def base():
    return tiny_sd(multipliers=(1, 2, 4))


@cache
def inversion():
    return inverted(base(), steps=STEPS)


@dataclass(frozen=True)
class Ours:
    """One of our nodes: how it is put on a MODEL, how it is sampled with, and how one sees that it acts."""

    put_on: Callable
    run: Callable
    acts: Callable
    """(node, its latent, their latent without us) -> whether ours is in it, and theirs as well as can be told."""


def changed(node, out: Latent, alone: Latent) -> bool:
    return bool(out.isfinite().all()) and not torch.allclose(out, alone, atol=1e-5 * float(alone.abs().max()))


def run(model, length: int) -> Latent:
    return sample(model, steps=STEPS, batch=2, hw=HW, pos=positive(length), neg=conditioning(length, seed=2))


def guidance(length: int) -> Ours:
    def acts(node, out, alone):
        return changed(node, out, alone) and len(run_log(node).find(out).steps) == STEPS - 1

    schedule = Schedule(refinements=(), until=1.0)
    return Ours(lambda model: guided(model, schedule, parsed=prompt(length=length)), lambda m: run(m, length), acts)


def capture(length: int) -> Ours:
    def acts(node, out, alone):
        maps = captured_run(node, {"samples": out}).maps.probs
        whole = all(p.shape[1] == 2 and torch.allclose(p.sum(2), torch.ones(()), atol=1e-4) for p in maps.values())
        return torch.equal(out, alone) and whole

    return Ours(lambda model: with_capture(model, Capture()), lambda m: run(m, length), acts)


def edit(length: int) -> Ours:
    made = swap(pair(length=length))

    def sampled(model):
        torch.manual_seed(0)  # which token merging draws from
        pos, start = edit_positive(made), noise(made, hw=HW)
        return sample(model, steps=STEPS, pos=pos, neg=conditioning(length, seed=2), start_noise=start, hw=HW)

    def acts(node, out, alone):
        return torch.equal(out[0], alone[0]) and changed(node, out[1], alone[1])

    return Ours(lambda model: with_edit(model, made), sampled, acts)


def structured(length: int) -> Ours:
    phrases = (Phrase("p", (2, 3), torch.ones(2, 32)),)
    put_on = lambda model: with_value_edit(model, prompt(length=length), OneKeySet(phrases))  # noqa: E731
    return Ours(put_on, lambda m: run(m, length), changed)


def composition(length: int) -> Ours:
    composed = Composition().with_prompt(positive(length), 1.0).with_prompt(conditioning(length, seed=7), 0.5)

    def sampled(model):
        pos, neg = composed.conditioning(), conditioning(length, seed=2)
        return sample(model, steps=STEPS, batch=2, hw=HW, pos=pos, neg=neg)

    return Ours(lambda model: with_composition(model, composed), sampled, changed)


def threshold(length: int) -> Ours:
    put_on = lambda model: with_guided_edit(model, lambda denoised, *_: denoised.clamp(-1, 1), above=1.0)  # noqa: E731
    return Ours(put_on, lambda m: run(m, length), changed)


def schedule(length: int) -> Ours:
    weights = GuidanceWeight("linear down")
    return Ours(lambda model: with_guidance_weight(model, weights), lambda m: run(m, length), changed)


def direct(length: int) -> Ours:
    """Whatever else is on the MODEL, the source ends in the image."""

    def acts(node, out, alone):
        return torch.allclose(out, picture(), atol=1e-4) and changed(node, out, alone)

    put_on = lambda model: with_direct_inversion(model, inversion()[1])  # noqa: E731
    return Ours(put_on, _way_back(length), acts)


def negatives(length: int) -> Ours:
    put_on = lambda model: with_negatives(model, Negatives(inversion()[1], text(9, length=length)))  # noqa: E731
    return Ours(put_on, _way_back(length), changed)


def _way_back(length: int) -> Callable:
    def sampled(model):
        told = {"pos": text(1, length=length), "neg": text(2, length=length)}
        return come_back(model, inversion()[0], 4.0, steps=STEPS, **told)

    return sampled


NODES = {name: globals()[name] for name in OURS}
LONG = {"own_tokens": 154}
"""Its conditionings are twice as long."""


@cache
def alone(theirs: str, ours: str) -> Latent:
    return NODES[ours](LONG.get(theirs, 77)).run(getattr(neighbours, theirs)(base()))


@pytest.mark.parametrize("ours", OURS)
@pytest.mark.parametrize("theirs", THEIRS)
def test_our_node_beside_theirs(theirs, ours):
    neighbour, node = getattr(neighbours, theirs), NODES[ours](LONG.get(theirs, 77))
    wanted = expected(theirs, ours)
    for both in (node.put_on(neighbour(base())), neighbour(node.put_on(base()))):
        if wanted == REFUSED:
            with pytest.raises(PromptUnderstandingError, match="patch|pack"):
                node.run(both)
            continue
        out = node.run(both)
        if wanted == NO_MAPS:
            assert torch.equal(out, alone(theirs, ours))
            with pytest.raises(PromptUnderstandingError, match="never called for the whole picture"):
                captured_run(both, {"samples": out})
        else:
            assert node.acts(both, out, alone(theirs, ours))


@pytest.mark.parametrize("ours", OURS)
def test_our_node_alone(ours):
    """What the test above takes for a sign of it."""
    node = NODES[ours](77)
    both = node.put_on(base())
    assert node.acts(both, node.run(both), node.run(base()))


@pytest.mark.parametrize("theirs", THEIRS)
def test_their_patch_alone(theirs):
    """The stand-ins that draw another picture do so, and leave nothing on the model."""
    length, before = LONG.get(theirs, 77), run(base(), 77)
    out = run(getattr(neighbours, theirs)(base()), length)
    same = theirs in ("regions", "more_keys", "no_grad", "other_level_first")
    assert out.isfinite().all() and (same or not torch.equal(out, before))
    assert torch.equal(run(base(), 77), before)


def test_the_table_in_the_documentation_is_what_is_tested():
    written = DOCUMENT.read_text(encoding="utf-8")
    assert written == document(written)
