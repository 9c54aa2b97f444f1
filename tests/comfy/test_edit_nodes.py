"""The edit nodes on the Shapes model and on real tokenizers, and what they say to bad input."""

import asyncio

import comfy.sample
import pytest
import torch
from pack.attention_hooks.host.conditioning.source_and_edits import edit_latent, stack_conditionings
from pack.demo.detector import detect
from pack.demo.model import load_shapes
from pack.errors import PromptUnderstandingError
from pack.evaluation import edit_cases, editing
from pack.evaluation.methods import run_node
from test_prompt_nodes import parse

import nodes

SOURCE, EDITED = "a red circle and a blue star", "a green circle and a blue star"


@pytest.fixture(scope="module")
def shapes():
    return load_shapes()


def encode(shapes, source=SOURCE, edited=EDITED):
    with torch.inference_mode():
        return run_node("PUEncodeEdit", clip=shapes[1], source=source, edited=edited)


def edit_of(shapes, source=SOURCE, edited=EDITED):
    return encode(shapes, source, edited)[1]


@torch.inference_mode()
def sampled(shapes, edit, positive, sources=1, steps=4, patched=True):
    """Through the stock KSampler node."""
    model = run_node("PUPromptToPrompt", model=shapes[0], edit=edit)[0] if patched else shapes[0]
    negative = run_node("PUEncodePrompt", clip=shapes[1], text="")[0]
    latent = run_node("PUEditLatent", samples={"samples": torch.zeros(sources, 3, 64, 64)}, edit=edit)[0]
    (out,) = nodes.KSampler().sample(model, 1, steps, 3.0, "euler", "normal", positive, negative, latent)
    return model, out


def test_encode_edit_makes_one_row_a_prompt(shapes):
    conditioning, edit, prompt, report = encode(shapes, edited=f"{EDITED}\n\n  a red square and a blue star \n")
    assert conditioning[0][0].shape == (3, 77, 128) and len(edit.prompts) == 3
    alone = encode(shapes, edited="")[0][0][0]
    assert torch.equal(conditioning[0][0][:1], alone) and prompt.text == SOURCE
    assert "swapped  red [2] → green [2]" in report and "swapped  circle [3] → square [3]" in report


def test_prompts_of_unlike_lengths_are_repeated(shapes):
    conditioning, edit, *_ = encode(shapes, edited="a red circle, " * 30)
    rows = conditioning[0][0]
    assert rows.shape[:2] == (2, 154) and edit.length == 154
    assert torch.equal(rows[0, :77], rows[0, 77:]) and not torch.equal(rows[1, :77], rows[1, 77:])


def test_pooled_vectors_are_stacked():
    """SDXL's: one a prompt. Other entries are the source's."""
    ones = [[[torch.zeros(1, 77, 8), {"pooled_output": torch.full((1, 4), i), "width": i}]] for i in (1.0, 2.0)]
    ((tensor, options),), length = stack_conditionings(ones)
    assert tensor.shape == (2, 77, 8) and length == 77
    assert options["pooled_output"][:, 0].tolist() == [1, 2] and options["width"] == 1


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_several_piece_words_of_real_tokenizers(family):
    """ "axolotl" is three or more pieces of CLIP, "cat" one: the swap shares, what follows moves."""
    from pack.prompts.alignment import align, token_map

    source, edited = parse(family, "a cat on a mat"), parse(family, "an (axolotl:1.2) on a mat")
    places = {word.text: word.positions for word in edited.words}
    pieces = places["axolotl"]
    matrix = token_map(align(source, edited), 77, swaps=True)
    assert len(pieces) > 1 and matrix[2, list(pieces)].tolist() == pytest.approx([1 / len(pieces)] * len(pieces))
    assert matrix[3, places["on"][0]] == 1 and matrix[5, places["mat"][0]] == 1
    assert matrix[6, places["mat"][0] + 1] == 1, "the end mark follows"


