"""Attend-and-Excite against numbers worked out by hand from the paper's formula."""

import math

import pytest
import torch
from pack.attention_hooks.losses.attend_and_excite import ALL_BUT_START, AttendAndExcite
from pack.attention_hooks.losses.blur import blur
from pack.attention_hooks.types import TokenMaps
from pack.errors import PromptUnderstandingError
from pack.prompts.types import ParsedPrompt, Subject, Token, TokenSpan, Word


def prompt(*subjects: tuple[int, ...], words: int = 3, length: int = 7) -> ParsedPrompt:
    """Start mark at 0, words from 1, end mark, padding. A subject is a tuple of positions."""
    kinds = ["start", *["word"] * words, "end", *["pad"] * (length - words - 2)]
    tokens = tuple(Token(i, kind, kind) for i, kind in enumerate(kinds))
    nouns = [Word(f"n{p}", 0, 1, tuple(TokenSpan("n", i, i + 1) for i in p)) for p in subjects]
    return ParsedPrompt("p", "p", "l", length, tokens, (), tuple(Subject(noun) for noun in nouns))


def maps(**at: list[list[float]]) -> TokenMaps:
    """Seven tokens on 2x3 maps, zero but for `t1=…`."""
    probs = torch.zeros(7, 2, 3)
    for name, values in at.items():
        probs[int(name[1:])] = torch.tensor(values)
    return TokenMaps(probs)


def test_value_by_hand_without_blur():
    """Three words compete. Word 1 has 0.02 at one place, the others 0: softmax(100·[.02, 0, 0]) there is
    e² / (e² + 2) = 0.7870; elsewhere 1/3. Loss of word 1: 1 - 0.7870; of word 2, whose best place is 1/3: 2/3."""
    loss = AttendAndExcite(blur_sigma=0.0)
    bright = maps(t1=[[0.02, 0, 0], [0, 0, 0]])
    strong = 1 - math.exp(2) / (math.exp(2) + 2)
    assert loss.per_subject(bright, prompt((1,), (2,))).tolist() == pytest.approx([strong, 2 / 3], abs=1e-6)
    assert float(loss(bright, prompt((1,), (2,)))) == pytest.approx(2 / 3, abs=1e-6)
    assert float(loss(bright, prompt((1,)))) == pytest.approx(strong, abs=1e-6)


def test_softmax_over_all_but_the_start_mark_also_drops_the_last_position():
    """Positions 1…5 compete (0 is the start mark, 6 the last): a flat map gives 1/5 each."""
    loss = AttendAndExcite(blur_sigma=0.0, softmax_over=ALL_BUT_START)
    assert loss.competing(prompt((1,))) == [1, 2, 3, 4, 5]
    assert float(loss(maps(), prompt((1,)))) == pytest.approx(0.8, abs=1e-6)


def test_the_start_mark_never_competes():
    loud_start = maps(t0=[[9.0, 9.0, 9.0], [9.0, 9.0, 9.0]])
    assert float(AttendAndExcite(blur_sigma=0.0)(loud_start, prompt((1,)))) == pytest.approx(2 / 3, abs=1e-6)


def test_a_word_of_two_pieces_is_one_subject():
    """Two of three words belong to it: 2/3 of a flat map, so the loss is 1/3."""
    assert float(AttendAndExcite(blur_sigma=0.0)(maps(), prompt((1, 2)))) == pytest.approx(1 / 3, abs=1e-6)


def test_the_weakest_subject_alone_is_pulled():
    probs = (0.01 * torch.rand(7, 4, 6, generator=torch.Generator().manual_seed(0))).requires_grad_()
    two = prompt((1,), (3,))
    loss = AttendAndExcite()
    values = loss.per_subject(TokenMaps(probs), two)
    loss(TokenMaps(probs), two).backward()
    weak, strong = (1, 3) if values[0] > values[1] else (3, 1)
    assert probs.grad[weak].min() < 0 and probs.grad[weak].max() <= 0
    assert probs.grad[strong].min() >= 0
    assert probs.grad[0].abs().max() == 0 and probs.grad[4:].abs().max() == 0


def test_a_small_step_lowers_the_loss():
    probs = (0.01 * torch.rand(7, 5, 3, generator=torch.Generator().manual_seed(1))).requires_grad_()
    two, loss = prompt((1,), (2,)), AttendAndExcite()
    before = loss(TokenMaps(probs), two)
    (gradient,) = torch.autograd.grad(before, probs)
    assert loss(TokenMaps((probs - 1e-4 * gradient).detach()), two) < before


def test_blur_is_the_official_kernel():
    """exp(-(1/(2·0.5))²) = e^-1 one pixel away: centre 1/(1+2e^-1)² = 0.3319, edge 0.1221, corner 0.0449."""
    point = torch.zeros(1, 5, 5)
    point[0, 2, 2] = 1
    blurred = blur(point, 0.5)[0]
    centre = 1 / (1 + 2 * math.exp(-1)) ** 2
    assert blurred[2, 2].item() == pytest.approx(centre, abs=1e-6)
    assert blurred[2, 1].item() == pytest.approx(centre * math.exp(-1), abs=1e-6)
    assert blurred[1, 1].item() == pytest.approx(centre * math.exp(-2), abs=1e-6)
    assert blurred.sum().item() == pytest.approx(1, abs=1e-6)


def test_blur_mirrors_at_the_border():
    """A corner pixel's neighbours are mirrored to the outside: edge 1 counts twice. Row: [c+.., ...]."""
    e = math.exp(-1)
    row = torch.zeros(1, 3, 3)
    row[0, :, 1] = 1.0
    # At column 0 the left neighbour is column 1 mirrored: (e + e) / (1 + 2e).
    assert blur(row, 0.5)[0, 1, 0].item() == pytest.approx(2 * e / (1 + 2 * e), abs=1e-6)
    same = torch.rand(2, 4, 4)
    assert blur(same, 0.0) is same
    assert blur(torch.rand(1, 1, 5), 0.5).shape == (1, 1, 5)


def test_prompts_without_subjects_are_refused_in_a_sentence():
    with pytest.raises(PromptUnderstandingError, match="Pick Subjects"):
        AttendAndExcite().check(prompt())
    with pytest.raises(PromptUnderstandingError, match="no token"):
        AttendAndExcite().check(prompt(()))
