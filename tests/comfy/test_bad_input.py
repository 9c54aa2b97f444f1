"""Every mistake a user can make ends in a sentence, leaves nothing attached, and the next run is clean."""

import gc
import weakref

import comfy.model_management
import pytest
import torch
from engine import ONE_UPDATE, guided, positive, prompt, sample
from pack.attention_hooks.host.sampling.run import SamplingRun
from pack.attention_hooks.host.settings import run_log
from pack.attention_hooks.losses.attend_and_excite import AttendAndExcite
from pack.attention_hooks.optimize.schedule import Schedule
from pack.errors import PromptUnderstandingError
from pack.nodes.guidance_nodes import NODES
from tiny import conditioning

(PUAttendAndExcite,) = [node for node in NODES if node.__name__ == "PUAttendAndExcite"]
DEFAULTS = {
    "strength": 1.0, "until": 0.5, "start": 0.0, "step_size": 20.0, "decay": 0.5, "refine_at": "", "refine_to": "",
    "max_refinements": 20, "enough": 0.0, "softmax_over": "words of the prompt", "sharpness": 100.0,
    "blur_sigma": 0.5, "sites": "quarter", "save_memory": False,
}  # fmt: skip


def node(model, parsed=None, **knobs):
    return PUAttendAndExcite.execute(model, parsed or prompt(), **{**DEFAULTS, **knobs}).result[0]


def clean_afterwards(model, plain):
    """Nothing is attached to the shared network, and plain sampling gives the same bits as before."""
    assert not [m for m in model.model.diffusion_model.modules() if "forward" in m.__dict__]
    assert torch.equal(sample(model, steps=3), plain)


@pytest.fixture()
def plain(model):
    return sample(model, steps=3)


def test_the_node_guides(model):
    out = sample(node(model), steps=4)
    assert not torch.equal(out, sample(model, steps=4))


def test_no_subject(model):
    from dataclasses import replace

    with pytest.raises(PromptUnderstandingError, match="needs at least one subject.*Pick Subjects"):
        node(model, replace(prompt(), subjects=()))


def test_a_conditioning_of_another_text(model, plain):
    with pytest.raises(PromptUnderstandingError, match="'another prompt'.*'w1 w2"):
        sample(node(model, prompt(text="another prompt")), steps=3)
    clean_afterwards(model, plain)


def test_a_conditioning_of_another_length(model, plain):
    with pytest.raises(PromptUnderstandingError, match="takes 77 tokens.*has 154"):
        sample(node(model), steps=3, pos=conditioning(154))
    clean_afterwards(model, plain)


def test_an_unmarked_conditioning_of_the_right_length_is_taken(model):
    guided_model = node(model)
    out = sample(guided_model, steps=4, pos=conditioning())
    record = run_log(guided_model).find(out)
    assert len(record.steps) == 2
    assert [note for note in record.notes if "does not come from Encode & Parse Prompt" in note]
    assert not run_log(marked := node(model)).find(sample(marked, steps=4)).notes


def test_a_conditioning_cut_short(model, plain):
    cut = [[tensor[:, :40], options] for tensor, options in positive()]
    with pytest.raises(PromptUnderstandingError, match="cut to 40 of its 77"):
        sample(node(model), steps=3, pos=cut)
    clean_afterwards(model, plain)


def test_a_model_whose_attention_cannot_be_reached(model, plain):
    stranger = model.clone()
    hidden = stranger.model.diffusion_model
    stranger.model.diffusion_model = torch.nn.Linear(1, 1)
    try:
        from pack.attention_hooks.host.attention.families import family_of

        with pytest.raises(PromptUnderstandingError, match="cannot reach yet. It works with Stable Diffusion"):
            family_of(stranger.model)
    finally:
        stranger.model.diffusion_model = hidden
    clean_afterwards(model, plain)


def test_sites_the_model_does_not_have(model, plain):
    with pytest.raises(
        PromptUnderstandingError, match="no cross-attention at eighth.*It has it at: 1/1, half, quarter"
    ):
        sample(node(model, sites="eighth"), steps=3)
    clean_afterwards(model, plain)


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"start": 0.7}, "from 0.7 until 0.5"),
        ({"refine_at": "0, 0.2", "refine_to": "0.5"}, "one threshold for each"),
        ({"refine_at": "0", "refine_to": "1.5"}, "thresholds strictly between 0 and 1"),
        ({"refine_at": "early", "refine_to": "0.5"}, "numbers between 0 and 1"),
    ],
)
def test_knobs_out_of_range(model, knobs, sentence):
    with pytest.raises(PromptUnderstandingError, match=sentence):
        node(model, **knobs)


def test_a_loss_that_is_not_a_number_moves_nothing_and_is_reported(model, monkeypatch):
    monkeypatch.setattr(AttendAndExcite, "__call__", lambda self, maps, prompt: maps.probs.sum() * float("nan"))
    guided_model = guided(model, Schedule())
    out = sample(guided_model, steps=4)
    record = run_log(guided_model).find(out)
    assert torch.equal(out, sample(model, steps=4))
    assert "not a finite number" in record.steps[0].notes[0]


@pytest.mark.parametrize("error", [ValueError("broken"), comfy.model_management.InterruptProcessingException()])
def test_an_error_or_an_interrupt_leaves_nothing_behind(model, plain, monkeypatch, error):
    guided_model = guided(model, ONE_UPDATE)
    first = sample(guided_model, steps=4)
    runs, original = [], SamplingRun.__init__

    def remembered(self, *args, **kwargs):
        original(self, *args, **kwargs)
        runs.append(weakref.ref(self))

    calls = []

    def raising(self, maps, prompt):
        calls.append(1)
        if len(calls) == 2:
            raise error
        return maps.probs.mean()

    monkeypatch.setattr(SamplingRun, "__init__", remembered)
    with monkeypatch.context() as broken:
        broken.setattr(AttendAndExcite, "__call__", raising)
        with pytest.raises(type(error)):
            sample(guided_model, steps=4)
    error.__traceback__ = None
    gc.collect()
    assert [run() for run in runs] == [None], "the state of a broken run is still held"
    assert len(run_log(guided_model)) == 1
    clean_afterwards(model, plain)
    assert torch.equal(sample(guided_model, steps=4), first)


def test_comfyuis_own_interrupt_stops_a_refinement(model, plain):
    """The stop button sets a flag; every layer looks at it, also in our extra passes."""
    guided_model = guided(model, Schedule(max_refinements=100))
    calls, original = [], AttendAndExcite.per_subject

    def press_stop(self, maps, prompt):
        calls.append(1)
        if len(calls) == 5:
            comfy.model_management.interrupt_current_processing(True)
        return original(self, maps, prompt)

    AttendAndExcite.per_subject = press_stop
    try:
        with pytest.raises(comfy.model_management.InterruptProcessingException):
            sample(guided_model, steps=4)
    finally:
        AttendAndExcite.per_subject = original
        comfy.model_management.interrupt_current_processing(False)
    assert len(calls) < 12
    clean_afterwards(model, plain)


def test_a_guider_without_a_positive_prompt(model):
    from types import SimpleNamespace

    from pack.attention_hooks.host.conditioning.prompt_entries import positive_entries

    with pytest.raises(PromptUnderstandingError, match="has no positive conditioning"):
        positive_entries(SimpleNamespace(conds={"cond1": []}))


def test_a_sampler_of_another_kind(model):
    from pack.attention_hooks.host.sampling.seam import sampler_name

    with pytest.raises(PromptUnderstandingError, match="does not step through"):
        sampler_name(object())
