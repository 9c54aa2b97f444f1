"""From a prompt on the canvas to a picture with the right count and places, in the real server: with no language model,
with one that is asked, and with its reply pasted. The pictures are read by Small World's detector."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from chat_server import TURTLE_ABOVE_CROWN, ChatServer
from pack.demo.small_world.detector import detect
from PIL import Image

pytest_plugins = ["host_server"]

API = Path(__file__).resolve().parents[2] / "workflows" / "api"


def turtle_above_crown(found) -> bool:
    height = {one.noun: one.centre[1] for one in found}
    return sorted(one.noun for one in found) == ["crown", "turtle"] and height["turtle"] < height["crown"]


def a_rabbit_left_and_one_right(found) -> bool:
    left, *others = found
    return [one.noun for one in found] == ["rabbit"] * 2 and left.centre[0] < 0.5 < others[0].centre[0]


@pytest.mark.parametrize(
    ("name", "is_right"),
    [
        ("layout_guidance_small_world", turtle_above_crown),
        ("layout_asked_small_world", turtle_above_crown),
        ("layout_pasted_small_world", a_rabbit_left_and_one_right),
    ],
)
def test_things_are_as_many_as_asked_for_and_where_asked_for(client, name, is_right):
    graph = json.loads((API / f"{name}.api.json").read_text("utf-8"))
    with ChatServer(TURTLE_ABOVE_CROWN) as server:
        for node in graph.values():
            if node["class_type"] == "PUAskLayout":
                node["inputs"] |= {"url": server.url, "keep_answers": False}
        run = client.run(graph)
        assert len(server.requests) == (name == "layout_asked_small_world")
    (saved,) = [number for number, node in graph.items() if node["class_type"] == "SaveImage"]
    pictures = [Image.open(io.BytesIO(client.picture(image))).convert("RGB") for image in run.images(saved)]
    right = [is_right(detect(np.asarray(picture, np.float32) / 255)) for picture in pictures]
    assert len(right) == 4 and sum(right) >= 3, right
