"""Other packs' patches beside ours: nothing is left behind, and nothing of theirs is taken for the picture's own."""

from dataclasses import replace

import comfy.model_management
import neighbours
import pytest
import torch
from editing import blending, differ, pair, sample_edit, swap, weighted
from engine import guided, positive, prompt, sample
from pack.attention_hooks.edits.self_attention import SelfInjection
from pack.attention_hooks.edits.structured import OneKeySet, Phrase
from pack.attention_hooks.edits.windows import Window
from pack.attention_hooks.host.editing.attention_values import with_value_edit
from pack.attention_hooks.host.install import with_capture, with_edit
from pack.attention_hooks.host.sampling.forwards import forwards_kept, forwards_kept_when_stopped
from pack.attention_hooks.host.settings import Capture, run_log
from pack.attention_hooks.optimize.schedule import Schedule
from pack.errors import PromptUnderstandingError
from tiny import conditioning, tiny_sd

ALWAYS = Schedule(refinements=(), until=1.0)


@pytest.fixture(scope="module")
def model():
    """Not the session's: ComfyUI leaves an attribute behind where a layer's forward was patched."""
    return tiny_sd()


def captured(model, **options):
    node = with_capture(model, Capture())
    return run_log(node).find(sample(node, steps=2, **options)).maps


def structured(model):
    return with_value_edit(model, prompt(), OneKeySet((Phrase("p", (2, 3), torch.ones(2, 32)),)))


# --- forwards ---


def test_what_another_pack_changes_inside_the_forward_is_put_back():
    """The gradient pass is stopped while its layers are changed; afterwards the model draws as it did."""
    model = tiny_sd()
    before = sample(model, steps=2)
    record = guided(neighbours.swapped_inside(model), ALWAYS)
    assert len(run_log(record).find(sample(record, steps=3)).steps) == 2
    assert torch.equal(sample(model, steps=2), before)
    layers = model.model.diffusion_model.named_modules()
    assert not [name for name, layer in layers if "lambda" in layer.forward.__qualname__]


STOPS = (ValueError, comfy.model_management.InterruptProcessingException)


@pytest.mark.parametrize(
    ("kept", "raised"),
    [*((forwards_kept, stop) for stop in (None, *STOPS)), *((forwards_kept_when_stopped, stop) for stop in STOPS)],
)
def test_forwards_hooks_and_layers_are_kept_whoever_changes_them(kept, raised):
    network = tiny_sd().model.diffusion_model
    block = network.middle_block[1].transformer_blocks[0]
    own, layer = (lambda x: x), block.attn2
    block.attn1.forward = own
    hook = block.register_forward_hook(lambda *_: None)
    try:
        with kept(network):
            block.attn1.forward = block.attn2.forward = lambda x: 2 * x
            block.attn2 = torch.nn.Identity()
            hook.remove()
            block.register_forward_pre_hook(lambda *_: None)
            if raised:
                raise raised("stopped")
    except BaseException as error:  # noqa: B036  (the interrupt is one)
        assert type(error) is raised
    assert block.attn1.forward is own and block.attn2 is layer and "forward" not in vars(layer)
    assert len(block._forward_hooks) == 1 and not block._forward_pre_hooks


# --- rows ---


@pytest.mark.parametrize("technique", ["guidance", "capture", "edit"])
def test_what_acts_late_is_refused_at_the_first_call(model, technique):
    """Not half a picture later."""
    couple, calls, edit = neighbours.regions(model), [], swap(pair(), until=0.0, self_until=0.0)
    couple.set_model_attn1_patch(lambda n, k, v, options: calls.append(options["sigmas"]) or (n, k, v))
    run = {
        "guidance": lambda: sample(guided(couple, Schedule(start=0.6, until=1.0))),
        "capture": lambda: sample(with_capture(couple, Capture(start=0.6))),
        "edit": lambda: sample_edit(with_edit(couple, weighted(edit, 2.0, until=0.0)), edit),
    }
    with pytest.raises(PromptUnderstandingError, match="neighbours.regions"):
        run[technique]()
    assert len({float(sigmas[0]) for sigmas in calls}) == 1


