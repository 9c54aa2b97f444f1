"""The demo's table counts what was painted, and its picture holds every row: on scenes that are known exactly."""

import json

import numpy as np
import pytest
from pack.demo import sheet
from pack.demo.known import SHAPES, SMALL_WORLD
from pack.demo.scenes import Scene, Thing, render
from pack.demo.small_world.prompts import ANIMAL_OBJECT
from pack.demo.small_world.render import Placed
from pack.demo.small_world.render import render as render_world
from pack.runner.demo import SHAPES_PROMPTS, SMALL_WORLD_PROMPTS
from PIL import Image

CIRCLE = Thing("circle", "red", 20, 32, 12)
STAR = Thing("star", "blue", 46, 32, 13)
GREEN_STAR = Thing("star", "green", 46, 32, 13)


def png(path, *things) -> str:
    image, _ = render(Scene(things))
    Image.fromarray((image * 255).round().astype(np.uint8)).save(path)
    return str(path)


@pytest.fixture
def run(tmp_path):
    """Two seeds: plain forgets the star, then paints it green; guided has both right."""
    heat = [png(tmp_path / f"h{i}.png", CIRCLE) for i in range(4)]
    return {
        "text": "a red circle and a blue star",
        "seed": 5,
        "plain": [png(tmp_path / "p0.png", CIRCLE), png(tmp_path / "p1.png", CIRCLE, GREEN_STAR)],
        "guided": [png(tmp_path / f"g{i}.png", CIRCLE, STAR) for i in range(2)],
        "heat": heat,
        "plain_seconds": 2.0,
        "guided_seconds": 3.0,
    }


def row(text: str, name: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_the_table_counts_what_was_painted(run):
    _, text = sheet.shapes_sheet([run])
    assert [cell.split(" =")[0] for cell in row(text, "present")] == ["3 of 4", "4 of 4"]
    assert [cell.split(" =")[0] for cell in row(text, "neglected")] == ["1 of 4", "0 of 4"]
    assert [cell.split(" =")[0] for cell in row(text, "bound rightly")] == ["2 of 4", "4 of 4"]
    assert [cell.split(" =")[0] for cell in row(text, "bound wrongly")] == ["1 of 4", "0 of 4"]
    assert row(text, "seconds a picture") == ["1.00", "1.50"] and row(text, "ratio") == ["1", "1.50"]


def test_the_notes_name_what_is_missing_and_what_is_wrong(run):
    pairs = sheet.pairs_of(run)
    subjects = SHAPES.subjects_of(run["text"])
    first, second = ([note.text for note in sheet.notes_on(pair.plain, subjects)] for pair in pairs)
    assert first == ["red circle", "no star"] and second == ["red circle", "star is green"]
    assert [pair.seed for pair in sheet.telling(pairs, subjects)] == [pairs[0].seed, pairs[1].seed]


def test_main_writes_picture_and_table_and_says_where(run, tmp_path, capsys):
    report = tmp_path / "runs.json"
    report.write_text(json.dumps({"model": "shapes", "runs": [run, run]}))
    assert sheet.main([str(report)]) == 0
    said = capsys.readouterr().out
    assert str(tmp_path / "before_after.png") in said and (tmp_path / "table.md").read_text().strip() in said
    with Image.open(tmp_path / "before_after.png") as picture:
        assert picture.width > 4 * 64 and picture.height > 4 * 64


def test_a_real_checkpoint_gets_its_cost_and_no_made_up_counts(run):
    pages, text = sheet.real_sheet([run])
    assert len(pages) == 1 and "present |" not in text and row(text, "ratio") == ["1", "1.50"]


def test_subjects_are_shapes_with_the_colour_before_them():
    assert SHAPES.subjects_of("A red circle and a dark blue star, a moon") == (
        ("circle", "red"),
        ("star", "blue"),
        ("moon", None),
    )


def test_a_heat_map_is_never_given_the_name_of_another_word(run):
    """The parser found two subjects in "a red heart and a blue star"; the renderer knows one of them."""
    (pair, _) = sheet.pairs_of(run)
    assert sheet.heat_names(pair, ["circle", "star"]) == ["circle", "star"]
    assert sheet.heat_names(pair, ["star"]) == ["subject 1", "subject 2"]


@pytest.mark.parametrize("text", SHAPES_PROMPTS)
def test_the_demo_asks_for_things_that_the_model_knows(text):
    """Two things the detector can tell apart; a colour is asked of both or of neither."""
    subjects = SHAPES.subjects_of(text)
    assert len({shape for shape, _ in subjects}) == 2
    assert len({colour is None for _, colour in subjects}) == 1


def test_the_demo_asks_for_every_twenty_fifth_of_the_papers_prompts():
    papers = ANIMAL_OBJECT[::25]
    assert [one.text for one in papers] == list(SMALL_WORLD_PROMPTS)
    assert [SMALL_WORLD.subjects_of(one.text) for one in papers] == [one.subjects for one in papers]


def test_golden_is_yellow():
    subjects = SMALL_WORLD.subjects_of("a red crown and a golden strawberry")
    assert subjects == (("crown", "red"), ("strawberry", "yellow"))


def test_small_worlds_table_counts_and_its_picture_holds_every_prompt(tmp_path):
    def world(name, *things):
        picture = render_world(things, None, np.random.default_rng(4))
        Image.fromarray((picture * 255).round().astype(np.uint8)).save(tmp_path / name)
        return str(tmp_path / name)

    bear, turtle = Placed("bear", None, 0, 32, 56), Placed("turtle", None, 64, 32, 56)
    run = {
        "text": "a bear and a turtle",
        "seed": 5,
        "plain": [world("p0.png", bear), world("p1.png", bear, turtle)],
        "guided": [world(f"g{i}.png", bear, turtle) for i in range(2)],
        "heat": [],
        "plain_seconds": 2.0,
        "guided_seconds": 3.0,
    }
    (page,), text = sheet.small_world_sheet([run, run, run])
    assert [cell.split(" =")[0] for cell in row(text, "wholly right")] == ["3 of 6", "6 of 6"]
    assert [cell.split(" =")[0] for cell in row(text, "present")] == ["9 of 12", "12 of 12"]
    red, green = (200, 50, 20), (0, 128, 92)
    counts = dict((colour, n) for n, colour in page.getcolors(1 << 24))
    assert counts[green] > 2.9 * counts[red] > 0, "nine of twelve pictures are framed in green"
