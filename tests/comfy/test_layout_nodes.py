"""The layout nodes on the real host: what they take and give, and what they say to bad input."""

from __future__ import annotations

import json
import threading
import time

import comfy.model_management
import folder_paths
import pytest
import torch
from chat_server import ChatServer
from pack.errors import PromptUnderstandingError
from pack.layouts.types import Layout
from pack.nodes import layout_llm_nodes, layout_nodes, layout_text_nodes
from pack.nodes.layout_llm_nodes import PUAskLayout
from pack.nodes.layout_nodes import PUBoxesToLayout, PUPlanLayout, PUPreviewLayout
from pack.nodes.layout_text_nodes import PULayoutInstructions, PULayoutToPrompt, PUReadLayout
from pack.prompts import read_prompt

REPLY = "Objects: [('a cat', [40, 200, 200, 250]), ('a dog', [270, 220, 220, 230])]\nNegative prompt: cups"


@pytest.mark.parametrize("node", [*layout_nodes.NODES, *layout_text_nodes.NODES, *layout_llm_nodes.NODES])
def test_schemas_are_valid_and_every_input_explains_itself(node):
    schema = node.GET_SCHEMA()
    assert schema.node_id.startswith("PU") and schema.description and schema.search_aliases
    assert all(entry.tooltip for entry in (*schema.inputs, *schema.outputs))


def test_plan_from_a_parsed_prompt_goes_before_the_text():
    layout, report = PUPlanLayout.execute(512, 768, 3, prompt=read_prompt("two cats"), text="a dog").args
    assert isinstance(layout, Layout) and [thing.caption for thing in layout.objects] == ["a cat", "a cat"]
    assert "Canvas 512 × 768, 2 boxes" in report


def test_plan_from_text_and_from_nothing():
    (layout, _) = PUPlanLayout.execute(512, 512, 0, text="a dog, no birds").args
    assert [thing.caption for thing in layout.objects] == ["a dog"] and layout.negative == "birds"
    with pytest.raises(PromptUnderstandingError, match="Connect 'prompt'"):
        PUPlanLayout.execute(512, 512, 0, text="  ")


def test_read_with_a_prompt_and_with_the_order_by_hand():
    layout, report = PUReadLayout.execute(REPLY, 512, 512, prompt=read_prompt("a cat, two dogs")).args
    assert [thing.subject for thing in layout.objects] == [0, 1] and "asks for 2 of 'a dog'" in report
    turned, _ = PUReadLayout.execute(
        '{"a cat": [100, 200, 300, 400]}', 512, 512, order="top, left, bottom, right", unit="pixels"
    ).args
    assert turned.objects[0].box.left == pytest.approx(200 / 512)


def test_instructions_and_schema():
    text, schema = PULayoutInstructions.execute("고양이 두 마리", 640, 512, "JSON").args
    assert "640 pixels wide" in text and text.endswith("고양이 두 마리\n")
    assert json.loads(schema)["properties"]["objects"]["maxItems"] == 60
    with pytest.raises(PromptUnderstandingError, match="no prompt"):
        PULayoutInstructions.execute(" ", 640, 512, "JSON")


@pytest.mark.parametrize("form", PULayoutToPrompt.GET_SCHEMA().inputs[1].options)
def test_what_is_planned_is_written_and_read_again(form):
    layout, _ = PUPlanLayout.execute(1024, 768, 0, text="a cat to the left of two dogs, no birds").args
    text, negative = PULayoutToPrompt.execute(layout, form).args
    assert negative == "birds"
    if form != "words only":
        again, _ = PUReadLayout.execute(text, 1024, 768).args
        assert [thing.box.left for thing in again.objects] == pytest.approx(
            [thing.box.left for thing in layout.objects], abs=0.002
        )


# --- boxes of other nodes, and the drawing ---

@pytest.fixture
def editor():
    """ComfyUI's own node to draw boxes with, which older versions do not have."""
    return pytest.importorskip("comfy_extras.nodes_bounding_boxes").CreateBoundingBoxes


DRAWN = [
    {"x": 64, "y": 96, "width": 128, "height": 192, "metadata": {"type": "obj", "desc": "a cat"}},
    {"x": 320, "y": 96, "width": 192, "height": 96, "metadata": {"type": "obj", "desc": "a dog"}},
]


def test_comfyuis_own_editor_gives_boxes_in_both_its_forms(editor):
    """640 x 384: the cat x 64 to 192 and y 96 to 288."""
    _, bboxes, elements = editor.execute(640, 384, editor_state=DRAWN).args
    for given in (bboxes, elements):
        # Its BOUNDING_BOX output has no descriptions, its elements have.
        layout, _ = PUBoxesToLayout.execute("a lion\na dog" if given is bboxes else "", 640, 384, bboxes=given).args
        assert layout.objects[0].caption == ("a lion" if given is bboxes else "a cat")
        assert tuple(layout.objects[0].box) == pytest.approx((0.1, 0.25, 0.3, 0.75), abs=0.001)


