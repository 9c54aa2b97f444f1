"""What Prompt Guidance (auto) chooses for each kind of prompt, and what it says about it."""

import pytest
from pack.attention_hooks import losses  # noqa: F401  (registers them)
from pack.attention_hooks.losses.base import REGISTRY
from pack.attention_hooks.losses.choice import choose
from pack.errors import PromptUnderstandingError
from prompts_by_hand import prompt, subject

BARE, DESCRIBED = subject((2,)), subject((5,), (4,))


@pytest.mark.parametrize(
    ("subjects", "expected"),
    [
        ((BARE,), ["attend_and_excite"]),
        ((DESCRIBED,), ["attend_and_excite", "syngen"]),
        ((BARE, subject((5,))), ["attend_and_excite", "a_star"]),
        ((BARE, DESCRIBED), ["attend_and_excite", "syngen", "a_star"]),
    ],
)
def test_each_kind_of_prompt_gets_what_it_needs(subjects, expected):
    chosen = choose(prompt(*subjects, words=5))
    assert [choice.loss for choice in chosen] == expected
    assert set(expected) <= set(REGISTRY)
    assert all(subject.noun.text in chosen[0].why for subject in subjects)


def test_every_choice_has_something_to_do():
    for subjects in ((BARE,), (DESCRIBED,), (BARE, DESCRIBED)):
        parsed = prompt(*subjects, words=5)
        assert [REGISTRY[choice.loss]().idle(parsed) for choice in choose(parsed)] == [None] * len(choose(parsed))


def test_a_prompt_that_names_nothing_is_refused():
    with pytest.raises(PromptUnderstandingError, match="Prompt Guidance needs at least one subject"):
        choose(prompt(words=3))
