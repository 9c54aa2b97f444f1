"""The optimiser on a problem with known answers: loss = z, so dL/dz = 1 and every step is its size."""

import pytest
import torch
from pack.attention_hooks.optimize.latent import Evaluation, LatentOptimizer, techniques
from pack.attention_hooks.optimize.schedule import Refinement, Schedule

PLAIN = Schedule(step_size=0.25, decay=1.0, refinements=())


class Linear:
    """L(z) = mean of z, one number an image; counts its calls and the images of each."""

    def __init__(self, names=("a",), broken: set[int] = frozenset()):
        self.names, self.broken, self.calls = names, broken, []

    def __call__(self, z, images, weights):
        self.calls.append((images.tolist(), dict(weights)))
        values = z.flatten(1).mean(1)
        slope = sum(weights.values()) * torch.ones_like(z)
        for row, image in enumerate(images.tolist()):
            if image in self.broken:
                slope[row, 0] = float("nan")
        losses = {name: values for name in self.names if weights.get(name)}
        return Evaluation(losses, {name: v[:, None] for name, v in losses.items()}, slope)


def z(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).clone()


def first(z: torch.Tensor) -> list[float]:
    return z[:, 0, 0, 0].tolist()


def test_one_ordinary_update():
    look = Linear()
    result = LatentOptimizer({"a": PLAIN}, 2).step(z(1.0, 2.0), 0.0, look)
    assert first(result.z) == [0.75, 1.75]
    assert result.losses["a"].tolist() == [1.0, 2.0]
    assert len(look.calls) == 1


def test_images_leave_refinement_when_they_are_done():
    """Target 0.5, steps of 0.25, then one ordinary update. Image 0 (0.4) needs none, image 1 (0.7) one, image 2 (1.1)
    three."""
    schedule = Schedule(step_size=0.25, decay=1.0, refinements=(Refinement(0.0, 0.5),))
    look = Linear()
    result = LatentOptimizer({"a": schedule}, 3).step(z(0.4, 0.7, 1.1), 0.0, look)
    assert result.refinements.tolist() == [0, 1, 3]
    assert first(result.z) == pytest.approx([0.15, 0.2, 0.1])
    assert [images for images, _ in look.calls] == [[0, 1, 2], [1, 2], [2], [2]]


def test_refinement_is_capped():
    schedule = Schedule(step_size=0.25, decay=1.0, refinements=(Refinement(0.0, 0.5),), max_refinements=4)
    look = Linear()
    result = LatentOptimizer({"a": schedule}, 1).step(z(100.0), 0.0, look)
    assert result.refinements.tolist() == [4] and len(look.calls) == 5
    assert first(result.z) == [100 - 5 * 0.25]


def test_an_image_that_is_good_enough_is_left_alone_for_good():
    schedule = Schedule(step_size=0.25, decay=1.0, refinements=(), enough=1.0)
    optimizer, look = LatentOptimizer({"a": schedule}, 2), Linear()
    moved = optimizer.step(z(0.9, 2.0), 0.0, look).z
    again = optimizer.step(moved, 0.1, look).z
    assert look.calls[1][0] == [1]
    assert torch.equal(again[0], moved[0]) and not torch.equal(again[1], moved[1])
    optimizer.step(z(0.0, 0.5), 0.2, look)
    assert not optimizer.acts_at(0.3)


def test_a_gradient_that_is_not_finite_moves_nothing_and_is_reported():
    look = Linear(broken={1})
    schedule = Schedule(step_size=0.25, decay=1.0, refinements=(Refinement(0.0, 0.9),))
    result = LatentOptimizer({"a": schedule}, 2).step(z(1.0, 1.0), 0.0, look)
    assert result.skipped.tolist() == [False, True]
    assert torch.equal(result.z[1], z(1.0)[0]) and result.z[0].isfinite().all()


def test_stacked_losses_share_every_evaluation_and_keep_their_own_window():
    early = Schedule(step_size=1.0, decay=1.0, until=0.2, refinements=())
    late = Schedule(step_size=0.5, decay=1.0, start=0.2, until=1.0, refinements=())
    both = Schedule(step_size=0.25, decay=1.0, refinements=())
    look = Linear(names=("early", "late", "both"))
    optimizer = LatentOptimizer({"late": late, "both": both, "early": early}, 1)
    assert first(optimizer.step(z(4.0), 0.0, look).z) == [4 - 1.25]
    assert first(optimizer.step(z(4.0), 0.3, look).z) == [4 - 0.75]
    assert len(look.calls) == 2


def test_only_the_losses_that_ask_for_it_pull_during_refinement():
    refined = Schedule(step_size=0.25, decay=1.0, refinements=(Refinement(0.0, 0.5),))
    steady = Schedule(step_size=10.0, decay=1.0, refinements=())
    look = Linear(names=("refined", "steady"))
    result = LatentOptimizer({"refined": refined, "steady": steady}, 1).step(z(0.7), 0.0, look)
    # One refinement by 0.25, then the ordinary update of both.
    assert first(result.z) == pytest.approx([0.7 - 0.25 - 10.25])


def test_the_input_is_not_written_to():
    before = z(1.0)
    LatentOptimizer({"a": PLAIN}, 1).step(before, 0.0, Linear())
    assert first(before) == [1.0]


def test_names_of_a_stack():
    assert techniques(["syngen", "a_star", "syngen"]) == ["syngen", "a_star", "syngen 2"]