@pytest.mark.parametrize(("count", "batch"), [(1, 1), (2, 1), (1, 2)])
def test_repeated_rows_are_refused_by_name(model, count, batch):
    couple = neighbours.regions(model, count)
    assert sample(couple, steps=1, batch=batch).isfinite().all()
    edit = swap(pair())
    runs = (
        lambda: captured(couple, batch=batch),
        lambda: sample(guided(couple, ALWAYS), batch=batch, steps=1),
        lambda: sample_edit(with_edit(couple, edit), edit, sources=batch, steps=1),
        lambda: sample(structured(couple), batch=batch, steps=1),
    )
    for run in runs:
        with pytest.raises(PromptUnderstandingError, match="repeats rows.*neighbours.regions"):
            run()


def test_more_text_than_picture_is_refused_by_name(model):
    """An edit takes the place of the layer that knows what the further rows are for."""
    edit, more = swap(pair()), neighbours.more_keys(model)
    assert torch.equal(sample(more, steps=1), sample(model, steps=1))
    with pytest.raises(PromptUnderstandingError, match="forward.*neighbours.more_keys"):
        sample_edit(with_edit(more, edit), edit, steps=1)
    with pytest.raises(PromptUnderstandingError, match="rows.*neighbours.more_keys"):
        sample(structured(more), steps=1)


@pytest.mark.parametrize("other", ["object_patched", "swapped_inside"])
def test_layers_that_are_another_packs_are_not_gone_past(model, other):
    """An edit in the place of such a layer would leave out what that pack does, in the source as well."""
    edit, before = swap(pair()), sample(model, steps=1)
    with pytest.raises(PromptUnderstandingError, match="changed the layer input.1.0 itself"):
        sample_edit(with_edit(getattr(neighbours, other)(model), edit), edit, steps=1)
    assert torch.equal(sample(model, steps=1), before), "our sentence leaves nothing behind either"


def test_local_blend_without_a_whole_picture_says_so(model):
    edit = blending(swap(pair()))
    with pytest.raises(PromptUnderstandingError, match="called for parts of it only"):
        sample_edit(with_edit(neighbours.tiled(model), edit), edit, steps=4)


# --- tokens, places ---


def test_other_tokens_are_refused_by_name(model):
    long, short = conditioning(154), conditioning(154, seed=2)
    with pytest.raises(PromptUnderstandingError, match="was given 77.*neighbours.own_tokens"):
        captured(neighbours.own_tokens(model), pos=long, neg=short)


def test_merged_places_are_refused_by_name(model):
    with pytest.raises(PromptUnderstandingError, match="looks from 12 places.*4 x 6.*neighbours.merged_places"):
        captured(neighbours.merged_places(model))


@pytest.mark.parametrize(("other", "met"), [("token_merging", "looks from"), ("hyper_tile", "rows of its own")])
def test_outlines_cannot_be_kept_where_places_are_merged_or_tiled(model, other, met):
    """An edit that keeps outlines in the layers that these two change; by default it does so in deeper ones."""
    patched, edit = getattr(neighbours, other)(model), swap(pair())
    sources = []
    for one in (patched, with_edit(patched, edit)):
        torch.manual_seed(0)  # which both draw from
        sources.append(sample_edit(one, edit, steps=1)[0])
    assert torch.equal(*sources)
    everywhere = replace(edit, self_attention=(SelfInjection(Window(0.0, 0.4), "all"),))
    with pytest.raises(PromptUnderstandingError, match=met):
        sample_edit(with_edit(patched, everywhere), everywhere, steps=1)


# --- passes ---


@pytest.mark.parametrize("other", ["windows", "other_level", "other_level_first", "negative_first", "perturbed"])
@pytest.mark.parametrize("each_step", [False, True])
def test_maps_are_of_the_pictures_own_pass(model, other, each_step):
    """At one step from one noise, the maps are those of the MODEL without these passes, and the picture is theirs."""
    node = with_capture(getattr(neighbours, other)(model), Capture(each_step=each_step))
    plain = with_capture(model, Capture(each_step=each_step))
    out, expected = sample(node, steps=1, batch=2), sample(plain, steps=1, batch=2)
    assert torch.equal(out, sample(getattr(neighbours, other)(model), steps=1, batch=2))
    maps, wanted = (run_log(n).find(o).maps.probs for n, o in ((node, out), (plain, expected)))
    assert maps.keys() == wanted.keys() and all(torch.equal(maps[site], wanted[site]) for site in maps)


