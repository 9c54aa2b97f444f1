"""`run.py demo`: the same seeds plain and guided, through the API of a real server; the picture and the table of it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import graphs
from .client import Client, Graph
from .errors import RunnerError
from .host import ROOT, Host
from .server import ALONE, Server, has_gpu, running, write_paths
from .shell import Progress

SMALL_WORLD = "prompt_guidance_small_world.api.json"
SHAPES, REAL = "attend_and_excite_shapes.api.json", "attend_and_excite_sd15.api.json"
SMALL_WORLD_PROMPTS = (
    "a cat and a red backpack",
    "a bird and orange glasses",
    "a lion and a yellow crown",
    "an elephant and a green suitcase",
    "a frog and a blue chair",
    "a rabbit and a purple balloon",
)
"""Every twenty-fifth of the 144 prompts of an animal and a coloured object in Attend-and-Excite's set, none picked."""
SHAPES_PROMPTS = (
    "a square and a moon",
    "a ring and a cross",
    "a red circle and a blue star",
)
REAL_PROMPT = "a cat and a frog"
FIRST_SEED = 1000


@dataclass(frozen=True)
class Job:
    """Pictures of one prompt that are sampled together: seeds `seed` for the first, one batch."""

    text: str
    seed: int
    batch: int


@dataclass
class Result:
    """What `demo/sheet.py` reads: files and seconds of one job. Heat comes image by image, one file a subject."""

    text: str
    seed: int
    plain: list[str] = field(default_factory=list)
    guided: list[str] = field(default_factory=list)
    heat: list[str] = field(default_factory=list)
    plain_seconds: float = 0.0
    guided_seconds: float = 0.0


def demo(host: Host, wanted: argparse.Namespace, progress: Progress) -> int:
    graph, jobs, extra = _plan(host, wanted)
    folder = (wanted.output or ROOT / "output" / "demo").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    cpu = not has_gpu(host) if wanted.cpu is None else wanted.cpu
    if not wanted.checkpoint:
        # Our networks are too small to share out: on a busy machine threads would wait for each other.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    count = sum(job.batch for job in jobs)
    progress.say(f"Demo on ComfyUI {host.version}, {'CPU' if cpu else 'GPU'}: {count} pictures plain, {count} guided.")
    with _served(host, cpu, extra, progress) as server, Client(server.port) as client:
        results = _run_all(client, graph, jobs, folder, progress)
    return _compose(host, results, folder, _model(wanted), progress)


def _model(wanted: argparse.Namespace) -> str:
    """As `demo/sheet.py` calls it."""
    return "real" if wanted.checkpoint else "shapes" if wanted.shapes else "small-world"


def _served(host: Host, cpu: bool, extra: Sequence[str], progress: Progress) -> AbstractContextManager[Server]:
    return running(host, cpu, [*ALONE, *extra], beat=lambda s: progress.show(f"  ComfyUI is starting ... {s:.0f} s"))


def _plan(host: Host, wanted: argparse.Namespace) -> tuple[Graph, list[Job], list[str]]:
    """The workflow, what to sample, and further server options."""
    if wanted.seeds is not None and wanted.seeds < 1:
        raise RunnerError(f"--seeds {wanted.seeds} asks for no picture. Give 1 or more.")
    if wanted.checkpoint:
        return _real(host, wanted)
    name, texts, seeds = (SHAPES, SHAPES_PROMPTS, 4) if wanted.shapes else (SMALL_WORLD, SMALL_WORLD_PROMPTS, 3)
    prompts = (wanted.prompt,) if wanted.prompt else texts
    # Small models' pictures are made together; `batch` shares one seed's noise stream.
    jobs = [Job(text, FIRST_SEED, wanted.seeds or seeds) for text in prompts]
    return _with_steps(graphs.load(name), wanted), jobs, []


