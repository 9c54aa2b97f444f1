"""Small World's detector against the renderer, which knows the truth, and its prompts against the paper's recipe."""

from pathlib import Path

import numpy as np
import pytest
from pack.demo.small_world.detector import detect, ground_of
from pack.demo.small_world.grounds import GROUNDS
from pack.demo.small_world.prompts import SETS
from pack.demo.small_world.render import Placed, render
from pack.demo.small_world.words import COLOURS, NOUNS, STYLES
from PIL import Image
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[3]

SIZES_OF = {1: (88, 72), 2: (56, 48), 3: (48,)}


def random_scene(rng: np.random.Generator) -> tuple[list[Placed], str | None]:
    """One to three things on any ground, off the grid of the training scenes by a pixel or three."""
    count = int(rng.integers(1, 4))
    size = int(rng.choice(SIZES_OF[count]))
    while True:
        spots = rng.integers(0, 128 - size + 1, (count, 2))
        if all(np.abs(a - b).max() >= size for i, a in enumerate(spots) for b in spots[:i]):
            break
    things = [Placed(str(rng.choice(NOUNS)), str(rng.choice(COLOURS)), int(x), int(y), size) for x, y in spots]
    return things, GROUNDS[int(rng.integers(len(GROUNDS)))]


def counted(scenes: int, spoil=lambda image, rng: image, style="3d", grounds=True):
    """(things, found with noun and colour, found too much, grounds told rightly) over random scenes."""
    rng = np.random.default_rng(11)
    total = right = extra = told = 0
    for _ in range(scenes):
        things, place = random_scene(rng)
        place = place if grounds else None
        image = spoil(render(things, place, rng, style), rng)
        found = [(one.noun, one.colour) for one in detect(image, (style,))]
        wanted = [(thing.noun, thing.colour) for thing in things]
        right += sum(min(found.count(one), wanted.count(one)) for one in set(wanted))
        extra += max(0, len(found) - len(wanted))
        total += len(wanted)
        told += ground_of(image)[0] == place
    return total, right, extra, told


def test_renders_of_any_place_and_ground():
    total, right, extra, told = counted(60)
    assert right >= 0.98 * total and extra <= 0.02 * total and told >= 0.97 * 60, (total, right, extra, told)


@pytest.mark.parametrize("style", [s for s in STYLES if s != "3d"])
def test_other_manners_of_drawing(style):
    total, right, extra, _ = counted(25, style=style, grounds=False)
    assert right >= 0.92 * total and extra <= 0.05 * total, (total, right, extra)


def test_blur_and_noise():
    def spoil(image, rng):
        return ndimage.gaussian_filter(image, (0.7, 0.7, 0)) + rng.normal(0, 0.04, image.shape)

    total, right, extra, _ = counted(30, spoil)
    assert right >= 0.97 * total and extra <= 0.05 * total, (total, right, extra)


def test_an_empty_scene_holds_nothing():
    rng = np.random.default_rng(3)
    assert all(not detect(render([], place, rng)) for place in GROUNDS)


def test_boxes_are_left_top_right_bottom():
    image = render([Placed("car", "red", 0, 64, 56), Placed("frog", None, 72, 8, 56)], None, np.random.default_rng(1))
    car, frog = detect(image)
    assert (car.noun, frog.noun) == ("car", "frog")
    assert np.allclose(car.box, (0, 0.5, 56 / 128, 120 / 128), atol=4 / 128)
    assert np.allclose(frog.box, (72 / 128, 8 / 128, 1, 0.5), atol=4 / 128)


def test_prompts_are_the_papers_sets():
    assert {name: len(prompts) for name, prompts in SETS.items()} == {
        "animal-animal": 66, "animal-object": 144, "object-object": 66,
    }  # fmt: skip
    assert len({one.text for prompts in SETS.values() for one in prompts}) == 276
    assert SETS["animal-object"][0].text == "a cat and a red backpack"
    for one in SETS["object-object"]:
        assert one.subjects[0][1] != one.subjects[1][1], one.text
    colours = [one.subjects[1][1] for one in SETS["animal-object"]]
    assert max(map(colours.count, COLOURS)) - min(map(colours.count, COLOURS)) <= 1


def test_pictures_that_the_model_painted_are_read_as_by_eye():
    """200 of them, plain and guided, half-painted things among them; a word without a colour is any colour."""
    data = ROOT / "tests" / "data" / "small_world"
    labels = [line for line in (data / "labels.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    with Image.open(data / "sampled.webp") as sheet:
        pixels = np.asarray(sheet.convert("RGB"), np.float32) / 255
    tiles = pixels.reshape(10, 128, 20, 128, 3).swapaxes(1, 2).reshape(200, 128, 128, 3)
    agreed = [agrees(label, detect(tile)) for label, tile in zip(labels, tiles, strict=True)]
    assert sum(agreed) >= 0.95 * 200, [(i, labels[i]) for i, one in enumerate(agreed) if not one]


def agrees(label: str, found) -> bool:
    wanted = sorted((words.split() for words in label.split(", ")), key=len, reverse=True)
    left = [(one.noun, one.colour) for one in found]
    for *colour, noun in wanted:
        same = next((one for one in left if one[0] == noun and (not colour or one[1] == colour[0])), None)
        if same is None:
            return False
        left.remove(same)
    return not left
