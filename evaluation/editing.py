"""Prompt-to-Prompt on the Shapes model: did the edit happen, and did the rest stay? Every picture is looked at by the
detector; only sources that show what their prompt says count."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import comfy.sample
import numpy as np
import torch
from torch import Tensor

from ..demo.detector import detect
from ..demo.intervals import wilson
from .edit_cases import ARMS, EDITED, RESAMPLED, Case, cases, edited, is_right, judge, last_of_each
from .methods import run_node
from .worlds import SHAPES, Recipe

FIRST_SEED = 2_000_000
"""No other table uses these."""
SEEDS = 12
"""Sources drawn at once for a prompt; about one in five is right."""
TAUS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
COLUMNS = ("happened", "stayed")

Row = dict[str, Any]
"""kind, arm, prompt, seed, index, and what was seen: happened 0 or 1, stayed 0 or 1, outside in 0…255."""


# --- pictures ---


@dataclass(frozen=True)
class EditPipeline:
    """The Shapes model, and how every picture is sampled."""

    model: Any
    clip: Any
    vae: Any
    recipe: Recipe = SHAPES.recipe

    @torch.inference_mode()
    def pictures(self, case: Case, arm: str, seed: int, indices: Sequence[int], **inputs: Any) -> Tensor:
        """[indices height width 3] of the edit. `indices` are noises drawn from `seed`."""
        model, positive, edit = edited(self.model, self.clip, case, arm, **inputs)
        size = self.recipe.size
        empty = {"samples": torch.zeros(len(indices), 3, size, size), "batch_index": list(indices)}
        latent = run_node("PUEditLatent", samples=empty, edit=edit)[0]
        return last_of_each(self._sample(model, positive, latent, seed), edit)

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


def rows_of(edit_pipeline: EditPipeline, edits: Sequence[Case], seed: int) -> Iterator[Row]:
    """Every edit of one prompt in every arm, from the right ones among `SEEDS` sources."""
    for text in dict.fromkeys(case.source for case in edits):
        sources = edit_pipeline.sources(text, seed)
        for case in (case for case in edits if case.source == text):
            right = [i for i in range(SEEDS) if is_right(case, detect(sources[i].numpy()))]
            for arm in ARMS if right else ():
                # The same prompt and noise without an edit is the source again.
                again = arm == RESAMPLED and case.edited == case.source
                pictures = sources[right] if again else edit_pipeline.pictures(case, arm, seed, right)
                for index, picture in zip(right, pictures, strict=True):
                    yield {
                        "kind": case.kind, "arm": arm, "prompt": case.source, "edited": case.edited, "seed": seed,
                        "index": index, **judge(case, sources[index].numpy(), picture.numpy()),
                    }  # fmt: skip


def curve_rows(edit_pipeline: EditPipeline, edits: Sequence[Case], seed: int) -> Iterator[Row]:
    """Word swaps over tau, self-attention for half of it, without blending."""
    swaps = [case for case in edits if is_swap(case)]
    sources = edit_pipeline.sources(swaps[0].source, seed)
    right = [i for i in range(SEEDS) if is_right(swaps[0], detect(sources[i].numpy()))]
    for case in swaps if right else ():
        for tau in TAUS:
            pictures = edit_pipeline.pictures(case, EDITED, seed, right, until=tau, self_until=tau / 2)
            for index, picture in zip(right, pictures, strict=True):
                seen = judge(case, sources[index].numpy(), picture.numpy())
                yield {"kind": case.kind, "tau": tau, "seed": seed, "index": index, **seen}


def is_swap(case: Case) -> bool:
    return case.nodes[0][0] == "PUWordSwap"


# --- a run that may be cut short ---


def run(
    edit_pipeline: EditPipeline, pairs: int, curve_pairs: int, file: Path, weights: str, say: Callable[[str], None]
) -> tuple[list[Row], list[Row]]:
    """Rows of the table and of the curve, until every kind has `pairs`. What `file` has from an earlier run of the same
    settings is not done again."""
    key = {"recipe": asdict(edit_pipeline.recipe), "weights": weights, "settings": settings()}
    kinds = list(settings())
    table = _collect(file, {**key, "part": "table"}, kinds, pairs, lambda *job: rows_of(edit_pipeline, *job), say)
    curve_file = file.with_stem(file.stem + "_tau")
    swaps = [case.kind for case in cases()[0] if is_swap(case)]
    part = {**key, "part": "tau"}
    curve = _collect(curve_file, part, swaps, curve_pairs, lambda *job: curve_rows(edit_pipeline, *job), say)
    return table, curve


def _collect(
    file: Path,
    key: Mapping[str, Any],
    kinds: Sequence[str],
    pairs: int,
    work: Callable[[list[Case], int], Iterator[Row]],
    say: Callable[[str], None],
) -> list[Row]:
    done = _read(file, key)
    rows = [row for one in done.values() for row in one]
    started = time.perf_counter()
    for number, (edits, seed) in enumerate(_jobs()):
        lacking = [kind for kind in kinds if _count(rows, kind) < pairs]
        if not lacking:
            break
        if str(number) in done:
            continue
        new = list(work([case for case in edits if case.kind in lacking], seed))
        rows += new
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"job": str(number), "rows": new}) + "\n")
        so_far = ", ".join(f"{kind} {_count(rows, kind)}" for kind in kinds)
        say(f"{so_far} of {pairs} pairs, {(time.perf_counter() - started) / 60:.1f} min: {edits[0].source}")
    return rows


def _jobs() -> Iterator[tuple[list[Case], int]]:
    every = cases()
    seed = FIRST_SEED
    while True:
        for edits in every:
            yield edits, seed
            seed += 1


def _count(rows: Sequence[Row], kind: str) -> int:
    return len({(row["seed"], row["index"]) for row in rows if row["kind"] == kind})


def _read(file: Path, key: Mapping[str, Any]) -> dict[str, list[Row]]:
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    if not lines or json.loads(lines[0]) != key:
        file.write_text(json.dumps(key) + "\n", "utf-8")
        return {}
    return {one["job"]: one["rows"] for one in map(json.loads, lines[1:])}


# --- figures ---


def settings() -> dict[str, Any]:
    """Of every kind of edit, as the nodes take them, with the words of the first prompt."""
    return {
        case.kind: {**{node: dict(inputs) for node, inputs in case.nodes}, "PULocalBlend": dict(case.blend)}
        for case in cases()[0]
    }


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
