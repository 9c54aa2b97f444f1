"""From prompts to boxes: counted, placed, apart, sized, the same by seed; and what cannot be is said."""

import itertools

import pytest
from pack.layouts.planner import plan
from pack.prompts import read_prompt


def boxes(text, width=512, height=512, seed=0):
    """caption -> boxes"""
    layout = plan(read_prompt(text), width, height, seed)
    found = {}
    for thing in layout.objects:
        found.setdefault(thing.caption, []).append(thing.box)
    return found


@pytest.mark.parametrize("size", [(512, 512), (896, 512), (512, 1024)])
@pytest.mark.parametrize("seed", [0, 7])
def test_a_row_of_relations_holds_on_every_canvas(size, seed):
    found = boxes("a cat to the left of a dog and above a mouse, a bird at the top right", *size, seed)
    (cat,), (dog,), (mouse,), (bird,) = (found[name] for name in ("a cat", "a dog", "a mouse", "a bird"))
    assert cat.right < dog.left and cat.bottom < mouse.top and bird.center[0] > 0.6 and bird.center[1] < 0.4
    for one, other in itertools.combinations((cat, dog, mouse, bird), 2):
        assert one.intersection(other) == 0
    assert all(min(box) >= 0 and max(box) <= 1 for box in (cat, dog, mouse, bird))


def test_counts_are_exact_up_to_twelve():
    for number, word in enumerate(("one frog", "two frogs", "five frogs", "eight frogs", "twelve frogs")):
        assert len(boxes(word)["a frog"]) == (1, 2, 5, 8, 12)[number]


def test_an_elephant_is_larger_than_a_mouse_and_less_so_than_in_life():
    found = boxes("a mouse and an elephant")
    ratio = (found["an elephant"][0].area / found["a mouse"][0].area) ** 0.5
    # 4 m and 0.1 m: (4 / 0.1) ** (1 / 3) is 3.4; the smallest box may lift the mouse
    assert 1.8 < ratio < 3.6


def test_a_small_dog_and_a_large_cat():
    found = boxes("a tiny dog next to a huge cat")
    assert found["a huge cat"][0].area > found["a tiny dog"][0].area


def test_things_on_a_table_fit_on_it():
    found = boxes("four apples on a wooden table")
    (table,) = found["a wooden table"]
    for apple in found["an apple"]:
        assert table.left <= apple.center[0] <= table.right and abs(apple.bottom - table.top) < 0.04


def test_what_is_inside_may_lie_inside():
    found = boxes("two oranges in a bowl")
    (bowl,) = found["a bowl"]
    for orange in found["an orange"]:
        assert orange.intersection(bowl) == pytest.approx(orange.area, rel=0.05)


def test_the_same_seed_gives_the_same_boxes_and_another_does_not():
    text = "a cat, a dog and a car"
    assert boxes(text, seed=3) == boxes(text, seed=3)
    assert boxes(text, seed=3) != boxes(text, seed=4)


def test_objects_know_their_subject_and_the_denied_is_negative():
    prompt = read_prompt("two cats next to a dog, no birds")
    layout = plan(prompt, 512, 512)
    assert [prompt.subjects[thing.subject].noun.text for thing in layout.objects] == ["cats", "cats", "dog"]
    assert layout.negative == "birds" and layout.notes == ()


def test_a_contradiction_is_told():
    layout = plan(read_prompt("a cat above a dog. A dog above a cat. The cat is below the dog"), 512, 512)
    assert len(layout.objects) >= 2
    layout = plan(read_prompt("a cat to the left of a dog and to the right of the dog"), 512, 512)
    assert any(note.startswith("Not placed as asked: a cat") for note in layout.notes)


def test_a_prompt_of_scenery_alone_has_no_boxes():
    layout = plan(read_prompt("a beach at sunset"), 512, 512)
    assert layout.objects == () and layout.background == "a beach" and "background" in layout.notes[0]


def test_two_hundred_boxes_are_not_planned():
    layout = plan(read_prompt("twelve cats, twelve dogs, twelve birds, twelve cars, twelve cups"), 512, 512)
    assert len(layout.objects) == 40 and any("room for 40" in note for note in layout.notes)


def test_relations_of_what_was_left_out_do_not_count():
    text = "twelve cats, twelve dogs, twelve birds, twelve cars. A lamp between a sofa and a chair"
    layout = plan(read_prompt(text), 512, 512)
    assert len(layout.objects) == 40 and not any("lamp" in note for note in layout.notes if "Not placed" in note)


def test_what_has_no_known_size_is_told():
    layout = plan(read_prompt("a quokka and a cat"), 512, 512)
    assert any("quokka" in note for note in layout.notes)
