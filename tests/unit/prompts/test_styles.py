"""Prompts as people write them: given ones that failed, spellings of one prompt, denials, what is left out."""

import json
import random
import time
from pathlib import Path

import pytest
from pack.prompts import find_words, pick_subjects, report
from plain_tokens import parse

ROWS = [
    json.loads(line)
    for line in (Path(__file__).resolve().parents[2] / "data" / "prompt_styles.jsonl").read_text("utf-8").splitlines()
]


def subjects(text: str) -> list[tuple[str, tuple[str, ...]]]:
    found = parse(text, 300).subjects
    return [(subject.noun.text, tuple(word.text for word in subject.modifiers)) for subject in found]


def nouns(text: str) -> list[str]:
    return [noun for noun, _ in subjects(text)]


def excluded(text: str) -> list[str]:
    return [subject.noun.text for subject in parse(text, 300).excluded]


@pytest.mark.parametrize("row", ROWS, ids=[row["prompt"][:40] for row in ROWS])
def test_prompts_that_failed(row):
    either = row["either_way"]
    found = [
        (noun, tuple(word for word in modifiers if word not in either))
        for noun, modifiers in subjects(row["prompt"]) if noun not in either
    ]  # fmt: skip
    assert sorted(found) == sorted((group["noun"], tuple(group["modifiers"])) for group in row["subjects"])


@pytest.mark.parametrize(
    "text",
    [
        "a bear and a turtle\n", "a bear\nand a turtle", "a bear and a turtle\n\nbest quality",
        "a bear and a turtle\r\n",
        "a  bear  and  a  turtle", "a\u00a0bear\u00a0and a turtle", '"a bear and a turtle"',
        "a bear 🐻 and a turtle 🐢",
        "\ta bear,\u2028a turtle", "‘a bear’ and “a turtle”", "a bear\u200b and a turtle", "* a bear\n* a turtle",
        "a bear BREAK a turtle", "a bear AND a turtle", "a bear::2 a turtle::1",
        "a bear <lora:fur:0.8> and a turtle --ar 16:9",
    ],
)  # fmt: skip
def test_spellings_of_one_prompt(text):
    prompt = parse(text, 300)
    assert nouns(text) == ["bear", "turtle"]
    assert all(prompt.plain[s.noun.start : s.noun.stop] == s.noun.text and s.noun.spans for s in prompt.subjects)


@pytest.mark.parametrize(
    ("text", "wanted", "denied"),
    [
        ("a cat without a hat", ["cat"], ["hat"]),
        ("a street with no cars", ["street"], ["cars"]),
        ("a photo of a cat, not a dog", ["cat"], ["dog"]),
        ("a room without windows or doors", ["room"], ["windows", "doors"]),
        ("a man who is not wearing glasses", ["man"], ["glasses"]),
        ("a boy who isn't carrying a lamp", ["boy"], ["lamp"]),
        ("a fork instead of a spoon on a plate", ["fork", "plate"], ["spoon"]),
        ("a shelf empty of books", ["shelf"], ["books"]),
        ("a castle --no people", ["castle"], ["people"]),
        ("a cat with a hat", ["cat", "hat"], []),
    ],
)
def test_what_the_prompt_denies(text, wanted, denied):
    assert nouns(text) == wanted
    assert excluded(text) == denied


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ten-foot long snake", [("snake", ("ten-foot", "long"))]),
        ("a two meter tall statue", [("statue", ("two", "meter", "tall"))]),
        ("a penguin two meters tall", [("penguin", ("two", "meters", "tall"))]),
        ("two dogs sit on the old wooden bench", [("dogs", ()), ("bench", ("old", "wooden"))]),
        ("two dogs chase a ball", [("dogs", ()), ("ball", ())]),
        ("A black cat sleeps on a rug. The cat is fluffy.", [("cat", ("black", "fluffy")), ("rug", ())]),
        ("A robot stands in a field. It is rusty.", [("robot", ("rusty",)), ("field", ())]),
        ("He is reading a newspaper.", [("newspaper", ())]),
        ("2boys, blue shirt", [("2boys", ()), ("shirt", ("blue",))]),
    ],
)
def test_phrases_and_captions(text, expected):
    assert subjects(text) == expected


@pytest.mark.parametrize(
    "tag",
    ["masterpiece", "score_9_up", "35mm", "looking at viewer", "no humans", "simple background", "cowboy shot",
     "8k uhd",
     "f/1.8", "by greg rutkowski", "from above", "highly detailed", "rating_safe", "upper body", "unreal engine 5"],
)  # fmt: skip
def test_tags_that_name_no_thing(tag):
    assert nouns(f"1girl, {tag}, red hat") == ["1girl", "hat"]


