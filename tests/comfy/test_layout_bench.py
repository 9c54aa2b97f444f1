"""The table of layouts: when a picture passes, and what is made of the planner's boxes for Small World."""

from dataclasses import replace
from itertools import combinations

import pytest
from pack.demo.detection import Detection
from pack.evaluation.layout_cases import TASKS, cases
from pack.evaluation.layout_pictures import ARMS, SMALLEST, _kept, as_stickers, run, summarise
from pack.evaluation.quality import Pipeline
from pack.evaluation.tables.layout_pictures import layout_pictures_page
from pack.evaluation.worlds import SMALL_WORLD
from pack.layouts.types import Box, Layout, LayoutObject


def seen(noun: str, x: float = 0.5, y: float = 0.5, colour: str = "red") -> Detection:
    return Detection(noun, colour, (x - 0.1, y - 0.1, x + 0.1, y + 0.1), 1.0)


def first(task: str, beginning: str = ""):
    return next(case for case in cases() if case.task == task and case.text.startswith(beginning))


def test_as_many_of_each_task_and_always_the_same():
    work = cases(25)
    assert [case.task for case in work[:4]] == list(TASKS) and len(work) == 100
    assert [case.text for case in work] == [case.text for case in cases(25)]
    numbers = [case.text.split()[0] for case in work if case.task == "numeracy"]
    assert numbers.count("two") == numbers.count("three") == numbers.count("four") == 6


def test_numeracy_wants_the_exact_count():
    case = first("numeracy", "three")
    noun = next(n for n in ("frog", "cat", *_nouns()) if case.passes([seen(n)] * 3))
    assert not case.passes([seen(noun)] * 2) and not case.passes([seen(noun)] * 4)
    assert case.passes([seen(noun)] * 3 + [seen("hat" if noun != "hat" else "cup")])


def test_negation_wants_the_one_and_not_the_other():
    case = first("negation")
    there = case.text.split()[1] if case.text.split()[0] in ("a", "an") else case.text.split()[0]
    absent = next(n for n in _nouns() if not case.passes([seen(there), seen(n)]))
    assert case.passes([seen(there)]) and not case.passes([]) and not case.passes([seen(absent)])


def test_a_place_is_seen_from_the_other_thing():
    left = first("spatial", "")
    a, b = _two_of(left.text)
    where = {"left": ((0.2, 0.5), (0.8, 0.5)), "right": ((0.8, 0.5), (0.2, 0.5)), "above": ((0.5, 0.2), (0.5, 0.8)),
             "below": ((0.5, 0.8), (0.5, 0.2))}  # fmt: skip
    for word, (mine, other) in where.items():
        case = next(c for c in cases() if c.task == "spatial" and f" {word}" in c.text)
        a, b = _two_of(case.text)
        assert case.passes([seen(a, *mine), seen(b, *other)])
        assert not case.passes([seen(a, *other), seen(b, *mine)])
        assert not case.passes([seen(a, *mine), seen(a, *mine), seen(b, *other)])


def test_attribution_wants_each_in_its_colour():
    case = first("attribution")
    (c1, a), (c2, b) = (words.split()[-2:] for words in case.text.split(" and "))
    assert case.passes([seen(a, colour=c1), seen(b, colour=c2)])
    assert not case.passes([seen(a, colour=c2), seen(b, colour=c1)])


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_boxes_for_stickers_are_large_enough_and_apart(count):
    boxes = [Box(0.1 + 0.2 * i, 0.7, 0.25 + 0.2 * i, 0.85) for i in range(count)]
    layout = as_stickers(Layout(128, 128, tuple(LayoutObject("a mouse", box) for box in boxes)))
    grown = [thing.box for thing in layout.objects]
    assert all(min(box.width, box.height) >= SMALLEST - 1e-6 for box in grown)
    assert all(min(*box) > -1e-6 and max(*box) < 1 + 1e-6 for box in grown)
    assert all(a.intersection(b) < 0.01 for a, b in combinations(grown, 2))


def test_the_table_compares_the_same_prompts():
    """Two of three pictures that both arms have pass with guidance, none without; the third of plain is alone."""
    rows = [
        {"arm": arm, "number": n, "task": "spatial", "prompt": "", "objects": 2, "passes": passes, "seconds": seconds}
        for arm, n, passes, seconds in (
            ("plain", 0, False, 2.0), ("plain", 1, False, 2.0), ("plain", 2, False, 2.0), ("plain", 3, True, 2.0),
            ("LMD", 0, True, 6.0), ("LMD", 1, True, 5.0), ("LMD", 2, False, 7.0),
        )
    ]  # fmt: skip
    summary = summarise(rows)
    cell = summary["tasks"]["spatial"]["LMD"]
    assert summary["pictures"] == 3 and cell["value"] == pytest.approx(2 / 3) and cell["difference"]["value"] > 0.6
    assert summary["tasks"]["spatial"]["plain"]["value"] == 0 and summary["tasks"]["numeracy"]["LMD"] is None
    assert summary["times"]["LMD"] == {"2": 3.0}
    recipe = {"steps": 12, "sampler": "euler", "scheduler": "normal", "cfg": 4.0, "size": 128}
    machine = {"device": "CPU", "system": "x", "torch": "2", "comfyui": "0"}
    page = layout_pictures_page({"recipe": recipe, "machine": machine, "weights": "w", "measured": summary})
    assert "66.7" in page and "| spatial |" in page
    assert set(summary["tasks"]["spatial"]) <= set(ARMS)


def test_every_arm_makes_a_picture_and_a_run_goes_on_where_it_was_cut_short(tmp_path):
    pipeline = Pipeline.of(SMALL_WORLD)
    pipeline = replace(pipeline, recipe=replace(pipeline.recipe, steps=2))
    work, shelf, key = [first("spatial")], tmp_path / "rows.jsonl", {"steps": 2}
    (rows,) = run(pipeline, ARMS, work, shelf, key, print)
    assert [row["arm"] for row in rows] == list(ARMS) and all(row["objects"] == 2 for row in rows)
    assert list(run(pipeline, dict.fromkeys(ARMS), work, shelf, key, print)) == [], "nothing is left to do"
    assert not _kept(shelf, {"steps": 3}), "rows of other settings are thrown away"


def _nouns():
    from pack.demo.small_world.words import NOUNS

    return NOUNS


def _two_of(text: str) -> list[str]:
    from pack.demo.small_world.words import NOUNS

    return [word for word in text.split() if word in NOUNS]
