"""Prompt-to-Prompt together with guidance: each picture of the batch is read at its own words."""

from dataclasses import replace

import pytest
import torch
from editing import differ, pair, sample_edit, swap
from engine import guided, prompt
from pack.attention_hooks.edits.prompt_edit import PromptEdit
from pack.attention_hooks.host.install import with_edit
from pack.attention_hooks.host.settings import run_log
from pack.evaluation.methods import run_node
from pack.prompts.alignment import align
from pack.prompts.types import ParsedPrompt, Subject, Token, TokenSpan, Word


def test_a_stack_with_guidance(model):
    """The source under guidance is what it is without the edit; guidance reads plain maps, ours put nothing in."""
    edit = swap(pair())
    stack, alone = with_edit(guided(model), edit), guided(model)
    out, plain = sample_edit(stack, edit), sample_edit(alone, edit)
    assert torch.equal(out[0], plain[0]) and differ(plain[1], out[1]) > 1e-3
    steps, reference = run_log(stack).find(out).steps, run_log(alone).find(plain).steps
    assert len(steps) == len(reference) > 0
    for one, other in zip(steps, reference, strict=True):
        assert one.losses["attend_and_excite"][0] == other.losses["attend_and_excite"][0]
    assert torch.equal(steps[0].losses["attend_and_excite"], reference[0].losses["attend_and_excite"])
    other_way = sample_edit(guided(with_edit(model, edit)), edit)
    assert torch.equal(other_way, out)


def test_guidance_reads_each_edit_at_its_own_words(model):
    """A word inserted at the front: in the edit's row the subjects 2 and 5 are at 3 and 6."""
    base = prompt()
    first = replace(base.words[0], text="new")
    words = (
        first,
        *(replace(w, spans=(replace(w.spans[0], start=i + 2, stop=i + 3),)) for i, w in enumerate(base.words)),
    )
    longer = replace(base, text="new " + base.text, words=words[:9])
    edit = swap(pair(longer), swaps=False)
    seen = []
    from pack.attention_hooks.losses.attend_and_excite import AttendAndExcite

    class Spy(AttendAndExcite):
        name = "spy"

        def __call__(self, maps, parsed):
            seen.append([s.noun.positions for s in parsed.subjects])
            return super().__call__(maps, parsed)

    node = with_edit(guided(model, loss=Spy()), edit)
    sample_edit(node, edit, steps=2)
    assert seen[:2] == [[(2,), (5,)], [(3,), (6,)]]


def with_words(count: int) -> ParsedPrompt:
    """w1…w8 cut or lengthened to `count` words."""
    base = prompt()
    kinds = ["start", *["word"] * count, "end", *["pad"] * (75 - count)]
    tokens = tuple(Token(i, f"w{i}" if kind == "word" else "", kind) for i, kind in enumerate(kinds))
    words = tuple(Word(f"w{i}", 3 * i - 3, 3 * i - 1, (TokenSpan(f"w{i}", i, i + 1),)) for i in range(1, count + 1))
    return replace(base, text=" ".join(w.text for w in words), tokens=tokens, words=words)


@pytest.mark.parametrize("edited_words", [10, 5])
def test_every_technique_guides_an_edit_of_another_length(model, edited_words):
    """Longer and shorter; the shorter one has lost the modifier 6 of the subject 5."""
    base = prompt()
    described = replace(
        base, subjects=(Subject(base.words[1], base.words[:1]), Subject(base.words[4], base.words[5:6]))
    )
    source = replace(described, words=base.words)
    edit = swap(PromptEdit(source, (align(source, with_words(edited_words)),), 77), swaps=False)
    guided_model = model
    for node_id in ("PUAttendAndExcite", "PUSynGen", "PUAStar"):
        guided_model = run_node(node_id, model=guided_model, prompt=source, max_refinements=1)[0]
    samples = sample_edit(with_edit(guided_model, edit), edit, steps=4)
    assert torch.isfinite(samples).all()
    assert not torch.equal(samples, sample_edit(with_edit(model, edit), edit, steps=4))


def test_an_edit_that_took_every_modifier_away_is_not_bound(model):
    base = prompt()
    source = replace(base, subjects=(Subject(base.words[4], base.words[5:6]),))
    edit = swap(PromptEdit(source, (align(source, with_words(5)),), 77), swaps=False)
    bound = with_edit(run_node("PUSynGen", model=model, prompt=source)[0], edit)
    alone = with_edit(model, edit)
    # The source's row is guided, the edit's has nothing to bind.
    ours, plain = sample_edit(bound, edit, steps=4), sample_edit(alone, edit, steps=4)
    assert not torch.equal(ours[0], plain[0]) and torch.isfinite(ours).all()
