"""From prompts to pictures with layouts, on Small World: the planner's boxes, then plain sampling, guidance alone and
LLM-grounded Diffusion on the same noise, looked at by the detector."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import comfy.sample
import comfy.samplers
import torch

from ..demo.detection import Detection
from ..demo.intervals import paired_difference, wilson
from ..layouts.forms import whole_prompt
from ..layouts.planner import plan
from ..layouts.types import Box, Layout
from .layout_cases import TASKS, Case
from .methods import PLAIN, run_node
from .quality import FIRST_SEED, Pipeline, Say

SETTINGS: dict[str, Any] = {"sites": "half", "step_size": 20.0}
"""Small World's 16 x 16 maps are half its latent; its updates are half as long as Stable Diffusion's."""
QUICK_OBJECTS: dict[str, Any] = {"until": 0.5, "iterations": "2, 1, 1"}
SMALLEST, GAP = 0.375, 0.02
"""Small World draws nothing under 48 of 128 pixels."""

Row = dict[str, Any]
Arm = Callable[["Scene"], tuple[Any, str, str]]
"""Of a case: the MODEL, the prompt and the negative prompt that the sampler gets."""


@dataclass(frozen=True)
class Scene:
    pipeline: Pipeline
    case: Case
    layout: Layout
    seed: int

    def encoded(self, text: str) -> tuple[Any, Any]:
        return run_node("PUEncodePrompt", clip=self.pipeline.clip, text=text)[:2]


def _plain(scene: Scene) -> tuple[Any, str, str]:
    return scene.pipeline.model, scene.case.text, ""


def _guidance(scene: Scene) -> tuple[Any, str, str]:
    text = whole_prompt(scene.layout)
    parsed = scene.encoded(text)[1]
    made = run_node("PULayoutGuidance", model=scene.pipeline.model, prompt=parsed, layout=scene.layout, **SETTINGS)
    return made[0], text, scene.layout.negative


def _lmd(scene: Scene) -> tuple[Any, str, str]:
    pipeline, recipe = scene.pipeline, scene.pipeline.recipe
    sampling = pipeline.model.get_model_object("model_sampling")
    objects = run_node(
        "PUGenerateObjects", model=pipeline.model, clip=pipeline.clip, layout=scene.layout,
        sampler=comfy.samplers.sampler_object(recipe.sampler), seed=scene.seed, cfg=recipe.cfg,
        sigmas=comfy.samplers.calculate_sigmas(sampling, recipe.scheduler, recipe.steps), **SETTINGS, **QUICK_OBJECTS,
    )[0]  # fmt: skip
    text = whole_prompt(scene.layout)
    step = {name: value for name, value in SETTINGS.items() if name != "sites"}
    parsed = scene.encoded(text)[1]
    made = run_node("PULLMGroundedDiffusion", model=pipeline.model, prompt=parsed, objects=objects, **step)
    return made[0], text, scene.layout.negative


def _lmd_and_more(scene: Scene) -> tuple[Any, str, str]:
    model, text, negative = _lmd(scene)
    parsed, (excite, bind) = (
        scene.encoded(text)[1],
        scene.pipeline.world.methods.methods["attend-and-excite + syngen"].nodes,
    )
    for node_id, inputs in (excite, bind):
        model = run_node(node_id, model=model, prompt=parsed, **inputs)[0]
    return model, text, negative


ARMS: dict[str, Arm] = {
    PLAIN: _plain,
    "layout guidance": _guidance,
    "LMD": _lmd,
    "LMD + Attend-and-Excite + SynGen": _lmd_and_more,
}


def run(
    pipeline: Pipeline, arms: Mapping[str, Arm], work: Sequence[Case], shelf: Path, key: Mapping[str, Any], say: Say
) -> Iterator[list[Row]]:
    """All rows so far, after each case; what `shelf` holds of the same settings is not done again."""
    rows = _kept(shelf, key)
    have = {(row["arm"], row["number"]) for row in rows}
    started, todo = time.perf_counter(), [i for i in range(len(work)) if any((arm, i) not in have for arm in arms)]
    for done, number in enumerate(todo, 1):
        for name, arm in arms.items():
            if (name, number) not in have:
                rows.append(_row(pipeline, name, arm, work[number], number))
                with shelf.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(rows[-1]) + "\n")
        left = (time.perf_counter() - started) / done * (len(todo) - done)
        say(f"{done} of {len(todo)}, about {left / 60:.0f} min left: {work[number].text}")
        yield rows


def _kept(shelf: Path, key: Mapping[str, Any]) -> list[Row]:
    lines = shelf.read_text("utf-8").splitlines() if shelf.exists() else []
    if not lines or json.loads(lines[0]) != key:
        shelf.write_text(json.dumps(key) + "\n", "utf-8")
        return []
    return [json.loads(line) for line in lines[1:]]


def _row(pipeline: Pipeline, name: str, arm: Arm, case: Case, number: int) -> Row:
    started = time.perf_counter()
    layout = planned(pipeline, case)
    image = _picture(Scene(pipeline, case, layout, FIRST_SEED + number), arm)
    seconds = time.perf_counter() - started
    found: list[Detection] = pipeline.world.known.detect(image.numpy())
    return {
        "arm": name, "number": number, "task": case.task, "prompt": case.text, "objects": len(layout.objects),
        "passes": bool(case.passes(found)), "seconds": seconds, "found": [f"{d.colour} {d.noun}" for d in found],
    }  # fmt: skip


@torch.inference_mode()
def planned(pipeline: Pipeline, case: Case) -> Layout:
    """The planner's boxes, for a model that draws no background and nothing small."""
    parsed = run_node("PUEncodePrompt", clip=pipeline.clip, text=case.text)[1]
    layout = plan(parsed, pipeline.recipe.size, pipeline.recipe.size)
    return replace(as_stickers(layout), background="")


