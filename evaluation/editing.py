"""Prompt-to-Prompt on the Shapes model: did the edit happen, and did the rest stay? Every picture is looked at by the
detector; only sources that show what their prompt says count."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import comfy.sample
import numpy as np
import torch
from torch import Tensor

from ..demo.detector import Detection, detect
from ..demo.prompts import COLOURED_COLOURED, prompt
from ..demo.scenes import COLOURS, SHAPES
from ..demo.scoring import Subject
from .intervals import wilson
from .methods import run_node
from .quality import Recipe

FIRST_SEED = 2_000_000
"""No other table uses these."""
SEEDS = 6
"""Sources drawn at once for a prompt; about half of them are right."""
NEAR = 2.0
"""Pixels that an untouched object may move."""
RESAMPLED, EDITED, BLENDED = "re-sampled", "prompt-to-prompt", "with local blend"
ARMS = (RESAMPLED, EDITED, BLENDED)
TAUS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
COLUMNS = ("happened", "stayed")

WEIGHT = -2.0
"""Of the colour's word: less than nothing, so that the object has any other colour."""
SWAP: Mapping[str, Any] = {"until": 0.8, "self_until": 0.4}
RESHAPE: Mapping[str, Any] = {"until": 0.4, "self_until": 0.0}
"""Another shape needs another outline."""
REFINE: Mapping[str, Any] = {"until": 0.4, "self_until": 0.2}
"""With longer windows the source's colour is the edit's: a first look at a few pictures, not a search."""
BLEND: Mapping[str, Any] = {"start": 0.2, "threshold": 0.3}

Row = dict[str, Any]
"""kind, arm, prompt, seed, index, and what was seen: happened 0 or 1, stayed 0 or 1, outside in 0…255."""


@dataclass(frozen=True)
class Case:
    """One edit of a source prompt. The first object is edited, the other must stay."""

    kind: str
    source: str
    edited: str
    before: Subject
    after: Subject
    other: Subject
    node: str = "PUWordSwap"
    inputs: Mapping[str, Any] = field(default_factory=lambda: dict(SWAP))


def cases() -> list[list[Case]]:
    """For each of the 32 prompts its four edits."""
    return [_cases(number, *subjects) for number, (_, subjects) in enumerate(COLOURED_COLOURED)]


def _cases(number: int, first: Subject, other: Subject) -> list[Case]:
    shape, colour = first
    source = prompt(first, other).text
    recoloured = (shape, _another(COLOURS, (colour, other[1]), number))
    reshaped = (_another(SHAPES, (shape, other[0]), number), colour)
    weigh = {"words": f"{colour}: {WEIGHT:g}", **SWAP}
    return [
        Case("colour swap", source, prompt(recoloured, other).text, first, recoloured, other),
        Case("shape swap", source, prompt(reshaped, other).text, first, reshaped, other, inputs=RESHAPE),
        Case(
            "added phrase", prompt((shape, None), other).text, source, (shape, None), first, other, "PURefine", REFINE
        ),
        Case("re-weight", source, source, first, (shape, None), other, "PUReweight", weigh),
    ]


def _another(names: Sequence[str], taken: Sequence[str | None], number: int) -> str:
    free = [name for name in names if name not in taken]
    return free[number % len(free)]


# --- pictures ---


