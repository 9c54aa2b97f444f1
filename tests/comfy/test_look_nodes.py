"""The look nodes after real runs of the stock sampler: maps, masks, reports, and why there is nothing to see."""

from __future__ import annotations

import pytest
import torch
from engine import guided, positive, prompt, sample
from pack.attention_hooks.host.install import with_capture
from pack.attention_hooks.host.settings import Capture, run_log
from pack.errors import PromptUnderstandingError
from pack.nodes.look_nodes import EACH, MEAN, PUAttentionHeatMap, PUGuidanceReport, PUTokenStrip
from pack.prompts.types import Subject
from tiny import tiny_sd

HW = (16, 24)
PICTURE = (128, 192)


@pytest.fixture(scope="module")
def bare():
    return tiny_sd()


def run(model, **options):
    return {"samples": sample(model, steps=4, hw=HW, **options)}


def look(model, samples, parsed=None, words="", image=None, **knobs):
    """The node with its defaults, but for `knobs`. -> pictures, masks"""
    schema = PUAttentionHeatMap.define_schema()
    values = {i.id: i.default for i in schema.inputs if getattr(i, "default", None) is not None}
    values |= {
        "model": model,
        "samples": samples,
        "prompt": parsed or prompt(),
        "words": words,
        "image": image,
        **knobs,
    }
    with torch.inference_mode():
        return PUAttentionHeatMap.execute(**values).args


@pytest.fixture(autouse=True)
def no_preview_files(monkeypatch):
    """Previews are files in the server's temp folder, and there is no server here."""
    from pack.nodes import look_nodes

    class Preview:
        def __init__(self, picture, cls=None):
            assert picture.ndim == 4

        def as_dict(self):
            return {"images": []}

    monkeypatch.setattr(look_nodes.ui, "PreviewImage", Preview)


# --- Heat maps -------------------------------------------------------------------------------------------------------


def test_without_words_every_subject_has_a_mask_at_the_picture_size(bare):
    model = with_capture(bare, Capture())
    pictures, masks = look(model, run(model, batch=2))
    assert masks.shape == (2 * 2, *PICTURE)  # two images, two subjects; a latent pixel is 8 x 8
    assert pictures.shape[0] == 2 and pictures.shape[-1] == 3
    assert masks.unique().tolist() == [0, 1]


def test_masks_are_those_of_the_captured_probabilities(bare):
    """Worked out beside the node, from the record alone: mean over the quarter sites, word 2, image 1."""
    model = with_capture(bare, Capture())
    samples = run(model, batch=2)
    maps = run_log(model).find(samples["samples"]).maps
    sites = [probs for probs in maps.probs.values() if probs.shape[-2:] == (4, 6)]
    heat = sum(site[0, 1, 2] for site in sites) / len(sites)
    heat = (heat - heat.min()) / (heat.max() - heat.min())
    wanted = torch.nn.functional.interpolate(heat[None, None], PICTURE, mode="bicubic", align_corners=False)[0, 0]
    _, masks = look(model, samples, words="w2, w3", threshold=0.0)
    # Image by image: image 0 has the first two, so word 2 of image 1 is the third.
    assert torch.allclose(masks[2], wanted.clamp(0, 1), atol=1e-5)


def test_the_picture_gives_the_size_and_is_drawn_first(bare):
    model = with_capture(bare, Capture())
    image = torch.zeros(1, 96, 144, 3)
    image[..., 1] = 1
    pictures, masks = look(model, run(model), image=image)
    assert masks.shape[1:] == (96, 144)
    green = (pictures[0] == torch.tensor([0.0, 1.0, 0.0])).all(-1)
    assert green.sum() == 96 * 3 * 144 * 3  # enlarged three times, to at least 256 pixels


def test_each_step_gives_a_picture_and_masks_a_step(bare):
    model = with_capture(bare, Capture(each_step=True))
    samples = run(model)
    pictures, masks = look(model, samples, combine=EACH)
    assert len(pictures) == 4 and len(masks) == 4 * 2
    early, late = (look(model, samples, threshold=0.0, **r)[1] for r in ({"until": 0.3}, {"start": 0.3}))
    assert not torch.equal(early, late)


def test_merged_masks_cover_what_the_single_ones_cover(bare):
    model = with_capture(bare, Capture())
    samples = run(model, batch=2)
    _, single = look(model, samples)
    _, merged = look(model, samples, masks="all words in one")
    assert torch.equal(merged, single.view(2, 2, *PICTURE).amax(1))


def test_separate_pictures_are_one_a_word(bare):
    model = with_capture(bare, Capture())
    pictures, _ = look(model, run(model, batch=2), arrange="one picture a word", words="w1, w2, w3")
    assert len(pictures) == 6


def test_capture_leaves_the_picture_as_it_was_and_a_second_run_equals_the_first(bare):
    model = with_capture(bare, Capture())
    plain, first = sample(bare, steps=4), run(model)
    assert torch.equal(first["samples"], plain)
    one, two = look(model, first)[1], look(model, run(model))[1]
    assert torch.equal(one, two)