def test_the_previews_boxes_go_back_into_comfyuis_editor_and_come_out_alike(editor):
    layout, _ = PUPlanLayout.execute(640, 384, 0, text="a cat to the left of two dogs").args
    _, _, bboxes = PUPreviewLayout.execute(layout).args
    _, _, again = editor.execute(640, 384, bboxes=bboxes[0]).args
    returned, _ = PUBoxesToLayout.execute("", 640, 384, bboxes=again).args
    assert [thing.caption for thing in returned.objects] == ["a cat", "a dog", "a dog"]
    for thing, wanted in zip(returned.objects, layout.objects, strict=True):
        assert tuple(thing.box) == pytest.approx(tuple(wanted.box), abs=0.003)


def test_masks_become_their_outline_and_the_preview_gives_them_back():
    masks = torch.zeros(2, 96, 128)
    masks[0, 10:40, 20:50] = 1.0
    masks[1, 50:90, 64:127] = 0.8
    layout, _ = PUBoxesToLayout.execute("a cat\na dog", 128, 96, masks=masks).args
    assert tuple(layout.objects[0].box) == pytest.approx((20 / 128, 10 / 96, 50 / 128, 40 / 96))
    image, again, bboxes = PUPreviewLayout.execute(layout).args
    assert image.shape == (1, 96, 128, 3) and torch.equal(again, (masks > 0.5).float())
    assert bboxes[0][1] | {"metadata": None} == {"x": 64, "y": 50, "width": 63, "height": 40, "metadata": None}


def test_an_empty_mask_no_boxes_and_no_caption_are_refused():
    with pytest.raises(PromptUnderstandingError, match="Mask 1 is empty"):
        PUBoxesToLayout.execute("a cat", 128, 96, masks=torch.zeros(1, 96, 128))
    with pytest.raises(PromptUnderstandingError, match="no boxes"):
        PUBoxesToLayout.execute("a cat", 128, 96)
    with pytest.raises(PromptUnderstandingError, match="no caption"):
        PUBoxesToLayout.execute("", 128, 96, masks=torch.ones(1, 96, 128))


def test_a_preview_over_a_batch_of_pictures_and_of_no_boxes():
    layout, _ = PUReadLayout.execute("Objects: []\nBackground prompt: a beach", 96, 64).args
    image, masks, bboxes = PUPreviewLayout.execute(layout, torch.rand(3, 32, 32, 3)).args
    assert image.shape == (3, 64, 96, 3) and masks.shape == (1, 64, 96) and masks.sum() == 0 and bboxes == []


# --- a language model ---


def test_a_server_is_asked_and_its_answer_kept_in_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "get_user_directory", lambda: str(tmp_path))
    with ChatServer() as server:
        for _ in range(2):
            layout, report, reply = PUAskLayout.execute("고양이와 개", server.url, "tiny", 512, 512).args
    assert len(server.requests) == 1 and "고양이와 개" in server.requests[0]["messages"][0]["content"]
    assert [thing.caption for thing in layout.objects] == ["a cat", "a dog"] and "a cat" in report and "a cat" in reply


def test_the_prompts_text_is_asked_where_no_other_is_written(monkeypatch):
    with ChatServer() as server:
        layout, *_ = PUAskLayout.execute(
            "", server.url, "tiny", 512, 512, prompt=read_prompt("a dog and a cat"), keep_answers=False
        ).args
    assert [thing.subject for thing in layout.objects] == [1, 0]
    assert server.requests[0]["messages"][0]["content"].endswith("a dog and a cat\n")


def test_comfyuis_cancel_ends_the_wait():
    """The button sets a flag in another thread; nothing else tells the node."""
    begun = time.monotonic()
    threading.Timer(0.5, comfy.model_management.interrupt_current_processing).start()
    interrupted = pytest.raises(comfy.model_management.InterruptProcessingException)
    with ChatServer(ways=("stall",)) as server, interrupted:
        PUAskLayout.execute("a cat", server.url, "tiny", 512, 512, keep_answers=False)
    assert time.monotonic() - begun < 5
    comfy.model_management.interrupt_current_processing(False)


@pytest.mark.parametrize(
    "text, url, model, words",
    [
        ("", "http://127.0.0.1:1/v1", "tiny", "no prompt"),
        ("a cat", "http://127.0.0.1:1/v1", " ", "No model was named"),
        ("a cat", "http://127.0.0.1:1/v1", "tiny", "No server answers"),
        ("a cat", "http://example.com/v1", "tiny", "not this computer"),
    ],
)
def test_bad_questions(text, url, model, words):
    with pytest.raises(PromptUnderstandingError, match=words):
        PUAskLayout.execute(text, url, model, 512, 512, keep_answers=False)
