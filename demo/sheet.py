"""The demo's result: one before/after picture and one table, from the files that `run.py demo` fetched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..plots.before_after import Note, before_after
from ..plots.gallery import Shown, gallery
from .intervals import wilson
from .known import SHAPES, SMALL_WORLD, Known
from .scoring import Score, Subject

ROW_FIELDS = (
    ("wholly right", "all_right", "pictures"),
    ("present", "present", "subjects"),
    ("neglected", "neglected", "subjects"),
    ("bound rightly", "bound_rightly", "attributes"),
    ("bound wrongly", "bound_wrongly", "attributes"),
)
"""Row of the table, the count, of how many."""
ROWS = 3
"""Seeds shown for each prompt in the picture; the table counts all of them."""
TECHNIQUE = {"small-world": "auto", "shapes": "Attend-and-Excite", "real": "Attend-and-Excite"}
"""What the guided side of each demo was guided by."""


@dataclass(frozen=True)
class Pair:
    """One seed: its two pictures [height width 3] in 0…1 and the heat [height width] of each subject."""

    seed: str
    plain: Tensor
    guided: Tensor
    heats: tuple[Tensor, ...]


def main(arguments: Sequence[str]) -> int:
    report = Path(arguments[0])
    content = json.loads(report.read_text(encoding="utf-8"))
    picture = report.with_name("before_after.png")
    table = report.with_name("table.md")
    pages, text = SHEETS[content["model"]](content["runs"])
    stacked(pages).save(picture)
    table.write_text(text + "\n", encoding="utf-8")
    print(f"{text}\n\nPicture: {picture}\nTable:   {table}")
    return 0


# --- Small World -----------------------------------------------------------------------------------------------------


def small_world_sheet(runs: Sequence[dict[str, Any]]) -> tuple[list[Image.Image], str]:
    """Every prompt with its seeds in their order, none picked: above the model alone, below guided."""
    cells = []
    for run in runs:
        subjects, pairs = SMALL_WORLD.subjects_of(run["text"]), pairs_of(run)
        rows = {
            title: [_shown(getattr(pair, side), subjects) for pair in pairs]
            for title, side in (("plain", "plain"), (TECHNIQUE["small-world"], "guided"))
        }
        cells.append((run["text"], rows))
    return [gallery(cells)], known_table(SMALL_WORLD, runs, TECHNIQUE["small-world"])


def _shown(picture: Tensor, subjects: Sequence[Subject]) -> Shown:
    return Shown(picture, bool(SMALL_WORLD.score_of(picture.numpy(), subjects).all_right))


# --- Shapes ----------------------------------------------------------------------------------------------------------


def shapes_sheet(runs: Sequence[dict[str, Any]]) -> tuple[list[Image.Image], str]:
    """Every prompt with the seeds at which the plain model forgot something first, and each word's heat."""
    pages: list[Image.Image] = []
    for run in runs:
        subjects, pairs = SHAPES.subjects_of(run["text"]), pairs_of(run)
        shown = telling(pairs, subjects)[:ROWS]
        notes = [[notes_on(getattr(pair, side), subjects) for pair in shown] for side in ("plain", "guided")]
        pages.append(page(run["text"], shown, heat_names(pairs[0], [shape for shape, _ in subjects]), *notes))
    return pages, known_table(SHAPES, runs, TECHNIQUE["shapes"])


def telling(pairs: Sequence[Pair], subjects: Sequence[Subject]) -> list[Pair]:
    """Seeds at which the plain model forgot something first; the page says that they were picked so."""
    return sorted(pairs, key=lambda pair: -SHAPES.score_of(pair.plain.numpy(), subjects).neglected)


def notes_on(picture: Tensor, subjects: Sequence[Subject]) -> list[Note]:
    """One line a subject, as the detector sees it."""
    found = SHAPES.detect(picture.numpy())
    return [_note(shape, colour, {one.colour for one in found if one.noun == shape}) for shape, colour in subjects]


def _note(shape: str, colour: str | None, seen: set[str]) -> Note:
    name = f"{colour} {shape}" if colour else shape
    if not seen:
        return Note(f"no {shape}", good=False)
    if colour and colour not in seen:
        return Note(f"{shape} is {', '.join(sorted(seen))}", good=False)
    return Note(name, good=True)


# --- A model with a detector -----------------------------------------------------------------------------------------


