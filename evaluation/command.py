"""Runs the parts that were asked for and saves each as JSON and Markdown."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from . import memory, peer, speed
from .networks import SMALL, TINY, Size
from .tables.cascade import cascade_page
from .tables.cost import conditioning_page, speed_page
from .tables.editing import editing_page
from .tables.inversion import inversion_page
from .tables.quality import quality_page, tuning_page
from .tables.saturation import saturation_page

QUICK_PAIRS, PAIRS, CURVE_PAIRS = 1, 200, 40
"""Of source and edit, of each kind of edit; of the curve over tau."""
LAYOUT_PICTURES = 100
"""Of each of the four tasks."""
QUICK_PICTURES, PICTURES, TUNING_PICTURES = 2, 2, 1
"""Of every prompt; there are 96 prompts."""
QUICK_SCENES, SCENES = 2, 64
CONDITIONING_ROUNDS = 9


def run(wanted: argparse.Namespace) -> int:
    if wanted.memory_of:
        print(json.dumps(memory.measure_one(wanted.memory_of)))
        return 0
    wanted.output.mkdir(parents=True, exist_ok=True)
    for part in wanted.only or ["speed", "memory", *(["quality"] if wanted.quality else [])]:
        PARTS[part](wanted)
    return 0


def _speed(wanted: argparse.Namespace) -> None:
    if not peer.installed():
        say(
            "diffusers is not installed, so nothing is compared with it. `pip install -r "
            "evaluation/requirements-bench.txt` adds it."
        )
    _cost(wanted, "speed", lambda plan: speed.measure(plan, say))


def _memory(wanted: argparse.Namespace) -> None:
    def peaks(plan: speed.Plan) -> dict[str, Any]:
        measured = memory.measure(plan.steps, on_cpu(), say)
        return {"network": str(plan.steps), "MiB above the weights": measured}

    _cost(wanted, "memory", peaks)


def _cost(wanted: argparse.Namespace, part: str, measure: Callable[[speed.Plan], dict[str, Any]]) -> None:
    plan = speed.QUICK if wanted.quick else speed.Plan()
    if wanted.rounds:
        plan = replace(plan, rounds=wanted.rounds)
    if wanted.network:
        plan = replace(plan, steps=Size(*wanted.network))
    file = wanted.output / ("speed_quick.json" if wanted.quick else "speed.json")
    # The part that is not measured now keeps its last figures, with the machine they come from.
    results = {**_load(file, {}), part: {"machine": machine(), **measure(plan)}}
    save(file, results, speed_page(results))


def _quality(wanted: argparse.Namespace) -> None:
    from . import quality

    pipeline, weights = _pipeline(wanted, wanted.world)
    world = pipeline.world
    name = f"quality_{world.name}" + ("_quick" if wanted.quick else "")
    folder = wanted.output / "pictures" / name
    if wanted.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    every = quality.jobs(wanted.pictures or (QUICK_PICTURES if wanted.quick else PICTURES), sets=world.sets)
    work = every[: 3 if wanted.quick else wanted.prompts]
    methods = world.methods.choose(wanted.methods)
    rows = quality.run(pipeline, methods, work, folder, weights, say, wanted.keep)
    results = {
        "world": world.title,
        "prompts": [len(work), len(every)],
        "machine": machine(),
        "weights": weights,
        "recipe": asdict(pipeline.recipe),
        "methods": {name: method.key for name, method in methods.items()},
        "sets": quality.summarise(rows),
    }
    save(wanted.output / f"{name}.json", results, quality_page(results))


def _conditioning(wanted: argparse.Namespace) -> None:
    from . import conditioning

    size = Size(*wanted.network) if wanted.network else TINY if wanted.quick else SMALL
    rounds = wanted.rounds or (1 if wanted.quick else CONDITIONING_ROUNDS)
    results = {"machine": machine(), **conditioning.measure(size, rounds, say)}
    file = wanted.output / ("conditioning_quick.json" if wanted.quick else "conditioning.json")
    save(file, results, conditioning_page(results, conditioning.TARGETS))


def _saturation(wanted: argparse.Namespace) -> None:
    from . import saturation

    pipeline, weights = _pipeline(wanted)
    measured = saturation.measure(pipeline, saturation.QUICK if wanted.quick else saturation.Plan(), say)
    results = {"machine": machine(), "weights file": weights, "recipe": asdict(pipeline.recipe), **measured}
    file = wanted.output / ("saturation_quick.json" if wanted.quick else "saturation.json")
    saturation.plot(results).save(file.with_suffix(".png"))
    save(file, results, saturation_page(results, file.with_suffix(".png").name))


def _tuning(wanted: argparse.Namespace) -> None:
    from . import quality, tuning

    pipeline, weights = _pipeline(wanted, wanted.world)
    world = pipeline.world
    name = (wanted.methods or ["attend-and-excite"])[0]
    work = quality.jobs(wanted.pictures or TUNING_PICTURES, tuning.TUNING_SEED, world.sets)[: wanted.prompts]
    file = wanted.output / f"tuning_{world.name}_{name}.json"
    # Every trial is kept, those that made it worse too.
    results: list[dict[str, Any]] = _load(file, [])
    choices = tuning.parse(wanted.tune or [])
    base, folder = world.methods.choose([name])[name], wanted.output / "pictures" / "tuning"
    for entry in tuning.sweep(pipeline, base, choices, work, folder, weights, say):
        # After each, so that a sweep that is cut short has shown something.
        results.append(entry)
        save(file, results, tuning_page(name, world.title, results))


def _editing(wanted: argparse.Namespace) -> None:
    from ..plots.lines import Line, line_panels
    from . import editing

    pipeline, weights = _pipeline(wanted)
    edit_pipeline = editing.EditPipeline(pipeline.model, pipeline.clip, pipeline.vae)
    name = "editing_quick" if wanted.quick else "editing"
    pairs = wanted.pairs or (QUICK_PAIRS if wanted.quick else PAIRS)
    folder = wanted.output / "pictures"
    folder.mkdir(exist_ok=True)
    shelf = folder / f"{name}.jsonl"
    if wanted.fresh:
        shelf.unlink(missing_ok=True)
    rows, curve_rows = editing.run(edit_pipeline, pairs, min(pairs, CURVE_PAIRS), shelf, weights, say)
    results: dict[str, Any] = {
        "machine": machine(),
        "weights": weights,
        "recipe": asdict(edit_pipeline.recipe),
        "settings": editing.settings(),
        "kinds": editing.summarise(rows),
        "tau": editing.curve(curve_rows),
        "cost": editing_cost(wanted),
    }
    plot = wanted.output / f"{name}_tau.png"
    panels = {
        f"{kind}, without local blend": {
            words: Line([by_tau[f"{tau:g}"][column]["value"] for tau in editing.TAUS])
            for column, words in (("happened", "edit happened"), ("stayed", "other stayed"))
        }
        for kind, by_tau in results["tau"].items()
    }
    line_panels(panels, editing.TAUS, "tau").save(plot)
    save(wanted.output / f"{name}.json", results, editing_page(results, plot.name))


def editing_cost(wanted: argparse.Namespace) -> dict[str, Any]:
    from .editing_cost import measure

    size = Size(*wanted.network) if wanted.network else (TINY if wanted.quick else SMALL)
    return measure(size, 1 if wanted.quick else wanted.rounds or 3, say)


def _inversion(wanted: argparse.Namespace) -> None:
    from . import inversion

    pipeline, weights = _pipeline(wanted)
    recipe = replace(pipeline.recipe, steps=3) if wanted.quick else pipeline.recipe
    inversion_pipeline = inversion.InversionPipeline(pipeline.model, pipeline.clip, pipeline.vae, recipe)
    work = inversion.examples(wanted.scenes or (QUICK_SCENES if wanted.quick else SCENES))
    file = wanted.output / ("inversion_quick.json" if wanted.quick else "inversion.json")
    head = {"machine": machine(), "weights": weights, "recipe": asdict(recipe), "batch": inversion.BATCH}
    begun = {} if wanted.fresh else inversion.earlier(_load(file, {}), head)
    for found in inversion_pipeline.run(inversion.ways(recipe.cfg), work, say, begun):
        # After each batch, so that a run that is cut short has shown something.
        results = {**head, "ways": inversion.summarise(found)}
        save(file, results, inversion_page(results))


def _cascade(wanted: argparse.Namespace) -> None:
    from ..demo.upscaler_model import UPSCALER_WEIGHTS, load_upscaler
    from . import cascade

    plan = cascade.QUICK if wanted.quick else cascade.Plan()
    if wanted.pictures:
        plan = replace(plan, pictures=wanted.pictures)
    pipeline, weights = _pipeline(wanted)
    results, sheet = cascade.measure(pipeline, load_upscaler(), plan, say)
    marks = {"machine": machine(), "weights": weights, "upscaler": _mark(UPSCALER_WEIGHTS)}
    file = wanted.output / ("cascade_quick.json" if wanted.quick else "cascade.json")
    sheet.quantize(256).save(file.with_suffix(".png"), optimize=True)
    save(file, {**marks, **results}, cascade_page(results, marks))


def _parser(wanted: argparse.Namespace) -> None:
    from ..prompts.pipelines import load_pipeline
    from . import parser_gold
    from .tables.parser import parser_page

    pipelines = parser_gold.measure(say, ("seen",) if wanted.quick else parser_gold.HALVES)
    results = {"machine": machine(), "auto": load_pipeline()[1], "pipelines": pipelines}
    save(wanted.output / ("parser_quick.json" if wanted.quick else "parser.json"), results, parser_page(results))


def _layout_plan(wanted: argparse.Namespace) -> None:
    from . import layout_plan
    from .tables.layout import layout_plan_page

    results = {"machine": machine(), "sets": layout_plan.measure(say, wanted.quick)}
    file = wanted.output / ("layout_plan_quick.json" if wanted.quick else "layout_plan.json")
    save(file, results, layout_plan_page(results))


def _layout(wanted: argparse.Namespace) -> None:
    from . import layout_pictures as pictures
    from .layout_cases import cases
    from .quality import Pipeline
    from .tables.layout_pictures import layout_pictures_page
    from .worlds import SMALL_WORLD

    pipeline, weights = Pipeline.of(SMALL_WORLD, wanted.weights), _mark(wanted.weights or SMALL_WORLD.weights)
    name = "layout_quick" if wanted.quick else "layout"
    recipe = replace(pipeline.recipe, steps=3) if wanted.quick else pipeline.recipe
    pipeline = replace(pipeline, recipe=recipe)
    work = cases(1 if wanted.quick else wanted.pictures or LAYOUT_PICTURES)
    arms = {arm: pictures.ARMS[arm] for arm in pictures.ARMS if not wanted.methods or arm in wanted.methods}
    shelf = wanted.output / "pictures" / f"{name}.jsonl"
    shelf.parent.mkdir(exist_ok=True)
    if wanted.fresh:
        shelf.unlink(missing_ok=True)
    key = {"recipe": asdict(recipe), "weights": weights, "settings": [pictures.SETTINGS, pictures.QUICK_OBJECTS]}
    for rows in pictures.run(pipeline, arms, work, shelf, key, say):
        # After each prompt, so that a run that is cut short has shown something.
        results = {"machine": machine(), **key, "measured": pictures.summarise(rows)}
        write(wanted.output / f"{name}.json", results, layout_pictures_page(results))


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "speed": _speed,
    "memory": _memory,
    "conditioning": _conditioning,
    "quality": _quality,
    "saturation": _saturation,
    "tuning": _tuning,
    "editing": _editing,
    "inversion": _inversion,
    "cascade": _cascade,
    "parser": _parser,
    "layout-plan": _layout_plan,
    "layout": _layout,
}


def _pipeline(wanted: argparse.Namespace, world: str = "shapes") -> tuple[Any, str]:
    """One of our models, and a mark of its weights."""
    from .quality import Pipeline
    from .worlds import WORLDS

    chosen = WORLDS[world]
    return Pipeline.of(chosen, wanted.weights), _mark(wanted.weights or chosen.weights)


def _mark(weights: Path) -> str:
    return hashlib.sha256(weights.read_bytes()).hexdigest()[:12]


def _load(file: Path, nothing: Any) -> Any:
    return json.loads(file.read_text("utf-8")) if file.exists() else nothing


def write(file: Path, results: Any, page: str) -> None:
    file.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    file.with_suffix(".md").write_text(page, "utf-8")


def save(file: Path, results: Any, page: str) -> None:
    write(file, results, page)
    print(f"\n{page}\nSaved: {file} and {file.with_suffix('.md').name}")


def on_cpu() -> bool:
    from comfy.cli_args import args

    return args.cpu


def machine() -> dict[str, Any]:
    from comfyui_version import __version__ as comfyui

    device = f"CPU, {torch.get_num_threads()} threads" if on_cpu() else torch.cuda.get_device_name()
    return {
        "device": device, "cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version(),
        "torch": torch.__version__, "comfyui": comfyui,
    }  # fmt: skip


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
