"""The quality tables hang on the parser: what their prompts were put together from is found in them, and no more."""

from itertools import cycle

import pytest
from pack.demo.prompts import SETS, prompt
from pack.demo.scenes import COLOURS, SHAPES
from pack.demo.small_world.words import COLOURS as SMALL_WORLD_COLOURS
from pack.demo.small_world.words import NOUNS
from pack.evaluation.edit_cases import cases
from pack.evaluation.parser_gold import read
from pack.prompts.pipelines import AUTO, BUNDLED


def found(text: str, pipeline: str) -> list[tuple[str, str | None]]:
    subjects = read(text, pipeline).subjects
    assert all(len(subject.modifiers) <= 1 for subject in subjects)
    return [(subject.noun.text, next((word.text for word in subject.modifiers), None)) for subject in subjects]


def edited_prompts():
    for case in (case for row in cases() for case in row):
        yield case.source, (case.before, case.other)
        yield case.edited, (case.before if case.kind == "re-weight" else case.after, case.other)


def small_world():
    """Each thing once, beside another, in every colour."""
    pairs = zip(NOUNS, NOUNS[5:] + NOUNS[:5], cycle(SMALL_WORLD_COLOURS))
    return (prompt((first, None), (second, colour)) for first, second, colour in pairs)


ASKED_FOR = {
    "quality": [tuple(asked) for prompts in SETS.values() for asked in prompts],
    "saturation": [tuple(prompt((shape, colour))) for shape in SHAPES for colour in COLOURS],
    "editing": list(dict.fromkeys(edited_prompts())),
    "small world": [tuple(asked) for asked in small_world()],
}


@pytest.mark.parametrize("pipeline", [BUNDLED, AUTO])
@pytest.mark.parametrize("table", ASKED_FOR)
def test_prompts_of_the_quality_tables(table, pipeline):
    assert len(ASKED_FOR[table]) >= 36
    wrong = [text for text, subjects in ASKED_FOR[table] if found(text, pipeline) != list(subjects)]
    assert wrong == []