def test_edit_latent_draws_one_noise_a_group(shapes):
    edit = edit_of(shapes, edited=f"{EDITED}\na red circle")
    latent = {"samples": torch.zeros(2, 4, 8, 8), "noise_mask": torch.rand(2, 1, 8, 8)}
    out = run_node("PUEditLatent", samples=latent, edit=edit)[0]
    assert out["samples"].shape[0] == 6 and out["batch_index"] == [0, 0, 0, 1, 1, 1]
    noise = comfy.sample.prepare_noise(out["samples"], 3, out["batch_index"])
    plain = comfy.sample.prepare_noise(latent["samples"], 3)
    assert torch.equal(noise[::3], plain) and torch.equal(noise[0], noise[2])
    assert torch.equal(out["noise_mask"][2], latent["noise_mask"][0])
    picked = edit_latent({"samples": torch.zeros(1, 4, 8, 8), "batch_index": [5]}, 2)
    assert picked["batch_index"] == [5, 5]


def test_the_stock_sampler_gives_the_plain_source(shapes):
    conditioning, edit, *_ = encode(shapes)
    swap = run_node("PUWordSwap", edit=edit)[0]
    _, out = sampled(shapes, swap, conditioning, sources=2)
    _, plain = sampled(shapes, swap, conditioning, sources=2, patched=False)
    assert torch.equal(out["samples"][::2], plain["samples"][::2])
    assert not torch.equal(out["samples"][1::2], plain["samples"][1::2])


def test_sampler_custom_advanced(shapes):
    import comfy_extras.nodes_custom_sampler as custom

    conditioning, edit, *_ = encode(shapes)
    swap = run_node("PUWordSwap", edit=edit)[0]
    model, out = sampled(shapes, swap, conditioning)
    with torch.inference_mode():
        negative = run_node("PUEncodePrompt", clip=shapes[1], text="")[0]
        guider = custom.CFGGuider.execute(model, conditioning, negative, 3.0).args[0]
        sigmas = custom.BasicScheduler.execute(model, "normal", 4, 1.0).args[0]
        noise = custom.RandomNoise.execute(1).args[0]
        sampler = custom.KSamplerSelect.execute("euler").args[0]
        latent = run_node("PUEditLatent", samples={"samples": torch.zeros(1, 3, 64, 64)}, edit=swap)[0]
        other = custom.SamplerCustomAdvanced.execute(noise, guider, sampler, sigmas, latent).args[0]
    assert torch.equal(other["samples"], out["samples"])


def test_nodes_compose_in_any_order(shapes):
    conditioning, edit, *_ = encode(shapes, edited="a green circle and a big blue star")
    steps = [("PUWordSwap", {}), ("PURefine", {"until": 0.5}), ("PUReweight", {"words": "green: 2, star: 0.5"})]
    results = []
    for order in ((0, 1, 2), (2, 1, 0)):
        chained = edit
        for name, knobs in (steps[i] for i in order):
            chained = run_node(name, edit=chained, **knobs)[0]
        results.append(sampled(shapes, chained, conditioning)[1]["samples"])
    # Re-weight placed first keeps the shared words itself; the others' windows hold them as long.
    assert torch.allclose(results[0], results[1], atol=1e-4)


def test_words_with_windows_of_their_own(shapes):
    edit = run_node("PUWordSwap", edit=edit_of(shapes), words_until="green: 0.3")[0]
    (swap,) = edit.injections
    held = swap.windows.hold(0.5)[0]
    assert not held[2] and held[3] and swap.windows.hold(0.2)[0, 2]


def test_reweight_needs_no_second_picture(shapes):
    conditioning, edit, *_ = encode(shapes, edited="")
    same = run_node("PUReweight", edit=edit, words="red: 1")[0]
    plain = sampled(shapes, same, conditioning, patched=False)[1]["samples"]
    assert torch.equal(sampled(shapes, same, conditioning)[1]["samples"], plain)
    negative = run_node("PUReweight", edit=edit, words="red: -2")[0]
    assert not negative.injections and not negative.self_attention
    changed = sampled(shapes, negative, conditioning)[1]["samples"]
    assert changed.shape[0] == 1 and not torch.equal(changed, plain)


