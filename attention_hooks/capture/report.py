"""A run in words: what guidance did at each step, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from .record import GuidedStep, RunRecord

Row = tuple[str, ...]


def images_of(record: RunRecord) -> int:
    """How many images the guided steps tell of; 0 when none was guided."""
    return max((len(losses) for step in record.steps for losses in step.losses.values()), default=0)


def techniques_of(record: RunRecord) -> list[str]:
    """In the order in which they first acted."""
    return list(dict.fromkeys(name for step in record.steps for name in step.losses))


def subject_names(record: RunRecord, count: int) -> list[str]:
    """Names of a technique's `count` subjects: the prompt's, where it has as many; two of one name are numbered."""
    subjects = record.prompt.subjects if record.prompt else ()
    if len(subjects) != count:
        return [f"subject {number + 1}" for number in range(count)]
    texts = [subject.text for subject in subjects]
    return [f"{text} #{texts[: i + 1].count(text)}" if texts.count(text) > 1 else text for i, text in enumerate(texts)]


def report(record: RunRecord) -> str:
    """The whole text: summary, notes, then one line a guided step, technique and image."""
    parts = [*summary(record), *_notes(record)]
    rows = [row for step in record.steps for row in _step_rows(record, step)]
    if rows:
        parts += [
            "",
            *_table([("step", "progress", "sigma", "image", "technique", "loss", "weakest", "refined"), *rows]),
        ]
    return "\n".join(parts)


def summary(record: RunRecord) -> list[str]:
    lines = [f"Prompt: {record.prompt.plain}"] if record.prompt else []
    if not record.steps:
        return [*lines, f"No step was guided (of {record.total_steps})."]
    refined = sum(int(step.refinements.sum()) for step in record.steps)
    plain = record.sampling_seconds - record.guidance_seconds
    share = f", {record.sampling_seconds / plain:.2f} times the sampling without it" if plain > 0 else ""
    return [
        *lines,
        f"Guided {len(record.steps)} of {record.total_steps} steps; {refined} refinements; extra passes: "
        f"{record.forwards} forward, {record.backwards} backward, of one image each.",
        f"Time: {record.guidance_seconds:.1f} s of {record.sampling_seconds:.1f} s were guidance{share}.",
    ]


def _notes(record: RunRecord) -> list[str]:
    notes = dict.fromkeys([*record.notes, *(note for step in record.steps for note in step.notes)])
    return [f"Note: {note}" for note in notes]


def _step_rows(record: RunRecord, step: GuidedStep) -> list[Row]:
    rows = []
    for name, losses in step.losses.items():
        for image, loss in enumerate(losses.tolist()):
            weakest = _weakest(record, step.subjects.get(name), image)
            refined = int(step.refinements[image]) if image < len(step.refinements) else 0
            place = (str(step.step + 1), f"{step.progress:.2f}", f"{step.sigma:.3f}", str(image + 1))
            rows.append((*place, name, f"{loss:.4f}", weakest, f"+{refined}" if refined else ""))
    return rows


def _weakest(record: RunRecord, values: Tensor | None, image: int) -> str:
    """The subject with the largest loss, and that loss; '' where the technique has no value per subject."""
    if values is None or values.ndim < 2 or values.shape[1] == 0:
        return ""
    known = values[image].nan_to_num(float("-inf"))
    index = int(known.argmax())
    return f"{subject_names(record, values.shape[1])[index]} {float(values[image, index]):.4f}"


def _table(rows: Sequence[Row]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