def test_a_picture_that_is_only_drawn_in_tiles_has_no_maps_and_says_so(model):
    from pack.nodes.look_nodes import captured_run

    node = with_capture(neighbours.tiled(model), Capture())
    out = sample(node, steps=2)
    assert torch.equal(out, sample(neighbours.tiled(model), steps=2))
    with pytest.raises(PromptUnderstandingError, match="never called for the whole picture"):
        captured_run(node, {"samples": out})


@pytest.mark.parametrize("self_until", [0.0, 0.4])
def test_perturbed_attention_leaves_the_source_as_it_was(model, self_until):
    """PAG's own pass is made with PAG's patch, whatever we have put there before: sources are bit for bit PAG's."""
    edit, pag = swap(pair(), self_until=self_until), neighbours.perturbed(model)
    plain, out = (sample_edit(m, edit, sources=2, steps=4) for m in (pag, with_edit(pag, edit)))
    assert torch.equal(out[::2], plain[::2])
    assert differ(out[1::2], plain[1::2]) > 1e-3
    assert differ(plain, sample_edit(model, edit, sources=2, steps=4)) > 1e-3, "and PAG does something"


# --- caches ---


@pytest.mark.parametrize("cache", ["easy_cache", "lazy_cache"])
def test_guidance_acts_at_every_step_of_a_model_with_a_cache(model, cache):
    node, plain = guided(getattr(neighbours, cache)(model), ALWAYS), guided(model, ALWAYS)
    steps, wanted = (run_log(n).find(sample(n, steps=6)).steps for n in (node, plain))
    assert [one.step for one in steps] == [one.step for one in wanted] == [0, 1, 2, 3, 4]


def test_what_answers_in_the_networks_place_is_named(model):
    """The pass for guidance is never made: to go on would be to do nothing, silently."""
    with pytest.raises(PromptUnderstandingError, match="answers in their place.*neighbours.answered"):
        sample(guided(neighbours.answered(model), ALWAYS), steps=3)


# --- Structured Diffusion ---


def test_structured_diffusion_is_for_the_source_of_an_edit_alone(model):
    """Encode Edit's rows are a source and its edits, and the phrases are the source's."""
    edit, seen = pair(), []
    spied = structured(model).clone()

    def spy(n, context, value, options):
        at = options["cond_or_uncond"].index(0) * 4
        seen.append([bool((context[at + i] != value[at + i]).any()) for i in range(4)])
        return n, context, value

    def last(executor, guider, sigmas, extra, *args, **kwargs):
        patches = extra["model_options"]["transformer_options"]["patches"]
        patches["attn2_patch"] = [*patches["attn2_patch"], spy]
        return executor(guider, sigmas, extra, *args, **kwargs)

    spied.add_wrapper_with_key("sampler_sample", "spy", last)
    sample_edit(spied, edit, sources=2, steps=1)
    assert seen[0] == [True, False, True, False]


def test_structured_diffusion_leaves_a_text_behind_the_prompt_alone(model):
    """Conditioning (Concat): tokens 2 and 3 of 154, and not 79 and 80 of the other text."""
    import nodes

    joined, seen = nodes.ConditioningConcat().concat(positive(), conditioning(seed=5))[0], []
    spied = structured(model).clone()

    def last(executor, guider, sigmas, extra, *args, **kwargs):
        def spy(n, context, value, options):
            row = options["cond_or_uncond"].index(0)
            seen.append((context != value)[row].any(-1).nonzero().flatten().tolist())
            return n, context, value

        patches = extra["model_options"]["transformer_options"]["patches"]
        patches["attn2_patch"] = [*patches["attn2_patch"], spy]
        return executor(guider, sigmas, extra, *args, **kwargs)

    spied.add_wrapper_with_key("sampler_sample", "spy", last)
    sample(spied, pos=joined, neg=conditioning(154, seed=2), steps=1)
    assert seen[0] == [2, 3]
