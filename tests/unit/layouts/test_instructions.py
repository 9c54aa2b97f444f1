"""The instructions say everything a model needs, their own examples can be read, and a Korean prompt passes through."""

import json
import re

import pytest
from pack.layouts.instructions import EXAMPLES, FORMS, JSON, PAPER, instructions, schema
from pack.layouts.reading.reply import read_reply

KOREAN = "공원 벤치 왼쪽에 있는 빨간 우산 두 개, 사람 없음"


@pytest.mark.parametrize("form", FORMS)
def test_canvas_prompt_and_fields_are_in_the_text(form):
    text = instructions("a cat\n left of a dog", 768, 512, form)
    assert "768 pixels wide and 512 pixels high" in text and text.endswith("Prompt: a cat left of a dog\n")
    for word in ("background", "negative", "English", "cover each other"):
        assert word in text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(512, 512), (1344, 768)])
def test_the_worked_examples_are_layouts_themselves(form, size):
    """What we show as an answer is read, without a repair, to the boxes that were meant."""
    answers = instructions("x", *size, form).split("\n\nPrompt: ")[1:-1]
    assert len(answers) == len(EXAMPLES)
    for answer, example in zip(answers, EXAMPLES, strict=True):
        layout = read_reply(answer.split("\n", 1)[1], *size)
        assert [(thing.caption) for thing in layout.objects] == [caption for caption, _ in example.objects]
        for thing, (_, box) in zip(layout.objects, example.objects, strict=True):
            assert tuple(thing.box) == pytest.approx(tuple(box), abs=0.003)
        assert (layout.background, layout.negative) == (example.background, example.negative)
        assert not [note for note in layout.notes if not note.startswith("Numbers were read as x, y, width")]


@pytest.mark.parametrize("form", FORMS)
def test_examples_do_not_cover_each_other(form):
    for example in EXAMPLES:
        boxes = [box for _, box in example.objects]
        assert all(a.intersection(b) == 0 for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_korean_prompt_is_kept_and_a_korean_reply_with_english_captions_is_read():
    assert KOREAN in instructions(KOREAN, 512, 512, PAPER) and KOREAN in instructions(KOREAN, 512, 512, JSON)
    reply = """네, 요청하신 배치입니다.

객체: [('a red umbrella', [40, 180, 110, 150]), ('a red umbrella', [40, 340, 110, 150]),
 ('a park bench', [200, 250, 280, 180])]
배경 프롬프트: a realistic photo of a park
부정 프롬프트: people

도움이 되었으면 좋겠습니다!"""
    layout = read_reply(reply, 512, 512)
    assert [thing.caption for thing in layout.objects] == ["a red umbrella", "a red umbrella", "a park bench"]
    assert (layout.background, layout.negative) == ("a realistic photo of a park", "people")


def test_the_schema_describes_the_json_that_is_shown():
    described = schema(40)
    shown = json.loads(re.search(r"^\{.*\}$", instructions("x", 512, 512, JSON), re.M).group().replace("...", "x"))
    assert set(described["required"]) == set(shown)
    assert set(described["properties"]["objects"]["items"]["required"]) == set(shown["objects"][0])
