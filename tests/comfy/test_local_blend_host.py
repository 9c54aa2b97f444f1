"""Local blend on the real host: outside the mask the edit is the source, and places are read once a step."""

from dataclasses import replace

import pytest
import torch
from editing import blending, pair, sample_edit, swap
from pack.attention_hooks.edits.local_blend import LocalBlend
from pack.attention_hooks.edits.windows import Window
from pack.attention_hooks.host.editing.edit_run import EditRun
from pack.attention_hooks.host.install import with_edit
from pack.attention_hooks.host.settings import run_log
from pack.attention_hooks.types import AttentionSite


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "uni_pc", "euler_ancestral", "heun"])
def test_outside_the_mask_the_edit_is_the_source_exactly(model, sampler):
    edit = blending(swap(pair(), until=0.3, self_until=0.0), threshold=0.9)
    node = with_edit(model, edit)
    out = sample_edit(node, edit, sampler=sampler, steps=5, sources=2)
    mask = run_log(node).find(out).blend_mask
    assert mask.shape == (4, 16, 24) and 0 < mask[1].mean() < 1
    for source, edited in ((0, 1), (2, 3)):
        outside = mask[edited] == 0
        assert torch.equal(out[edited][:, outside], out[source][:, outside])
        assert (out[edited] - out[source])[:, ~outside].abs().max() > 0
    if sampler != "euler_ancestral":  # a plain batch draws other noise at each step
        assert torch.equal(out[::2], sample_edit(model, edit, sampler=sampler, steps=5, sources=2)[::2])


def test_a_blend_that_never_starts_changes_nothing(model):
    edit = swap(pair())
    node = with_edit(model, replace(blending(edit), blend=replace(blending(edit).blend, window=Window(0.0, 0.0))))
    out = sample_edit(node, edit, steps=3)
    assert torch.equal(out, sample_edit(with_edit(model, edit), edit, steps=3))
    assert run_log(node).find(out).blend_mask is None


def test_only_the_heat_of_the_blend_words_is_kept(model):
    """Two values a place and prompt, however many steps and tokens there are."""
    sizes = []
    read = EditRun.read

    def measured(self, *args):
        read(self, *args)
        sizes.append(sum(heat.numel() for heat in self._heat.values()))

    edit = blending(swap(pair()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EditRun, "read", measured)
        sample_edit(with_edit(model, edit), edit, steps=4)
    assert set(sizes) == {2 * 2 * 4 * 6}


def test_places_are_read_once_a_step(model):
    """heun asks the model twice in all steps but the last; the trial call is of a latent that is thrown away."""
    reads = []
    edit = blending(swap(pair()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EditRun, "read", lambda self, site, *args: reads.append(str(site)))
        sample_edit(with_edit(model, edit), edit, steps=4, sampler="heun")
    assert {reads.count(site) for site in reads} == {4}


def test_heat_for_blending_adds_up_over_layers_and_steps():
    """Two maps of four places, one word: 0.2 and 0.6 on the first place are 0.8, 0.8 and 0.4 on the second are 1.2."""
    words = torch.zeros(2, 3)
    words[:, 1] = 1
    run = EditRun.__new__(EditRun)
    run._edit = replace(pair(), blend=LocalBlend(words, torch.zeros(2, 3)))
    run._heat = {}
    for first, second in ((0.2, 0.8), (0.6, 0.4)):
        probs = torch.zeros(1, 2, 1, 4, 3)  # groups prompts heads places tokens
        probs[..., 0, 1], probs[..., 1, 1] = first, second
        run.read(AttentionSite("input", 1, 0), probs, (2, 2))
    heat = run._total_heat()[0, 1, 0]
    assert heat.flatten().tolist() == pytest.approx([0.8, 1.2, 0, 0])
