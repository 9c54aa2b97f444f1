"""Captions of the training recipe: wrong as often as the recipe says, and grounded in what is drawn."""

import numpy as np
import pytest
from pack.demo.training.captions import NOISE, Named, _grounding, _spoil_two, make_example


def drawn(count=4000):
    rng = np.random.default_rng(0)
    names = [Named("circle", "red"), Named("star", "blue")]
    return [[thing for thing in _spoil_two(rng, names) if thing] for _ in range(count)]


def test_the_recipe_is_followed():
    """Three standard errors of a share among 4,000 are 2.4 points at most."""
    scenes = drawn()
    twice = np.mean([len(s) == 2 and s[0].shape == s[1].shape for s in scenes])
    alone = np.mean([len(s) == 1 for s in scenes])
    swapped = np.mean([[n.colour for n in s if n.shape == "circle"] == ["blue"] and len(s) == 2 for s in scenes])
    assert twice == pytest.approx(NOISE["one of two is drawn twice, the other not"], abs=0.024)
    assert alone == pytest.approx(NOISE["one of two is alone"], abs=0.024)
    both = 1 - NOISE["one of two is drawn twice, the other not"] - NOISE["one of two is alone"]
    blue_circle = both * (NOISE["two: colours swapped"] + NOISE["two: both have one colour"] / 2)
    assert swapped == pytest.approx(blue_circle, abs=0.024)


def test_a_noun_names_every_object_of_its_shape_and_a_missing_one_none():
    names = [Named("circle", "red"), Named("star", "blue")]
    there = [Named("circle", "red"), Named("circle", "blue")]
    assert _grounding(names, there) == [("red", 0, (0,)), ("circle", 0, (0, 1)), ("blue", 0, (1,)), ("star", 0, ())]


def test_a_colour_names_its_own_noun_before_others():
    names = [Named("circle", "red"), Named("star", "red")]
    there = [Named("circle", "red"), Named("star", "red")]
    assert _grounding(names, there) == [("red", 0, (0,)), ("circle", 0, (0,)), ("red", 1, (1,)), ("star", 0, (1,))]


def test_every_grounded_word_is_in_its_caption_and_every_object_in_the_scene():
    rng = np.random.default_rng(1)
    for _ in range(300):
        example = make_example(rng)
        words = example.caption.replace(",", " ").split()
        for word, occurrence, objects in example.grounding:
            assert words.count(word) > occurrence
            assert all(index < len(example.scene.things) for index in objects)