@dataclass(frozen=True)
class Workshop:
    """The Shapes model, and how every picture is sampled."""

    model: Any
    clip: Any
    vae: Any
    recipe: Recipe = Recipe()

    @torch.inference_mode()
    def pictures(self, case: Case, arm: str, seed: int, indices: Sequence[int], **inputs: Any) -> Tensor:
        """[indices height width 3] of the edit. `indices` are noises drawn from `seed`."""
        edited = "" if arm == RESAMPLED else case.edited
        source = case.edited if arm == RESAMPLED else case.source
        positive, edit, *_ = run_node("PUEncodeEdit", clip=self.clip, source=source, edited=edited)
        model = self.model
        if arm != RESAMPLED:
            edit = run_node(case.node, edit=edit, **{**case.inputs, **inputs})[0]
            if arm == BLENDED:
                # The thing that is edited: where only its weight changes the prompts do not say which.
                words = {"words": f"{case.before[0]}, {case.after[0]}"} if case.kind == "re-weight" else {}
                edit = run_node("PULocalBlend", edit=edit, **BLEND, **words)[0]
            model = run_node("PUPromptToPrompt", model=model, edit=edit)[0]
        size = self.recipe.size
        empty = {"samples": torch.zeros(len(indices), 3, size, size), "batch_index": list(indices)}
        latent = run_node("PUEditLatent", samples=empty, edit=edit)[0]
        return self._sample(model, positive, latent, seed)[len(edit.prompts) - 1 :: len(edit.prompts)]

    @torch.inference_mode()
    def sources(self, text: str, seed: int) -> Tensor:
        positive = run_node("PUEncodePrompt", clip=self.clip, text=text)[0]
        size = self.recipe.size
        latent = {"samples": torch.zeros(SEEDS, 3, size, size), "batch_index": list(range(SEEDS))}
        return self._sample(self.model, positive, latent, seed)

    def _sample(self, model: Any, positive: Any, latent: dict[str, Any], seed: int) -> Tensor:
        recipe = self.recipe
        negative = run_node("PUEncodePrompt", clip=self.clip, text="")[0]
        noise = comfy.sample.prepare_noise(latent["samples"], seed, latent["batch_index"])
        samples = comfy.sample.sample(
            model, noise, recipe.steps, recipe.cfg, recipe.sampler, recipe.scheduler, positive, negative,
            latent["samples"], disable_pbar=True, seed=seed,
        )  # fmt: skip
        return self.vae.decode(samples).cpu()


def rows_of(workshop: Workshop, edits: Sequence[Case], seed: int) -> Iterator[Row]:
    """Every edit of one prompt in every arm, from the right ones among `SEEDS` sources."""
    for text in dict.fromkeys(case.source for case in edits):
        sources = workshop.sources(text, seed)
        for case in (case for case in edits if case.source == text):
            right = [i for i in range(SEEDS) if is_right(case, detect(sources[i].numpy()))]
            for arm in ARMS if right else ():
                # The same prompt and noise without an edit is the source again.
                again = arm == RESAMPLED and case.edited == case.source
                pictures = sources[right] if again else workshop.pictures(case, arm, seed, right)
                for index, picture in zip(right, pictures, strict=True):
                    yield {
                        "kind": case.kind, "arm": arm, "prompt": case.source, "edited": case.edited, "seed": seed,
                        "index": index, **judge(case, sources[index].numpy(), picture.numpy()),
                    }  # fmt: skip


def curve_rows(workshop: Workshop, edits: Sequence[Case], seed: int) -> Iterator[Row]:
    """Word swaps over tau, self-attention for half of it, without blending."""
    swaps = [case for case in edits if case.node == "PUWordSwap"]
    sources = workshop.sources(swaps[0].source, seed)
    right = [i for i in range(SEEDS) if is_right(swaps[0], detect(sources[i].numpy()))]
    for case in swaps if right else ():
        for tau in TAUS:
            pictures = workshop.pictures(case, EDITED, seed, right, until=tau, self_until=tau / 2)
            for index, picture in zip(right, pictures, strict=True):
                seen = judge(case, sources[index].numpy(), picture.numpy())
                yield {"kind": case.kind, "tau": tau, "seed": seed, "index": index, **seen}


# --- what is seen ---


def is_right(case: Case, found: Sequence[Detection]) -> bool:
    """Both objects and nothing else; an added colour must not be there before."""
    seen = {(one.shape, one.colour) for one in found}
    shapes = sorted(str(one.shape) for one in found)
    if len(found) != 2 or shapes != sorted([case.before[0], case.other[0]]) or case.other not in seen:
        return False
    return case.before in seen if case.before[1] else case.after not in seen


def judge(case: Case, source: np.ndarray, picture: np.ndarray) -> dict[str, float]:
    """source, picture [height width 3] in 0…1."""
    before, after = detect(source), detect(picture)
    thing = next(one for one in before if one.shape == case.before[0])
    new = [one for one in after if _happened(case, one)]
    # A re-weighted thing may change its colour or go.
    gone = case.kind == "re-weight" and not any(one.shape == case.before[0] for one in after)
    other = next(one for one in before if (one.shape, one.colour) == case.other)
    stayed = any((one.shape, one.colour) == case.other and _distance(one, other, source) <= NEAR for one in after)
    return {
        "happened": float(bool(new) or gone),
        "stayed": float(stayed),
        "outside": _outside(source, picture, [thing, *new]),
    }


def _happened(case: Case, one: Detection) -> bool:
    if case.kind == "re-weight":
        return one.shape == case.before[0] and one.colour != case.before[1]
    return (one.shape, one.colour) == case.after