def _real(host: Host, wanted: argparse.Namespace) -> tuple[Graph, list[Job], list[str]]:
    checkpoint = wanted.checkpoint.expanduser().resolve()
    if not checkpoint.is_file():
        raise RunnerError(f"There is no checkpoint file {checkpoint}.")
    graph = graphs.load(REAL)
    size = graphs.SIZES[graphs.family_of(checkpoint)]
    graphs.set_inputs(graph, ckpt_name=checkpoint.name, width=size, height=size)
    paths = write_paths(host.home / "models-demo.yaml", checkpoint.parent, {"checkpoints": "."})
    jobs = [Job(wanted.prompt or REAL_PROMPT, FIRST_SEED + i, 1) for i in range(wanted.seeds or 4)]
    return _with_steps(graph, wanted), jobs, ["--extra-model-paths-config", str(paths)]


def _with_steps(graph: Graph, wanted: argparse.Namespace) -> Graph:
    if wanted.steps:
        graphs.set_inputs(graph, steps=wanted.steps)
    return graph


def _run_all(client: Client, graph: Graph, jobs: Sequence[Job], folder: Path, progress: Progress) -> list[Result]:
    _warm_up(client, graph, jobs[0], progress)
    results = []
    for number, job in enumerate(jobs):
        results.append(_run(client, graph, job, folder, f"{number + 1}/{len(jobs)} {job.text}", progress))
        ratio = results[-1].guided_seconds / max(results[-1].plain_seconds, 1e-9)
        progress.say(f"  {job.text}: plain {results[-1].plain_seconds:.1f} s, guided {ratio:.2f} times that")
    return results


def _warm_up(client: Client, graph: Graph, job: Job, progress: Progress) -> None:
    """Loads the model, so that neither side of the comparison pays for it."""
    progress.show("  Loading the model ...")
    short, _ = graphs.plain(graphs.asked(graph, job.text, seed=1, batch=job.batch, steps=2))
    client.run(short)


def _run(client: Client, graph: Graph, job: Job, folder: Path, label: str, progress: Progress) -> Result:
    asked = graphs.asked(graph, job.text, job.seed, job.batch, None)
    sampler = graphs.the(asked, graphs.SAMPLER)
    result = Result(job.text, job.seed)

    bare, picture = graphs.plain(asked)
    run = client.run(bare, lambda node, done, total: progress.bar(f"{label}, plain", done, total))
    result.plain_seconds = run.seconds.get(sampler, 0.0)
    result.plain = _save(client, run.images(picture), folder, f"{_slug(job)}-plain")

    full, picture, heat = graphs.guided(asked)
    run = client.run(full, lambda node, done, total: progress.bar(f"{label}, guided", done, total))
    result.guided_seconds = run.seconds.get(sampler, 0.0)
    result.guided = _save(client, run.images(picture), folder, f"{_slug(job)}-guided")
    result.heat = _save(client, run.images(heat), folder, f"{_slug(job)}-heat")
    return result


def _slug(job: Job) -> str:
    letters = "".join(c if c.isalnum() and c.isascii() else "-" for c in job.text.lower())
    return f"{letters[:60].strip('-')}-{job.seed}"


def _save(client: Client, images: Sequence[dict[str, str]], folder: Path, name: str) -> list[str]:
    (folder / "pictures").mkdir(exist_ok=True)
    files = [folder / "pictures" / f"{name}-{number}.png" for number in range(len(images))]
    for file, image in zip(files, images, strict=True):
        file.write_bytes(client.picture(image))
    return [str(file) for file in files]


def _compose(host: Host, results: Sequence[Result], folder: Path, model: str, progress: Progress) -> int:
    """The host's Python draws and scores: it has torch and the pack."""
    report = folder / "runs.json"
    report.write_text(json.dumps({"model": model, "runs": [asdict(r) for r in results]}, indent=1), encoding="utf-8")
    command = [str(host.python), str(Path(__file__).with_name("in_host.py")), "demo.sheet", str(report)]
    progress.show("  Drawing ...")
    done = subprocess.run(command, env=host.environment(), capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RunnerError(
            f"The pictures are in {folder}, but the sheet could not be drawn:\n{done.stderr.strip()[-2000:]}"
        )
    progress.say("\n" + done.stdout.strip())
    return 0