def test_excluded_words_can_be_given_by_hand():
    prompt = parse("a room without a lamp and with a rug", 300)
    picked = pick_subjects(prompt, "room", "rug")
    assert [s.noun.text for s in picked.subjects] == ["room"] and [s.noun.text for s in picked.excluded] == ["rug"]
    assert pick_subjects(prompt, "lamp").excluded == ()


def test_the_report_says_what_was_left_out_and_why():
    text = report(parse("a room without a lamp, 35mm, <lora:x:1>", 300))
    assert "Left out: lamp (the prompt says without it), 35mm (camera)" in text
    assert "<lora:…>" in text and "drawn as text by ComfyUI" in text


def test_what_stands_behind_negative_prompt_is_no_subject():
    text = "a red cat\nNegative prompt: a dog, blurry hat\nSteps: 20, Seed: 5"
    assert subjects(text) == [("cat", ("red",))]
    assert "Negative prompt:" in report(parse(text, 300))


def test_an_embedding_of_its_own_is_a_style():
    assert nouns("a spider, embedding:sharp_v2, a web") == ["spider", "web"]
    assert "Left out: an embedding (embedding)" in report(parse("a spider, embedding:sharp_v2", 300))
    assert nouns("a photo of embedding:mydog") == ["embedding:mydog"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oil stains cover the floor", [("stains", ("oil",)), ("floor", ())]),
        ("a robot watering wilted daisies", [("robot", ()), ("daisies", ("wilted",))]),
        ("On the right side, a salmon leaps from the river.", [("salmon", ()), ("river", ())]),
        ("A lake is near. The lake is still.", [("lake", ("still",))]),
        ("girl studying, desk lamp", [("girl", ()), ("lamp", ("desk",))]),
        ("a lamp that is not lit next to a fork", [("lamp", ()), ("fork", ())]),
    ],
)
def test_what_a_parser_cannot_mean_is_mended(text, expected):
    assert subjects(text) == expected


@pytest.mark.parametrize(
    "tag",
    ["product shot", "worm's eye view", "kodak gold 200", "character design", "lo-fi", "solarpunk", "1960s", "newest",
     "very aesthetic", "dramatic shadows", "leaning forward", "white border", "sepia", "unsplash", "cozy", "shirtless",
     "kneeling"],
)  # fmt: skip
def test_more_tags_that_name_no_thing(tag):
    assert nouns(f"1girl, {tag}, red hat") == ["1girl", "hat"]


@pytest.mark.parametrize(
    "tag", ["light bulb", "film reel", "comic book", "stage lights", "railing", "husky", "eyeglasses"]
)
def test_things_that_look_like_styles_stay_things(tag):
    assert nouns(f"1girl, {tag}, red hat") == ["1girl", tag.split()[-1], "hat"]


def test_words_with_an_apostrophe_are_found():
    prompt = parse("the cat's bowl and a man's red hat, don't blink", 300)
    assert find_words(prompt, "cat's")[0].text == "cat"
    assert find_words(prompt, "man's red hat")[0].text == "man's red hat"
    assert find_words(prompt, "don't")[0].text == "don't"


LETTERS = "abc xyz  ,.;:!?()[]{}<>|\\/'\"-_=+*&^%$#@~`0123456789\n\t\r\x00é漢字かな한국어ßЖ🐻👨‍👩‍👧\ud800\u200d\u0301"
ODD = [
    "", "   ", "\n\n", "!?.,;:", "((((((", "))))", "::::", "BREAK", "AND", "🐻🐢🦊", "漢字 a cat 고양이 кот",
    "a" * 5000,
    "--no", "[a:b:0.5]", "{|}", "<lora:>", "'", "no", "without", "not", "a cat " * 1500,
    "a cat made of paper " * 600, "1girl, " * 800,
    "(" * 500 + "a cat",
    "사과와 고양이 " * 750, "赤いリンゴと" * 1000, "un chat noir et " * 700,
]  # fmt: skip


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_prompts_end_in_a_report_within_two_seconds(text):
    parse("a cat")
    begun = time.process_time()
    assert report(parse(text, 20_000))
    assert time.process_time() - begun < 2


def test_a_thousand_random_strings_end_in_a_report():
    rng = random.Random(13)
    for _ in range(1000):
        text = "".join(rng.choice(LETTERS) for _ in range(rng.randint(0, 60)))
        begun = time.process_time()
        prompt = parse(text, 200)
        assert report(prompt) and time.process_time() - begun < 2
        assert all(text_of(prompt, word) == word.text for word in prompt.words)


def text_of(prompt, word) -> str:
    return prompt.plain[word.start : word.stop]
