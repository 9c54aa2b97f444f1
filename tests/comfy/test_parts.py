"""A technique of its own in a run: what a part is told, when, and what becomes of what it gives."""

from contextlib import contextmanager

import pytest
import torch
from engine import sample
from pack.attention_hooks.host import install
from pack.attention_hooks.host.sampling.part import Part, Parts
from pack.attention_hooks.host.settings import Capture, run_log

STEPS = 4


class Listed(Part):
    """Writes down what it is told."""

    def __init__(self):
        self.told = []

    def open_step(self, x, opening):
        self.told.append(("opens", opening.step, opening.progress))

    @contextmanager
    def during_opening(self, opening):
        self.told.append("enters")
        yield
        self.told.append("leaves")

    def options(self, model_options, level, opens_step):
        self.told.append(("options", opens_step))
        return model_options

    def finish(self, samples, level, record):
        self.told.append(("ends", level))


class Shifted(Part):
    """Adds to the latent at the first step and at the end."""

    def open_step(self, x, opening):
        return x + 1 if opening.step == 0 else None

    def finish(self, samples, level, record):
        record.notes.append("shifted")
        return samples + 2


def with_parts(model, monkeypatch, *parts):
    monkeypatch.setattr(install, "PARTS", [lambda start, earlier, part=part: part for part in parts])
    return install.with_capture(model, Capture())


def test_a_part_hears_of_every_call_and_of_the_one_that_opens_a_step(model, monkeypatch):
    """heun's trial call between two steps, and none at the last."""
    listed = Listed()
    sample(with_parts(model, monkeypatch, listed), "heun", STEPS)
    told = [one if isinstance(one, str) else one[:2] for one in listed.told]
    steps = [[("options", True), ("opens", i), "enters", "leaves", ("options", False)] for i in range(STEPS)]
    steps[-1].pop()
    assert told == [*sum(steps, []), ("ends", 0.0)]
    progress = [one[2] for one in listed.told if one[0] == "opens"]
    assert progress == sorted(progress) and progress[0] == 0


@pytest.mark.parametrize("sampler", ["euler", "uni_pc"])
def test_what_a_part_gives_is_what_the_sampler_goes_on_with(model, monkeypatch, sampler):
    node = with_parts(model, monkeypatch, Shifted())
    noise = torch.randn(1, 4, 16, 24, generator=torch.Generator().manual_seed(4))
    seen = Listed()
    seen.open_step = lambda x, opening: seen.told.append(x.clone())
    shifted = sample(node, sampler, STEPS, start_noise=noise)
    assert run_log(node).find(shifted).notes == ["shifted"]
    assert not torch.allclose(shifted - 2, sample(model, sampler, STEPS, start_noise=noise), atol=1e-3)
    sample(with_parts(model, monkeypatch, seen), sampler, STEPS, start_noise=noise)
    first = [one for one in seen.told if isinstance(one, torch.Tensor)][0]
    sample(with_parts(model, monkeypatch, Shifted(), seen), sampler, STEPS, start_noise=noise)
    after = [one for one in seen.told if isinstance(one, torch.Tensor)][STEPS]
    assert torch.equal(after, first + 1), "a later part is shown what an earlier one made"


def test_a_part_may_change_the_options_of_one_call_alone(model, monkeypatch):
    class Changing(Part):
        def options(self, model_options, level, opens_step):
            return {**model_options, "sampler_post_cfg_function": [post]} if opens_step else model_options

    calls = []

    def post(step):
        calls.append(1)
        return step["denoised"]

    sample(with_parts(model, monkeypatch, Changing()), "heun", STEPS)
    assert len(calls) == STEPS


def test_several_parts_are_one_after_the_other():
    class Times(Part):
        def __init__(self, factor, alike):
            self.factor, self.alike = factor, alike

        def edited(self, uuid, probs):
            return probs * self.factor + 1

    parts = Parts((Times(2, 3), Times(5, 1)))
    assert parts.edited(None, 1) == (1 * 2 + 1) * 5 + 1
    assert parts.alike == 3 and Parts().alike == 1
    assert parts.prompt_of("a cat", 0) == "a cat"