def test_reweighting_the_same_prompt_keeps_the_layout(shapes):
    edit = run_node("PUReweight", edit=edit_of(shapes, edited=SOURCE), words="red: 2")[0]
    assert len(edit.injections) == len(edit.self_attention) == 1 and edit.weights[0].scales[:, 2].tolist() == [1, 2]


def test_blend_mask(shapes):
    conditioning, edit, *_ = encode(shapes)
    edit = run_node("PULocalBlend", edit=run_node("PUWordSwap", edit=edit)[0])[0]
    assert edit.blend.words.nonzero().tolist() == [[0, 3], [1, 3]], "the circle, not its colour"
    model, out = sampled(shapes, edit, conditioning, steps=8)
    mask = run_node("PUBlendMask", model=model, samples=out)[0]
    assert mask.shape == (2, 64, 64) and set(mask.unique().tolist()) <= {0.0, 1.0}
    latent, outside = out["samples"], mask[1] == 0
    assert outside.any() and torch.equal(latent[1][:, outside], latent[0][:, outside])
    named = run_node("PULocalBlend", edit=edit, words="star", subtract="circle")[0]
    assert named.blend.words.nonzero().tolist() == [[0, 7], [1, 7]]
    assert named.blend.subtract.nonzero().tolist() == [[0, 3], [1, 3]]


def test_bad_input_is_answered_in_sentences(shapes):
    edit = edit_of(shapes)
    same, alone = edit_of(shapes, edited=SOURCE), edit_of(shapes, edited="")
    for node in ("PUWordSwap", "PURefine"):
        with pytest.raises(PromptUnderstandingError, match="nothing changed between the prompts"):
            run_node(node, edit=same)
        with pytest.raises(PromptUnderstandingError, match="has no edited prompt"):
            run_node(node, edit=alone)
    with pytest.raises(PromptUnderstandingError, match="'frog' was asked for.*Its words are: a, green, circle"):
        run_node("PULocalBlend", edit=edit, words="frog")
    with pytest.raises(PromptUnderstandingError, match="no place that changes"):
        run_node("PULocalBlend", edit=same)
    with pytest.raises(PromptUnderstandingError, match="'frog' was asked for"):
        run_node("PUReweight", edit=edit, words="frog: 2")
    with pytest.raises(PromptUnderstandingError, match="given no word"):
        run_node("PUReweight", edit=edit, words="")
    with pytest.raises(PromptUnderstandingError, match="'lion' was asked for"):
        run_node("PUWordSwap", edit=edit, words_until="lion: 0.4")
    with pytest.raises(PromptUnderstandingError, match="start first"):
        run_node("PUWordSwap", edit=edit, start=0.9)
    with pytest.raises(PromptUnderstandingError, match="not how to keep the rest"):
        run_node("PUPromptToPrompt", model=shapes[0], edit=edit)
    with pytest.raises(PromptUnderstandingError, match="CLIP input is empty"):
        run_node("PUEncodeEdit", clip=None, source="a", edited="")
    swap = run_node("PUWordSwap", edit=edit)[0]
    model, out = sampled(shapes, swap, encode(shapes)[0], steps=2)
    with pytest.raises(PromptUnderstandingError, match="this run blended nothing"):
        run_node("PUBlendMask", model=model, samples=out)


def test_every_node_is_listed_and_explained():
    from pack.nodes import PromptUnderstandingExtension

    schemas = [n.define_schema() for n in asyncio.run(PromptUnderstandingExtension().get_node_list())]
    edits = [schema for schema in schemas if schema.category == "prompt understanding/edit"]
    assert {s.node_id for s in edits} >= {
        "PUEncodeEdit", "PUWordSwap", "PURefine", "PUReweight", "PULocalBlend", "PUPromptToPrompt", "PUEditLatent",
        "PUBlendMask",
    }  # fmt: skip
    assert all(i.tooltip for schema in edits for i in schema.inputs)


# --- the editing table ---