def as_stickers(layout: Layout) -> Layout:
    """Boxes around the same middles, no side below what the model draws, pushed apart where that makes them overlap."""
    boxes = [_grown(thing.box) for thing in layout.objects]
    for turn in range(200):
        for i in range(len(boxes)):
            for j in range(i):
                boxes[i], boxes[j] = _apart(boxes[i], boxes[j], turn % 20 == 19)
    return replace(layout, objects=tuple(replace(t, box=b) for t, b in zip(layout.objects, boxes, strict=True)))


def _grown(box: Box) -> Box:
    side = min(max(SMALLEST, box.width, box.height), 0.69 if box.area > 0.3 else 0.44)
    (x, y), half = box.center, side / 2
    return _inside(Box(x - half, y - half, x + half, y + half))


def _apart(a: Box, b: Box, other_way: bool) -> tuple[Box, Box]:
    """Half of what they overlap, each to its side, where they overlap least; or the other way, where a row is full."""
    wide = min(a.right, b.right) - max(a.left, b.left) + GAP
    high = min(a.bottom, b.bottom) - max(a.top, b.top) + GAP
    if min(wide, high) < GAP / 10:
        return a, b
    (ax, ay), (bx, by) = a.center, b.center
    dx = wide / 2 * (1 if ax >= bx else -1) if (wide <= high) != other_way else 0.0
    dy = 0.0 if dx else high / 2 * (1 if ay >= by else -1)
    return _inside(a.shifted(dx, dy)), _inside(b.shifted(-dx, -dy))


def _inside(box: Box) -> Box:
    return box.shifted(max(0.0, -box.left) - max(0.0, box.right - 1), max(0.0, -box.top) - max(0.0, box.bottom - 1))


@torch.inference_mode()
def _picture(scene: Scene, arm: Arm) -> torch.Tensor:
    """[height width 3] in 0…1"""
    pipeline, recipe = scene.pipeline, scene.pipeline.recipe
    model, text, negative = arm(scene)
    latent = pipeline.empty(1)
    samples = comfy.sample.sample(
        model, comfy.sample.prepare_noise(latent, scene.seed), recipe.steps, recipe.cfg, recipe.sampler,
        recipe.scheduler, scene.encoded(text)[0], scene.encoded(negative)[0], latent, disable_pbar=True,
        seed=scene.seed,
    )  # fmt: skip
    return pipeline.vae.decode(samples).cpu()[0]


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """Task -> arm -> share that passes with its interval, and the paired difference from plain; times by objects."""
    arms = [arm for arm in ARMS if any(row["arm"] == arm for row in rows)]
    complete = [n for n, count in Counter(row["number"] for row in rows).items() if count == len(arms)]
    whole = {arm: [row for row in _of(rows, arm) if row["number"] in complete] for arm in arms}
    tasks = {
        task: {arm: _share(_in(own, task), _in(whole[PLAIN], task)) for arm, own in whole.items()}
        for task in (*TASKS, "overall")
    }
    return {"pictures": len(complete), "tasks": tasks, "times": _times(whole)}


def _of(rows: Sequence[Row], arm: str) -> list[Row]:
    return sorted((row for row in rows if row["arm"] == arm), key=lambda row: row["number"])


def _in(rows: Sequence[Row], task: str) -> list[Row]:
    return [row for row in rows if task in ("overall", row["task"])]


def _share(rows: Sequence[Row], plain: Sequence[Row]) -> dict[str, Any] | None:
    if len(rows) < 2:
        return None
    values, base = ([float(row["passes"]) for row in some] for some in (rows, plain))
    return {**asdict(wilson(values)), "pictures": len(rows), "difference": asdict(paired_difference(values, base))}


def _times(whole: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, float]]:
    """Arm -> number of objects -> its seconds ÷ plain's of the same cases."""
    plain = {row["number"]: row["seconds"] for row in whole[PLAIN]}
    times: dict[str, dict[str, float]] = {}
    for arm, rows in whole.items():
        for count in sorted({row["objects"] for row in rows}):
            own = [row for row in rows if row["objects"] == count]
            ratio = sum(row["seconds"] for row in own) / sum(plain[row["number"]] for row in own)
            times.setdefault(arm, {})[str(count)] = ratio
    return times
