"""The detector against the renderer, which knows the truth."""

import numpy as np
import pytest
from pack.demo.detector import detect
from pack.demo.scenes import COLOURS, SHAPES, Scene, Thing, render
from scipy import ndimage


def random_scene(rng: np.random.Generator) -> Scene:
    """One to three objects that do not touch."""
    things: list[Thing] = []
    wanted = int(rng.integers(1, 4))
    for _ in range(200):
        if len(things) == wanted:
            break
        radius = rng.uniform(9, 14)
        x, y = rng.uniform(radius + 2, 62 - radius, 2)
        if all(np.hypot(x - t.x, y - t.y) > radius + t.radius + 2 for t in things):
            shape, colour = str(rng.choice(SHAPES)), str(rng.choice(COLOURS))
            things.append(Thing(shape, colour, x, y, radius, rng.uniform(-0.16, 0.16)))
    return Scene(tuple(things))


def share_found(spoil, scenes: int) -> float:
    """Share of the objects that come back with the right shape and colour; an object too many counts as an error."""
    rng = np.random.default_rng(7)
    right = total = 0
    for _ in range(scenes):
        scene = random_scene(rng)
        image, _ = render(scene, rng)
        found = sorted((str(one.noun), one.colour) for one in detect(spoil(image, rng)))
        wanted = sorted((thing.shape, thing.colour) for thing in scene.things)
        total += max(len(wanted), len(found))
        right += sum(min(found.count(one), wanted.count(one)) for one in set(wanted))
    return right / total


def test_clean_renders():
    assert share_found(lambda image, rng: image, 500) >= 0.99


def test_blur_and_noise():
    def spoil(image, rng):
        return ndimage.gaussian_filter(image, (0.6, 0.6, 0)) + rng.normal(0, 0.03, image.shape)

    assert share_found(spoil, 200) >= 0.97


def test_larger_pictures():
    thing = Thing("star", "pink", 60.0, 30.0, 22.0)
    image, _ = render(Scene((thing,), (96, 128)))
    (found,) = detect(image)
    assert (found.noun, found.colour) == ("star", "pink")
    assert found.centre == pytest.approx((60 / 128, 30 / 96), abs=0.03)


def test_an_empty_ground_holds_nothing():
    assert detect(render(Scene(()), np.random.default_rng(0))[0]) == []


def test_a_blob_is_no_shape():
    image, _ = render(Scene((Thing("cross", "red", 20.0, 30.0, 12.0), Thing("square", "red", 34.0, 38.0, 12.0))))
    assert [one.noun for one in detect(image)] == [None]
