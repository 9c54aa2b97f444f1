"""The demo's result: one before/after picture and one table, from the files that `run.py demo` fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..plots.before_after import Note, before_after
from .detector import detect
from .intervals import wilson
from .scenes import COLOURS, SHAPES
from .scoring import Score, Subject, score

ROW_FIELDS = (
    ("present", "present", "subjects"),
    ("neglected", "neglected", "subjects"),
    ("bound rightly", "bound_rightly", "attributes"),
    ("bound wrongly", "bound_wrongly", "attributes"),
)
"""Row of the table, the count, of how many."""
ROWS = 3
"""Seeds shown for each prompt in the picture; the table counts all of them."""


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
    if content["real"]:
        pages, text = real_sheet(content["runs"])
    else:
        pages, text = shapes_sheet(content["runs"])
    stacked(pages).save(picture)
    table.write_text(text + "\n", encoding="utf-8")
    print(f"{text}\n\nPicture: {picture}\nTable:   {table}")
    return 0


# --- Shapes ----------------------------------------------------------------------------------------------------------


def shapes_sheet(runs: Sequence[dict[str, Any]]) -> tuple[list[Image.Image], str]:
    pages: list[Image.Image] = []
    plain: list[Score] = []
    guided: list[Score] = []
    for run in runs:
        subjects, pairs = subjects_of(run["text"]), pairs_of(run)
        plain += [score_of(pair.plain, subjects) for pair in pairs]
        guided += [score_of(pair.guided, subjects) for pair in pairs]
        shown = telling(pairs, subjects)[:ROWS]
        notes = [[notes_on(getattr(pair, side), subjects) for pair in shown] for side in ("plain", "guided")]
        pages.append(page(run["text"], shown, heat_names(pairs[0], [shape for shape, _ in subjects]), *notes))
    return pages, shapes_table(plain, guided, seconds(runs, "plain"), seconds(runs, "guided"))


def subjects_of(text: str) -> tuple[Subject, ...]:
    """(shape, colour) of every shape that is named, the colour being the word before it if it is one."""
    words = re.findall(r"[a-z]+", text.lower())
    before = dict(enumerate(words, 1))
    return tuple(
        (word, before.get(at) if before.get(at) in COLOURS else None) for at, word in enumerate(words) if word in SHAPES
    )


def score_of(picture: Tensor, subjects: Sequence[Subject]) -> Score:
    return score(subjects, detect(picture.numpy()))


def telling(pairs: Sequence[Pair], subjects: Sequence[Subject]) -> list[Pair]:
    """Seeds at which the plain model forgot something first; the page says that they were picked so."""
    return sorted(pairs, key=lambda pair: -score_of(pair.plain, subjects).neglected)


def notes_on(picture: Tensor, subjects: Sequence[Subject]) -> list[Note]:
    """One line a subject, as the detector sees it."""
    found = detect(picture.numpy())
    return [_note(shape, colour, {one.colour for one in found if one.noun == shape}) for shape, colour in subjects]


def _note(shape: str, colour: str | None, seen: set[str]) -> Note:
    name = f"{colour} {shape}" if colour else shape
    if not seen:
        return Note(f"no {shape}", good=False)
    if colour and colour not in seen:
        return Note(f"{shape} is {', '.join(sorted(seen))}", good=False)
    return Note(name, good=True)


def shapes_table(plain: Sequence[Score], guided: Sequence[Score], plain_seconds: float, guided_seconds: float) -> str:
    """`plain` and `guided`: one score a picture."""
    lines = [_head(len(plain))]
    for name, count, total in ROW_FIELDS:
        lines.append(f"| {name} | {_share(plain, count, total)} | {_share(guided, count, total)} |")
    lines += _cost(len(plain), plain_seconds, guided_seconds)
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


def _head(pictures: int) -> str:
    return f"| {pictures} pictures each, same seeds | plain | Attend-and-Excite |\n|---|---|---|"


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
    table = "\n".join([_head(len(pairs)), *_cost(len(pairs), seconds(runs, "plain"), seconds(runs, "guided"))])
    judge = "Present or neglected: judge by eye. Only the Shapes model has a detector that cannot be doubted."
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
        headings=("plain", "Attend-and-Excite"),
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