def test_two_runs_of_one_model_are_told_apart(bare):
    model = with_capture(bare, Capture())
    first, second = run(model, seed=1), run(model, seed=2)
    maps_of_first = look(model, first, threshold=0.0)[1]
    assert not torch.equal(maps_of_first, look(model, second, threshold=0.0)[1])
    assert torch.equal(maps_of_first, look(model, first, threshold=0.0)[1])


# --- Nothing to see, and why -----------------------------------------------------------------------------------------


def refusal(*args, **knobs):
    with pytest.raises(PromptUnderstandingError) as error:
        look(*args, **knobs)
    return str(error.value)


def test_a_model_without_our_nodes(bare):
    text = refusal(bare, {"samples": sample(bare, steps=2)})
    assert "keeps no record" in text and "Capture Attention" in text


def test_a_guided_model_without_capture(bare):
    model = guided(bare)
    assert "keeps no attention maps" in refusal(model, run(model, pos=positive()))


def test_a_model_that_was_not_sampled(bare):
    text = refusal(with_capture(bare, Capture()), {"samples": torch.zeros(1, 4, *HW)})
    assert "nothing has been sampled with this MODEL yet" in text


def test_a_latent_of_another_run(bare):
    model = with_capture(bare, Capture())
    samples = run(model)
    assert "none of the last 1 runs" in refusal(model, {"samples": samples["samples"] + 1})


def test_a_range_that_no_step_falls_into(bare):
    model = with_capture(bare, Capture(start=0.01, until=0.02))
    assert "none of the run's 4 steps lies between progress 0.01 and 0.02" in refusal(model, run(model))


def test_sites_that_were_not_captured(bare):
    model = with_capture(bare, Capture("quarter"))
    text = refusal(model, run(model), sites="half")
    assert "Captured were:" in text and "(4x6)" in text


def test_a_mean_asked_for_step_by_step_part(bare):
    model = with_capture(bare, Capture())
    assert "Set 'keep' of Capture Attention to 'each step'" in refusal(model, run(model), until=0.3)


def test_a_prompt_of_another_length(bare):
    model = with_capture(bare, Capture())
    assert "77 tokens" in refusal(model, run(model), prompt(length=154))


def test_a_prompt_without_subjects_and_no_words(bare):
    model = with_capture(bare, Capture())
    nobody = prompt()
    object.__setattr__(nobody, "subjects", ())
    text = refusal(model, run(model), nobody)
    assert "no subject was found" in text and "w1, w2" in text


def test_a_word_that_is_not_in_the_prompt(bare):
    model = with_capture(bare, Capture())
    text = refusal(model, run(model), words="frog")
    assert "frog" in text and "w1" in text


def test_pictures_of_another_batch(bare):
    model = with_capture(bare, Capture())
    assert "made 1 images, but 2 are connected" in refusal(model, run(model), image=torch.zeros(2, 64, 64, 3))


# --- Report ----------------------------------------------------------------------------------------------------------


def report_of(model, samples):
    with torch.inference_mode():
        return PUGuidanceReport.execute(model=model, samples=samples)


def test_the_report_tells_the_losses_of_every_guided_step(bare):
    model = guided(bare)
    samples = run(model, batch=2, pos=positive())
    curves, text = report_of(model, samples).args
    record = run_log(model).find(samples["samples"])
    assert curves.shape[0] == 2 and curves.shape[-1] == 3
    assert f"Guided {len(record.steps)} of 4 steps" in text
    for step in record.steps:
        (losses,) = step.losses.values()
        for loss in losses.tolist():
            assert f"{loss:.4f}" in text
    assert "w2" in text or "w5" in text


def test_the_report_shows_its_text_in_the_node(bare):
    model = guided(bare)
    output = report_of(model, run(model, pos=positive()))
    assert output.ui["text"] == (output.args[1],) and "images" in output.ui


def test_a_run_that_was_only_captured_reports_that_nothing_was_guided(bare):
    model = with_capture(bare, Capture())
    curves, text = report_of(model, run(model)).args
    assert "No step was guided (of 4)." in text and curves.shape[0] == 1


def test_a_report_without_our_nodes_is_refused(bare):
    with pytest.raises(
        PromptUnderstandingError, match="A guidance report was asked for, but this MODEL keeps no record"
    ):
        report_of(bare, {"samples": torch.zeros(1, 4, 8, 8)})


def test_the_token_strip_draws_any_prompt():
    (picture,) = PUTokenStrip.execute(prompt=prompt()).args
    assert picture.ndim == 4 and picture.shape[0] == 1


def test_subjects_named_twice_get_a_mask_each(bare):
    model = with_capture(bare, Capture())
    parsed = prompt()
    twice = parsed.__class__(**{**parsed.__dict__, "subjects": (Subject(parsed.words[1]), Subject(parsed.words[1]))})
    assert len(look(model, run(model), twice, combine=MEAN)[1]) == 2
