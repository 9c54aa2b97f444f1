"""SynGen, A-STAR and Prompt Guidance (auto) as nodes on the real sampler: what they do, and when they do nothing."""

from dataclasses import replace
from itertools import permutations

import pytest
import torch
from engine import positive, prompt, sample
from pack.attention_hooks.host.settings import run_log, settings_of
from pack.errors import PromptUnderstandingError
from pack.evaluation.methods import run_node
from pack.prompts.types import ParsedPrompt, Subject

WORDS = prompt().words
RED_CAR, GREEN_FROG = Subject(WORDS[1], (WORDS[0],)), Subject(WORDS[4], (WORDS[3],))
CHAIN = ("PUAttendAndExcite", "PUSynGen", "PUAStar")


def parsed(*subjects: Subject) -> ParsedPrompt:
    return replace(prompt(), subjects=subjects)


TWO_DESCRIBED = parsed(RED_CAR, GREEN_FROG)
TWO_BARE = parsed(Subject(WORDS[1]), Subject(WORDS[4]))


def on(model, *node_ids, words=TWO_DESCRIBED, **knobs):
    for node_id in node_ids:
        model = run_node(node_id, model=model, prompt=words, **knobs)[0]
    return model


def record_of(model, samples):
    return run_log(model).find(samples)


@pytest.mark.parametrize("node_id", CHAIN)
@pytest.mark.parametrize("hw", [(16, 16), (16, 24)])
def test_each_moves_a_batch_the_same_way_twice(model, node_id, hw):
    guided = on(model, node_id)
    first, second = (sample(guided, steps=4, batch=2, hw=hw) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, sample(model, steps=4, batch=2, hw=hw))


@pytest.mark.parametrize("node_id", [*CHAIN, "PUPromptGuidance"])
def test_strength_zero_is_plain_to_the_bit(model, node_id):
    assert torch.equal(sample(on(model, node_id, strength=0.0), steps=4), sample(model, steps=4))


@pytest.mark.parametrize(
    ("node_id", "words", "knobs", "said"),
    [
        ("PUSynGen", TWO_BARE, {}, "nothing describes w2, w5"),
        ("PUSynGen", TWO_DESCRIBED, {"together": 0.0, "apart": 0.0}, "both its weights"),
        ("PUAStar", parsed(RED_CAR), {"retention": 0.0}, "there is only 'w1 w2'"),
        ("PUAStar", TWO_BARE, {"retention": 0.0, "segregation": 0.0}, "both its weights"),
    ],
)
def test_nothing_to_do_is_said_and_costs_nothing(model, node_id, words, knobs, said):
    guided = on(model, node_id, words=words, **knobs)
    samples = sample(guided, steps=4)
    record = record_of(guided, samples)
    assert torch.equal(samples, sample(model, steps=4))
    assert record.forwards == 0 and any(said in note for note in record.notes)


def test_syngen_works_on_lone_nouns_where_asked(model):
    guided = on(model, "PUSynGen", words=TWO_BARE, lone_nouns="when no noun has a modifier")
    samples = sample(guided, steps=4)
    assert len(record_of(guided, samples).steps) == 2
    assert not torch.equal(samples, sample(model, steps=4))


def test_a_group_that_is_the_whole_prompt(model):
    """No other word to keep away from: the positive term alone works."""
    words = prompt().words[:2]
    tokens = tuple(t._replace(kind="pad") if t.position > 2 else t for t in prompt().tokens)
    whole = replace(prompt(), words=words, tokens=tokens, subjects=(RED_CAR,))
    guided = on(model, "PUSynGen", words=whole)
    samples = sample(guided, steps=4)
    assert torch.isfinite(samples).all() and float(record_of(guided, samples).steps[0].losses["syngen"]) > 0


def test_the_same_thing_twice(model):
    """ "a cat and a cat": two places in the prompt, two subjects."""
    cats = parsed(Subject(WORDS[1]), replace(RED_CAR, noun=WORDS[4], modifiers=()))
    assert torch.isfinite(sample(on(model, "PUAttendAndExcite", "PUAStar", words=cats), steps=4)).all()


def test_modifiers_without_a_noun_are_refused(model):
    for node_id in (*CHAIN, "PUPromptGuidance"):
        with pytest.raises(PromptUnderstandingError, match="at least one subject"):
            on(model, node_id, words=parsed())


def test_a_subject_beyond_the_encoder_is_refused(model):
    lost = parsed(Subject(replace(WORDS[1], spans=())), Subject(WORDS[4]))
    for node_id in ("PUAttendAndExcite", "PUAStar"):
        with pytest.raises(PromptUnderstandingError, match="no token to 'w2'"):
            on(model, node_id, words=lost)


def test_three_techniques_share_one_pass_in_any_order(model):
    latents = []
    for order in permutations(CHAIN):
        guided = on(model, *order, refine_at="", refine_to="")
        latents.append(sample(guided, steps=6))
        record = record_of(guided, latents[-1])
        assert record.forwards == record.backwards == len(record.steps)
        assert set(record.steps[0].losses) == {"attend_and_excite", "syngen", "a_star"}
    assert all(torch.equal(latents[0], other) for other in latents[1:])


def test_each_keeps_its_own_window_and_strength(model):
    guided = on(on(model, "PUSynGen", until=0.3), "PUAStar", until=0.7)
    record = record_of(guided, sample(guided, steps=10))
    late = [step for step in record.steps if step.progress > 0.35]
    assert late and all(set(step.losses) == {"a_star"} for step in late)


def test_auto_is_the_chain_it_says_it_is(model):
    auto, why = run_node("PUPromptGuidance", model=model, prompt=TWO_DESCRIBED)
    samples = sample(auto, steps=6)
    assert torch.equal(samples, sample(on(model, *CHAIN), steps=6))
    notes = "\n".join(record_of(auto, samples).notes)
    for technique in ("Attend-and-Excite", "SynGen", "A-STAR"):
        assert technique in why and technique in notes


def test_auto_leaves_out_what_has_nothing_to_do(model):
    auto, why = run_node("PUPromptGuidance", model=model, prompt=parsed(Subject(WORDS[1])))
    assert [g.name for g in settings_of(auto).guidances] == ["attend_and_excite"] and "SynGen" not in why


def test_auto_shares_its_step_out_as_it_is_told(model):
    shared, _ = run_node("PUPromptGuidance", model=model, prompt=TWO_DESCRIBED, strength=2.0, binding=0.25, apart=0.5)
    steps = {g.name: g.schedule.step_size for g in settings_of(shared).guidances}
    assert steps == {"attend_and_excite": 40.0, "syngen": 10.0, "a_star": 20.0}
    bare, why = run_node("PUPromptGuidance", model=model, prompt=TWO_DESCRIBED, binding=0.0, apart=0.0)
    assert "SynGen" not in why and "A-STAR" not in why
    assert torch.equal(sample(bare, steps=4), sample(on(model, "PUAttendAndExcite"), steps=4))


@pytest.mark.parametrize("cfg", [1.0, 3.0])
def test_a_stack_at_any_cfg_and_on_a_mixed_batch(model, cfg):
    """A batch in which images differ gives each what it gets alone, up to the arithmetic of larger batches."""
    guided = on(model, *CHAIN, max_refinements=2)
    both = sample(guided, steps=4, batch=2, cfg=cfg, pos=positive())
    assert torch.allclose(both[:1], sample(guided, steps=4, batch=1, cfg=cfg), atol=2e-3)