def _distance(a: Detection, b: Detection, picture: np.ndarray) -> float:
    """In pixels, between centres."""
    height, width = picture.shape[:2]
    return float(np.hypot((a.centre[0] - b.centre[0]) * width, (a.centre[1] - b.centre[1]) * height))


def _outside(source: np.ndarray, picture: np.ndarray, things: Sequence[Detection]) -> float:
    """Mean absolute change in 0…255 of the pixels outside the boxes of the edited thing, before and after."""
    height, width = source.shape[:2]
    rest = np.ones((height, width), bool)
    for left, top, right, bottom in (one.box for one in things):
        rest[int(top * height) : int(np.ceil(bottom * height)), int(left * width) : int(np.ceil(right * width))] = False
    return float(255 * np.abs(source - picture)[rest].mean()) if rest.any() else 0.0


# --- a run that may be cut short ---


def run(
    workshop: Workshop, pairs: int, curve_pairs: int, file: Path, weights: str, say: Callable[[str], None]
) -> tuple[list[Row], list[Row]]:
    """Rows of the table and of the curve, until every kind has `pairs`. What `file` has from an earlier run of the same
    settings is not done again."""
    key = {"recipe": asdict(workshop.recipe), "weights": weights, "settings": settings()}
    table = _collect(file, {**key, "part": "table"}, pairs, lambda *job: rows_of(workshop, *job), say)
    curve_file = file.with_stem(file.stem + "_tau")
    curve = _collect(curve_file, {**key, "part": "tau"}, curve_pairs, lambda *job: curve_rows(workshop, *job), say)
    return table, curve


def _collect(
    file: Path,
    key: Mapping[str, Any],
    pairs: int,
    work: Callable[[list[Case], int], Iterator[Row]],
    say: Callable[[str], None],
) -> list[Row]:
    done = _read(file, key)
    rows = [row for one in done.values() for row in one]
    started = time.perf_counter()
    for number, (edits, seed) in enumerate(_jobs()):
        if _count(rows) >= pairs:
            break
        if str(number) in done:
            continue
        new = list(work(edits, seed))
        rows += new
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"job": str(number), "rows": new}) + "\n")
        say(f"{_count(rows)} of {pairs} pairs, {(time.perf_counter() - started) / 60:.1f} min: {edits[0].source}")
    return rows


def _jobs() -> Iterator[tuple[list[Case], int]]:
    every = cases()
    seed = FIRST_SEED
    while True:
        for edits in every:
            yield edits, seed
            seed += 1


def _count(rows: Sequence[Row]) -> int:
    """Pairs of the kind that has fewest."""
    kinds = {row["kind"] for row in rows}
    per_kind = [{(row["seed"], row["index"]) for row in rows if row["kind"] == kind} for kind in kinds]
    return min(map(len, per_kind), default=0) if len(kinds) > 1 else 0


def _read(file: Path, key: Mapping[str, Any]) -> dict[str, list[Row]]:
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    if not lines or json.loads(lines[0]) != key:
        file.write_text(json.dumps(key) + "\n", "utf-8")
        return {}
    return {one["job"]: one["rows"] for one in map(json.loads, lines[1:])}


# --- figures ---


def settings() -> dict[str, Any]:
    """Of every kind of edit, as the nodes take them."""
    return {case.kind: {"node": case.node, **case.inputs} for case in cases()[0]} | {"local blend": dict(BLEND)}


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """Kind -> arm -> pairs, columns with intervals, mean change outside."""
    kinds = dict.fromkeys(row["kind"] for row in rows)
    return {
        kind: {arm: _summary([r for r in rows if (r["kind"], r["arm"]) == (kind, arm)]) for arm in ARMS}
        for kind in kinds
    }


def curve(rows: Sequence[Row]) -> dict[str, Any]:
    """Kind -> tau -> the same."""
    kinds = dict.fromkeys(row["kind"] for row in rows)
    return {
        kind: {f"{tau:g}": _summary([r for r in rows if (r["kind"], r["tau"]) == (kind, tau)]) for tau in TAUS}
        for kind in kinds
    }


def _summary(rows: Sequence[Row]) -> dict[str, Any]:
    shares = {column: asdict(wilson([row[column] for row in rows])) for column in COLUMNS}
    return {"pairs": len(rows), **shares, "outside": float(np.mean([row["outside"] for row in rows]))}
