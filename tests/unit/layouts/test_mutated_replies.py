"""Ten thousand damaged replies: no exception but ours, nothing evaluated, none slow."""

import ast
import builtins
import contextlib
import random
import time
from pathlib import Path

import pytest
from pack import layouts
from pack.errors import PromptUnderstandingError
from pack.layouts.reading.reply import read_reply
from pack.prompts import read_prompt
from test_read_reply import FORMS

EACH = 1000
MOST_SECONDS = 0.05
CODE = (
    "__import__('os').system('touch /tmp/evaluated')", "(lambda: 1 / 0)()", "[x for x in ().__class__.__bases__]",
    "${7*7}", "'; DROP TABLE boxes; --", "\x00", "\ud800", "\u202e", "9" * 400, "1e999", "-0", "NaN", "0x1F",
)  # fmt: skip


def mutated(chance):
    text = chance.choice(list(FORMS.values()))
    for _ in range(chance.randint(1, 6)):
        text = chance.choice(MUTATIONS)(text, chance)
    return text


def _place(text, chance):
    return chance.randrange(len(text) + 1)


def truncated(text, chance):
    return text[: _place(text, chance)]


def without_start(text, chance):
    return text[_place(text, chance) :]


def flipped(text, chance):
    if not text:
        return text
    at = chance.randrange(len(text))
    return text[:at] + chr((ord(text[at]) ^ 1 << chance.randrange(8)) or 1) + text[at + 1 :]


def swapped_quotes(text, chance):
    old, new = chance.sample(["'", '"', "`", "“", "”", "’"], 2)
    return text.replace(old, new)


def nested(text, chance):
    depth = chance.choice([3, 40, 400])
    opening, closing = chance.choice(["[]", "{}", "()"])
    return opening * depth + text + closing * chance.choice([0, depth])


def huge_numbers(text, chance):
    digits = [i for i, letter in enumerate(text) if letter.isdigit()]
    if not digits:
        return text
    at = chance.choice(digits)
    return text[:at] + str(chance.choice([-1, 10**12, 0.0001, 10**30, "1e308"])) + text[at + 1 :]


def with_code(text, chance):
    at = _place(text, chance)
    return text[:at] + chance.choice(CODE) + text[at:]


def doubled(text, chance):
    first, last = sorted((_place(text, chance), _place(text, chance)))
    return text[:last] + text[first:last] * chance.randint(1, 5) + text[last:]


def shuffled(text, chance):
    lines = text.split("\n")
    chance.shuffle(lines)
    return "\n".join(lines)


def dropped(text, chance):
    return "".join(letter for letter in text if chance.random() > 0.03)


MUTATIONS = (
    truncated, without_start, flipped, flipped, swapped_quotes, nested, huge_numbers, with_code, doubled, shuffled,
    dropped,
)  # fmt: skip


def refuse(*args, **kwargs):
    raise AssertionError("text was evaluated")


def seconds(text, prompt):
    """Of the processor; the best of three, for the collector of garbage may come in between."""
    taken = []
    while len(taken) < 3 and (not taken or min(taken) > MOST_SECONDS):
        begun = time.process_time()
        with contextlib.suppress(PromptUnderstandingError):
            read_reply(text, 512, 512, prompt)
        taken.append(time.process_time() - begun)
    return min(taken)


@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_damaged_replies(seed, monkeypatch):
    asked = read_prompt("a cat to the left of a dog, no cups")
    read_reply(FORMS["the paper's"], 512, 512, asked)  # the lexicon is loaded once
    chance = random.Random(seed)
    read, slow = 0, []
    for name in ("eval", "exec", "compile"):
        monkeypatch.setattr(builtins, name, refuse)
    for _ in range(EACH):
        text, prompt = mutated(chance), chance.choice([asked, None])
        try:
            layout = read_reply(text, 512, 512, prompt)
        except PromptUnderstandingError as refusal:
            assert str(refusal)
        else:
            read += 1
            assert all(0 <= side <= 1 for thing in layout.objects for side in thing.box)
            assert all(thing.caption for thing in layout.objects)
        if seconds(text, prompt) > MOST_SECONDS:
            slow.append(text)
    monkeypatch.undo()
    assert not slow, [text[:200] for text in slow]
    assert 0.2 * EACH < read < 0.95 * EACH


def test_nothing_in_this_folder_can_evaluate_text():
    for file in Path(layouts.__file__).parent.rglob("*.py"):
        names = {node.id for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Name)}
        assert not names & {"eval", "exec", "compile", "literal_eval", "__import__"}, file