def test_the_judge_on_rendered_scenes():
    """A circle recoloured in place, the star kept or moved by three pixels."""
    from pack.demo.scenes import Scene, Thing, render

    def scene(colour: str, star_x: float = 46.0):
        things = (Thing("circle", colour, 18, 20, 10), Thing("star", "blue", star_x, 44, 11))
        return render(Scene(things))[0]

    case = next(c for c in edit_cases.cases()[0] if c.kind == "colour swap")
    case = edit_cases.Case("colour swap", SOURCE, EDITED, ("circle", "red"), ("circle", "green"), ("star", "blue"), ())
    assert edit_cases.is_right(case, detect(scene("red"))) and not edit_cases.is_right(case, detect(scene("green")))
    kept = edit_cases.judge(case, scene("red"), scene("green"))
    assert (kept["happened"], kept["stayed"]) == (1, 1) and kept["outside"] < 0.1
    moved = edit_cases.judge(case, scene("red"), scene("red", 49.0))
    assert (moved["happened"], moved["stayed"]) == (0, 0) and moved["outside"] > 1


def test_the_cases_ask_for_what_their_prompts_say():
    every = [case for edits in edit_cases.cases() for case in edits]
    assert len(every) == 4 * 32
    for case in every:
        assert case.other[0] in case.source and case.other[1] in case.edited
        assert case.before[0] in case.source and case.after[0] in case.edited
        assert (case.source == case.edited) == (case.kind == "re-weight")


def test_figures_and_page_from_known_rows():
    """Two pairs a kind and arm, one of which happened and stayed."""
    from pack.evaluation.tables.editing import editing_page

    seen = [{"happened": 1.0, "stayed": 1.0, "outside": 2.0}, {"happened": 0.0, "stayed": 0.0, "outside": 4.0}]
    kinds = list(editing.settings())
    rows = [
        {"kind": kind, "arm": arm, "seed": 1, "index": i, **one}
        for kind in kinds
        for arm in edit_cases.ARMS
        for i, one in enumerate(seen)
    ]
    places = [
        {"kind": kind, "tau": tau, "seed": 1, "index": i, **one}
        for kind in kinds[:2]
        for tau in editing.TAUS
        for i, one in enumerate(seen)
    ]
    assert all(editing._count(rows, kind) == 2 for kind in kinds)
    ratio = {"median": 1.05, "low": 1.0, "high": 1.1, "cpu": 1.04}
    page = editing_page(
        {
            "recipe": {"steps": 20, "sampler": "euler", "scheduler": "normal", "cfg": 3.0, "size": 64},
            "machine": {"device": "CPU", "system": "Linux", "torch": "2", "comfyui": "0.30"},
            "weights": "abc",
            "settings": editing.settings(),
            "kinds": editing.summarise(rows),
            "tau": editing.curve(places),
            "cost": {"network": "n", "steps": 5, "rounds": 3, "word swap / plain": ratio},
        },
        "editing_tau.png",
    )
    assert "| colour swap | with local blend | 2 | 50.0 (9.5 to 90.5) | 50.0 (9.5 to 90.5) | 3.0 |" in page
    assert "| word swap / plain | 1.05 (1.00 to 1.10) | 1.04 |" in page


def test_a_run_goes_on_where_it_was_cut_short(tmp_path):
    calls = []

    def work(edits, seed):
        """Sources for shape swaps are rarer: one for every two colour swaps."""
        calls.append((seed, *(case.kind for case in edits)))
        for case in edits:
            for index in range(2 if case.kind == "colour swap" else 1):
                yield {"kind": case.kind, "arm": editing.EDITED, "seed": seed, "index": index}

    file, kinds = tmp_path / "rows.jsonl", ["colour swap", "shape swap"]
    editing._collect(file, {"a": 1}, kinds, 2, work, lambda _: None)
    first = editing.FIRST_SEED
    assert calls == [(first, *kinds), (first + 1, "shape swap")], "what is full is not drawn on"
    rows = editing._collect(file, {"a": 1}, kinds, 3, work, lambda _: None)
    assert calls[2:] == [(first + 2, *kinds)] and len(rows) == 7
    editing._collect(file, {"a": 2}, kinds, 1, work, lambda _: None)
    assert len(calls) == 4, "other settings start afresh"
