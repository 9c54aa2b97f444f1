"""The report's text from a hand-made record."""

import pytest
import torch
from pack.attention_hooks.capture.record import GuidedStep, RunRecord
from pack.attention_hooks.capture.report import report, subject_names
from pack.prompts.types import ParsedPrompt, Subject, Word

NAN = float("nan")


@pytest.fixture
def record():
    subjects = (Subject(Word("circle", 2, 8)), Subject(Word("star", 15, 19)))
    prompt = ParsedPrompt("a circle and a star", "a circle and a star", "l", 77, (), (), subjects)
    steps = [
        GuidedStep(
            0, 0.0, 14.6146, {"attend_and_excite": torch.tensor([0.91, 0.4])},
            {"attend_and_excite": torch.tensor([[0.2, 0.91], [0.4, 0.1]])}, torch.tensor([3, 0]),
        ),
        GuidedStep(
            1, 0.1, 10.0, {"attend_and_excite": torch.tensor([0.5, NAN])},
            {"attend_and_excite": torch.tensor([[0.5, NAN], [NAN, NAN]])}, torch.tensor([0, 0]),
            ("Step 2: the gradient was not a finite number for image 2.",),
        ),
    ]  # fmt: skip
    return RunRecord(
        prompt,
        steps,
        total_steps=20,
        forwards=9,
        backwards=7,
        guidance_seconds=1.0,
        sampling_seconds=5.0,
        notes=["Mind."],
    )


def test_the_summary_counts_and_costs(record):
    text = report(record)
    assert "Guided 2 of 20 steps; 3 refinements; extra passes: 9 forward, 7 backward" in text
    assert "1.0 s of 5.0 s were guidance, 1.25 times the sampling without it" in text


def test_every_step_and_image_has_a_line_with_its_weakest_subject(record):
    lines = [" ".join(line.split()) for line in report(record).splitlines()]
    assert "1 0.00 14.615 1 attend_and_excite 0.9100 star 0.9100 +3" in lines
    assert "1 0.00 14.615 2 attend_and_excite 0.4000 circle 0.4000" in lines
    assert "2 0.10 10.000 1 attend_and_excite 0.5000 circle 0.5000" in lines


def test_notes_appear_once(record):
    record.notes.append("Mind.")
    assert report(record).count("Note: Mind.") == 1
    assert "Note: Step 2: the gradient was not a finite number for image 2." in report(record)


def test_a_run_without_guidance_says_so():
    assert report(RunRecord(total_steps=8)) == "No step was guided (of 8)."


def test_two_subjects_of_one_name_are_told_apart(record):
    record.prompt = ParsedPrompt("", "", "l", 77, (), (), (Subject(Word("cat", 0, 3)), Subject(Word("cat", 8, 11))))
    assert subject_names(record, 2) == ["cat #1", "cat #2"]
    assert subject_names(record, 3) == ["subject 1", "subject 2", "subject 3"]
