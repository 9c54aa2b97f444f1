"""Hand-made cases, one for each way a picture can miss its prompt."""

from pack.demo.detection import Detection
from pack.demo.prompts import SETS
from pack.demo.scoring import Score, score

ASKED = (("circle", "red"), ("star", "blue"))


def seen(*things: tuple[str | None, str]) -> list[Detection]:
    return [Detection(shape, colour, (0.0, 0.0, 0.1, 0.1), 0.9) for shape, colour in things]


def test_all_right():
    result = score(ASKED, seen(("circle", "red"), ("star", "blue")))
    assert (result.present, result.neglected, result.bound_rightly, result.bound_wrongly) == (2, 0, 2, 0)
    assert result.all_present == result.all_right == 1


def test_swapped_colours():
    result = score(ASKED, seen(("circle", "blue"), ("star", "red")))
    assert (result.present, result.bound_rightly, result.bound_wrongly, result.all_right) == (2, 0, 2, 0)


def test_a_missing_noun_takes_its_attribute_with_it():
    result = score(ASKED, seen(("circle", "red")))
    assert (result.neglected, result.bound_rightly, result.bound_wrongly, result.all_present) == (1, 1, 0, 0)


def test_a_missing_nouns_colour_on_the_other():
    result = score((("circle", None), ("star", "blue")), seen(("circle", "blue")))
    assert (result.attributes, result.bound_rightly, result.bound_wrongly) == (1, 0, 1)


def test_a_shared_colour_is_no_leak():
    result = score((("circle", "red"), ("star", "red")), seen(("circle", "red")))
    assert (result.bound_rightly, result.bound_wrongly) == (1, 0)


def test_blobs_and_strangers_do_not_count():
    result = score((("circle", None),), seen((None, "red"), ("moon", "red")))
    assert (result.subjects, result.present, result.neglected) == (1, 0, 1)


def test_scores_add_up():
    total = score(ASKED, seen(("circle", "red"))) + score(ASKED, seen(*ASKED))
    assert isinstance(total, Score)
    assert (total.pictures, total.neglect, total.proper, total.improper) == (2, 0.25, 0.75, 0.0)


def test_prompt_sets():
    for prompts in SETS.values():
        assert len({one.text for one in prompts}) == len(prompts) == 32
        for one in prompts:
            assert len({shape for shape, _ in one.subjects}) == 2
    for one in SETS["coloured-coloured"]:
        assert one.subjects[0][1] != one.subjects[1][1], one.text
    assert SETS["shape-coloured"][0].text == "a circle and an orange square"
