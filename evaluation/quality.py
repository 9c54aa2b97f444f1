"""Plain sampling against guided on one of our own models: same prompts, same noise, every picture looked at by the
detector."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import comfy.sample
import torch

from ..demo.detection import Detection
from ..demo.intervals import paired_difference, paired_ratio, wilson
from ..demo.prompts import Prompt
from ..demo.scoring import score
from ..plots.canvas import to_pil
from .methods import PLAIN, Method, run_node
from .worlds import SHAPES, Recipe, World

COLUMNS = ("entity neglect", "proper binding", "improper binding", "everything right")
FIRST_SEED = 1_000_000
"""Of the final table; tuning uses seeds below it, so that settings are never judged by the noise they were chosen
on."""

Say = Callable[[str], None]
Row = dict[str, Any]
"""One picture: set, prompt, seed, seconds and the columns, each 0…1 or None where the prompt asks for no attribute."""


@dataclass(frozen=True)
class Job:
    """The pictures of one prompt: a batch of `seeds` noises, drawn from one seed."""

    set: str
    prompt: Prompt
    seed: int
    pictures: int


def jobs(pictures: int, first_seed: int = FIRST_SEED, sets: Mapping[str, Sequence[Prompt]] = SHAPES.sets) -> list[Job]:
    """`pictures` of every prompt, the sets taken in turns, so that a run that is cut short has some of each."""
    longest = max(map(len, sets.values()))
    order = [(name, prompts[i]) for i in range(longest) for name, prompts in sets.items() if i < len(prompts)]
    return [Job(name, prompt, first_seed + i, pictures) for i, (name, prompt) in enumerate(order)]


@dataclass(frozen=True)
class Pipeline:
    """One of our models and its recipe."""

    model: Any
    clip: Any
    vae: Any
    recipe: Recipe = SHAPES.recipe
    world: World = SHAPES

    @classmethod
    def of(cls, world: World, weights: Path | None = None) -> Pipeline:
        return cls(*world.load(weights or world.weights), recipe=world.recipe, world=world)

    def empty(self, pictures: int) -> torch.Tensor:
        """Latents [pictures channels height width] to start from."""
        side = self.recipe.size // self.vae.spacial_compression_encode()
        return torch.zeros(pictures, self.vae.latent_channels, side, side)

    @torch.inference_mode()
    def images(self, job: Job, method: Method) -> tuple[torch.Tensor, float]:
        """[pictures height width 3] in 0…1, and the seconds that one took."""
        positive, parsed, _ = run_node("PUEncodePrompt", clip=self.clip, text=job.prompt.text)
        negative = run_node("PUEncodePrompt", clip=self.clip, text="")[0]
        recipe, latent = self.recipe, self.empty(job.pictures)
        noise = comfy.sample.prepare_noise(latent, job.seed)
        start = {"MODEL": self.model, "CLIP": self.clip, "CONDITIONING": positive, "PU_PARSED_PROMPT": parsed}
        wires = method(start)
        started = time.perf_counter()
        samples = comfy.sample.sample(
            wires["MODEL"], noise, recipe.steps, recipe.cfg, recipe.sampler, recipe.scheduler, wires["CONDITIONING"],
            negative, latent, disable_pbar=True, seed=job.seed,
        )  # fmt: skip
        return self.vae.decode(samples).cpu(), (time.perf_counter() - started) / job.pictures

    def pictures(self, job: Job, method: Method, kept: Path | None = None) -> list[Row]:
        """The rows of a job; its pictures are put into the folder `kept`, to be looked at."""
        images, seconds = self.images(job, method)
        if kept:
            kept.mkdir(parents=True, exist_ok=True)
            for i, image in enumerate(images):
                to_pil(image).save(kept / f"{job.seed}-{i} {job.prompt.text}.png")
        return [row(job, i, self.world.known.detect(image.numpy()), seconds) for i, image in enumerate(images)]


def row(job: Job, index: int, found: Sequence[Detection], seconds: float) -> Row:
    """What the detector has `found` in one picture, scored."""
    counts = score(job.prompt.subjects, found)
    bound = bool(counts.attributes)
    values = (
        counts.neglect,
        counts.proper if bound else None,
        counts.improper if bound else None,
        float(counts.all_right),
    )
    return {
        "set": job.set, "prompt": job.prompt.text, "seed": job.seed, "index": index, "seconds": seconds,
        **dict(zip(COLUMNS, values, strict=True)),
    }  # fmt: skip


def run(
    pipeline: Pipeline,
    methods: Mapping[str, Method],
    work: Sequence[Job],
    folder: Path,
    weights: str,
    say: Say,
    keep: bool = False,
) -> dict[str, list[Row]]:
    """Rows of every method. Each job is done by all methods before the next, so that their times share the machine's
    moods; what is already in `folder` from an earlier run of the same settings and `weights` is not done again. With
    `keep` the pictures are put there too, in a folder for each method."""
    folder.mkdir(parents=True, exist_ok=True)
    key = {"recipe": asdict(pipeline.recipe), "weights": weights}
    shelves = {name: Shelf(folder / f"{name}.jsonl", {**key, "method": method.key}) for name, method in methods.items()}
    started, todo = time.perf_counter(), [job for job in work if not all(job in shelf for shelf in shelves.values())]
    for number, job in enumerate(todo, 1):
        for name, method in methods.items():
            if job not in shelves[name]:
                kept = {"kept": folder / name} if keep else {}
                shelves[name].add(job, pipeline.pictures(job, method, **kept))
        left = (time.perf_counter() - started) / number * (len(todo) - number)
        say(f"{number} of {len(todo)} prompts, about {left / 60:.0f} min left: {job.prompt.text}")
    return {name: list(shelf.rows(work)) for name, shelf in shelves.items()}


class Shelf:
    """The saved rows of one method: a file whose first line names the settings. Rows of other settings are thrown
    away."""

    def __init__(self, file: Path, key: Mapping[str, Any]) -> None:
        self._file, self._rows = file, {}
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        if lines and json.loads(lines[0]) == key:
            for line in lines[1:]:
                self._keep(json.loads(line))
        else:
            file.write_text(json.dumps(key) + "\n", "utf-8")

    def __contains__(self, job: Job) -> bool:
        return len(self._rows.get(self._place(job), ())) >= job.pictures

    def add(self, job: Job, rows: Sequence[Row]) -> None:
        self._rows[self._place(job)] = []
        with self._file.open("a", encoding="utf-8") as out:
            for one in rows:
                out.write(json.dumps(one) + "\n")
                self._keep(one)

    def rows(self, work: Sequence[Job]) -> Iterator[Row]:
        for job in work:
            yield from self._rows[self._place(job)][: job.pictures]

    def _keep(self, one: Row) -> None:
        self._rows.setdefault((one["prompt"], one["seed"]), []).append(one)

    @staticmethod
    def _place(job: Job) -> tuple[str, int]:
        return job.prompt.text, job.seed


def summarise(rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Set -> method -> column -> value, interval, and the paired difference from plain; "all" puts the sets
    together."""
    plain = rows[PLAIN]
    sets = ["all", *dict.fromkeys(one["set"] for one in plain)]
    return {name: {method: _summary(_of(own, name), _of(plain, name)) for method, own in rows.items()} for name in sets}


def _of(rows: Sequence[Row], set_name: str) -> list[Row]:
    return [one for one in rows if set_name in ("all", one["set"])]


def _summary(rows: Sequence[Row], plain: Sequence[Row]) -> dict[str, Any]:
    summary: dict[str, Any] = {"images": len(rows)}
    for column in COLUMNS:
        values, base = ([one[column] for one in some if one[column] is not None] for some in (rows, plain))
        if values:
            summary[column] = {**asdict(wilson(values)), "difference": asdict(paired_difference(values, base))}
    neglect = [[one[COLUMNS[0]] for one in some] for some in (rows, plain)]
    summary["neglect / plain"] = asdict(paired_ratio(*neglect))
    # The median: a machine that does other work, or is put to sleep, spoils a sum.
    ratios = (one["seconds"] / base["seconds"] for one, base in zip(rows, plain, strict=True))
    summary["seconds / plain"] = statistics.median(ratios)
    return summary