def known_table(known: Known, runs: Sequence[dict[str, Any]], technique: str) -> str:
    """Counts over all pictures, and the cost."""
    scores: dict[str, list[Score]] = {"plain": [], "guided": []}
    for run in runs:
        subjects = known.subjects_of(run["text"])
        for pair in pairs_of(run):
            for side, found in scores.items():
                found.append(known.score_of(getattr(pair, side).numpy(), subjects))
    plain, guided = scores.values()
    lines = [_head(len(plain), technique)]
    for name, count, total in ROW_FIELDS:
        lines.append(f"| {name} | {_share(plain, count, total)} | {_share(guided, count, total)} |")
    lines += _cost(len(plain), seconds(runs, "plain"), seconds(runs, "guided"))
    few = "" if len(plain) >= 100 else " So few pictures give wide ones; `run.py bench --quality` counts hundreds."
    return "\n".join(lines) + f"\n\nIn brackets: 95 % intervals.{few}"


def _share(scores: Sequence[Score], count: str, total: str) -> str:
    """Subjects of one picture stand or fall together, so the interval is that of pictures."""
    asked = [one for one in scores if getattr(one, total)]
    if not asked:
        return "none asked for"
    found, wanted = sum(getattr(one, count) for one in asked), sum(getattr(one, total) for one in asked)
    interval = wilson([getattr(one, count) / getattr(one, total) for one in asked])
    return f"{found} of {wanted} = {found / wanted:.0%} ({interval.low:.0%}-{interval.high:.0%})"


def _head(pictures: int, technique: str) -> str:
    return f"| {pictures} pictures each, same seeds | plain | {technique} |\n|---|---|---|"


def _cost(pictures: int, plain: float, guided: float) -> list[str]:
    per = max(pictures, 1)
    return [
        f"| seconds a picture | {plain / per:.2f} | {guided / per:.2f} |",
        f"| ratio | 1 | {guided / plain:.2f} |" if plain else "| ratio | 1 | not measured |",
    ]


# --- Real checkpoints ------------------------------------------------------------------------------------------------


def real_sheet(runs: Sequence[dict[str, Any]]) -> tuple[list[Image.Image], str]:
    """No detector knows photographs well enough to be believed here, so the table holds the cost only."""
    pairs = [pair for run in runs for pair in pairs_of(run)]
    words = heat_names(pairs[0], [])
    cost = _cost(len(pairs), seconds(runs, "plain"), seconds(runs, "guided"))
    table = "\n".join([_head(len(pairs), TECHNIQUE["real"]), *cost])
    judge = "Present or neglected: judge by eye. Only our own models have a detector that cannot be doubted."
    return [page(runs[0]["text"], pairs, words)], f"{table}\n\n{judge}"


# --- Both ------------------------------------------------------------------------------------------------------------


def seconds(runs: Sequence[dict[str, Any]], side: str) -> float:
    return sum(run[f"{side}_seconds"] for run in runs)


def pairs_of(run: dict[str, Any]) -> list[Pair]:
    """Heat files come image by image, one for each subject."""
    count = len(run["plain"])
    each = len(run["heat"]) // max(count, 1)
    return [
        Pair(
            f"seed {run['seed']}" + (f"\nno. {number + 1}" if count > 1 else ""),
            read(run["plain"][number]),
            read(run["guided"][number]),
            tuple(read(file)[..., 0] for file in run["heat"][number * each : (number + 1) * each]),
        )
        for number in range(count)
    ]


def read(file: str) -> Tensor:
    with Image.open(file) as picture:
        return torch.from_numpy(np.asarray(picture.convert("RGB"), np.float32) / 255)


def heat_names(pair: Pair, shapes: Sequence[str]) -> list[str]:
    """The parser decided which words have a heat map; where it saw other subjects than we do, a name could be wrong."""
    count = len(pair.heats)
    return list(shapes) if len(shapes) == count else [f"subject {number + 1}" for number in range(count)]


def page(
    title: str,
    pairs: Sequence[Pair],
    words: Sequence[str],
    plain_notes: Sequence[Sequence[Note]] = (),
    guided_notes: Sequence[Sequence[Note]] = (),
) -> Image.Image:
    drawn = before_after(
        torch.stack([pair.plain for pair in pairs]),
        torch.stack([pair.guided for pair in pairs]),
        {word: torch.stack([pair.heats[at] for pair in pairs]) for at, word in enumerate(words)},
        [pair.seed for pair in pairs],
        title=title,
        plain_notes=plain_notes,
        guided_notes=guided_notes,
        headings=("plain", TECHNIQUE["shapes"]),
    )
    return Image.fromarray((drawn[0].clamp(0, 1) * 255).round().byte().numpy())


def stacked(pages: Sequence[Image.Image]) -> Image.Image:
    width = max(one.width for one in pages)
    whole = Image.new("RGB", (width, sum(one.height for one in pages)), pages[0].getpixel((0, 0)))
    top = 0
    for one in pages:
        whole.paste(one, (0, top))
        top += one.height
    return whole


SHEETS = {"small-world": small_world_sheet, "shapes": shapes_sheet, "real": real_sheet}
