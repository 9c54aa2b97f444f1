"""The table of real images: it runs through the nodes, counts decibels rightly, and goes on where it was cut short."""

from dataclasses import asdict

import pytest
import torch
from pack.demo.detector import detect
from pack.evaluation import inversion
from pack.evaluation.edit_cases import ARMS
from pack.evaluation.inversion import (
    ALONE,
    BATCH,
    DIRECT,
    NULL_TEXT,
    PROMPT,
    InversionPipeline,
    Result,
    Way,
    examples,
    psnr,
)
from pack.evaluation.tables.inversion import inversion_page
from pack.evaluation.worlds import Recipe


def quiet(_: str) -> None:
    pass


def test_decibels_by_hand():
    """An error of 0.1 everywhere is 20 dB; what lies beyond white counts as white."""
    black = torch.zeros(2, 4, 4, 3)
    assert psnr(black + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1), black).tolist() == pytest.approx([20, 40])
    assert psnr(black, black).tolist() == [100, 100], "exact"
    assert psnr(black + 3, black + 0.9).tolist() == pytest.approx([20, 20])


def test_captions_are_true_and_scenes_are_always_the_same():
    """Scenes of a batch share the caption and nothing else."""
    first, again = examples(BATCH + 1), examples(BATCH + 1)
    assert all((a.image == b.image).all() and a.case == b.case for a, b in zip(first, again, strict=True))
    assert len({e.case.source for e in first[:BATCH]}) == 1 and first[BATCH].case != first[0].case
    assert not (first[0].image == first[1].image).all()
    for example in first:
        seen = {(one.noun, one.colour) for one in detect(example.image)}
        assert seen == {example.case.before, example.case.other}


def test_the_ways_differ_as_they_should_and_a_cut_run_goes_on():
    """Few steps; the page and the summary are made from the real thing."""
    from pack.demo.model import load_shapes

    inversion_pipeline = InversionPipeline(*load_shapes(), recipe=Recipe(steps=3))
    wanted = {ALONE: Way(3.0), "n": Way(3.0, NULL_TEXT), "p": Way(3.0, PROMPT, 1), "d": Way(3.0, DIRECT)}
    work = examples(2)
    for found in inversion_pipeline.run(wanted, work, quiet):
        results = found
    assert [len(r.psnr) for r in results.values()] == [2, 2, 2, 2]
    seen = {name: [len(rows) for rows in r.edits.values()] for name, r in results.items()}
    assert seen == {ALONE: [2, 2, 2], "n": [2, 2, 2], "p": [2, 2, 2], "d": [0, 2, 2]}
    assert results["d"].psnr == [100, 100]
    assert results["n"].psnr != results[ALONE].psnr != results["p"].psnr
    head = {"machine": MACHINE, "weights": "w", "recipe": asdict(inversion_pipeline.recipe), "batch": inversion.BATCH}
    saved = {**head, "ways": inversion.summarise(results)}
    assert "| p | 2 |" in inversion_page(saved) and "| d | with local blend |" in inversion_page(saved)
    begun = inversion.earlier(saved, head)
    assert begun == results and inversion.earlier(saved, {**head, "weights": "v"}) == {}
    assert list(inversion_pipeline.run(wanted, work, quiet, begun)) == [], "nothing is left to do"


MACHINE = {"device": "CPU", "system": "Linux", "torch": "2", "comfyui": "0"}


def test_the_summary_pairs_the_same_images():
    """The slow way has the first two of three images: differences +1 and +3 from 20 and 30, not from 40. Two of three
    edits happened."""
    seen = {arm: [{"happened": float(i > 0), "stayed": 1.0, "outside": 2.0 * i} for i in range(3)] for arm in ARMS}
    results = {ALONE: Result([20, 30, 40], [1] * 3, [1] * 3, seen), "slow": Result([21, 33], [2] * 2, [1] * 2, seen)}
    summary = inversion.summarise(results)
    assert summary["slow"]["difference"]["value"] == 2 and summary["slow"]["psnr"]["value"] == 27
    assert summary[ALONE]["psnr"]["value"] == 30 and summary["slow"]["seconds to find"] == 2
    assert summary["slow"]["edits"][ARMS[2]]["happened"]["value"] == pytest.approx(2 / 3)
    assert summary["slow"]["edits"][ARMS[2]]["outside"] == 2
