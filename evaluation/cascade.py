"""The Shapes cascade, 64 -> Super-Resolution Stage -> 128, against plain resizing, over the noise level of the stage.

Two sets: rendered scenes, whose true picture of 128 pixels is known, and pictures that the Shapes model made, whose
prompt is known. The small picture of a rendered scene is the large one's mean over 2 x 2 pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import comfy.sample
import comfy.utils
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..demo.detection import Detection
from ..demo.detector import detect
from ..demo.intervals import Interval, paired_difference, wilson
from ..demo.prompts import COLOURED_COLOURED, Prompt
from ..demo.scenes import Scene, enlarged, render
from ..demo.training.captions import make_example
from ..demo.upscaler import SCALE
from ..plots.canvas import GREY, RGB, below, beside, blank, enlarge, framed, to_pil, write
from .methods import run_node
from .quality import Pipeline

FIRST_SEED = 2_000_000
"""Of the scenes and of the pictures; no training and no table has drawn from it."""
LEVELS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
RESIZING = ("bicubic", "lanczos")
BASE = RESIZING[0]
COLUMNS = ("psnr", "objects right", "subjects present", "objects recognised")
BATCH = 8
SHOWN = 3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    pictures: int = 32
    """Of each of the two sets."""
    levels: tuple[float, ...] = LEVELS
    steps: int = 10


QUICK = Plan(pictures=2, levels=(0.0, 0.2), steps=2)


@dataclass(frozen=True)
class Rendered:
    """`small` [n 64 64 3] and `large` [n 128 128 3] in 0…1, and what is in them."""

    small: Tensor
    large: Tensor
    scenes: Sequence[Scene]


@dataclass(frozen=True)
class Made:
    """Pictures [n 64 64 3] of the Shapes model and the prompts they were asked for."""

    small: Tensor
    prompts: Sequence[Prompt]


@dataclass
class Measured:
    """Column -> one value for each picture; None where the picture gives none."""

    values: dict[str, list[float | None]] = field(default_factory=lambda: {name: [] for name in COLUMNS})


def measure(pipeline: Pipeline, upscaler: Any, plan: Plan, say: Say) -> tuple[dict[str, Any], Image.Image]:
    """Figures of every way to enlarge, and the contact sheet."""
    rendered, made = draw_scenes(plan.pictures), paint(pipeline, plan.pictures, say)
    ways: dict[str, Callable[[Tensor], Tensor]] = {name: _resized(name) for name in RESIZING}
    ways |= {f"level {level:g}": _staged(upscaler, level, plan.steps) for level in plan.levels}
    pictures, measured = {}, {}
    for name, way in ways.items():
        pictures[name] = way(rendered.small), way(made.small)
        measured[name] = judge(*pictures[name], rendered, made)
        say(f"{name}: PSNR {np.mean(measured[name].values['psnr']):.2f} dB")
    summary = {name: summarise(own, measured[BASE]) for name, own in measured.items()}
    return {"plan": asdict(plan), "ways": summary}, contact_sheet(pictures, rendered, made)


def draw_scenes(count: int) -> Rendered:
    rng = np.random.default_rng(FIRST_SEED)
    scenes = [make_example(rng).scene for _ in range(count)]
    large = torch.from_numpy(np.stack([render(enlarged(scene, SCALE), rng)[0] for scene in scenes]).astype(np.float32))
    small = F.avg_pool2d(large.movedim(-1, 1), SCALE).movedim(1, -1)
    return Rendered(small, large, scenes)


@torch.inference_mode()
def paint(pipeline: Pipeline, count: int, say: Say) -> Made:
    """Pictures of the coloured prompts by the Shapes model alone, by the recipe of the quality table."""
    prompts = [COLOURED_COLOURED[i % len(COLOURED_COLOURED)] for i in range(count)]
    recipe, nothing = pipeline.recipe, run_node("PUEncodePrompt", clip=pipeline.clip, text="")[0]
    pictures = []
    for number, prompt in enumerate(prompts):
        positive = run_node("PUEncodePrompt", clip=pipeline.clip, text=prompt.text)[0]
        latent = torch.zeros(1, 3, recipe.size, recipe.size)
        noise = comfy.sample.prepare_noise(latent, FIRST_SEED + number)
        samples = comfy.sample.sample(
            pipeline.model, noise, recipe.steps, recipe.cfg, recipe.sampler, recipe.scheduler, positive, nothing,
            latent, disable_pbar=True, seed=FIRST_SEED + number,
        )  # fmt: skip
        pictures.append(pipeline.vae.decode(samples).cpu())
    say(f"{count} pictures of the Shapes model")
    return Made(torch.cat(pictures), prompts)


def _resized(how: str) -> Callable[[Tensor], Tensor]:
    """As ComfyUI's Upscale Image does it."""

    def resize(small: Tensor) -> Tensor:
        height, width = (SCALE * side for side in small.shape[1:3])
        large = comfy.utils.common_upscale(small.movedim(-1, 1), width, height, how, "disabled")
        return large.movedim(1, -1).clamp(0, 1)

    return resize


def _staged(upscaler: Any, level: float, steps: int) -> Callable[[Tensor], Tensor]:
    model, vae = upscaler
    words = [[torch.zeros(1, 1, 1), {}]]  # it reads none

    @torch.inference_mode()
    def enlarge_by_stage(small: Tensor) -> Tensor:
        found = []
        for number, part in enumerate(small.split(BATCH)):
            staged, positive, negative, latent = run_node(
                "PUSuperResolutionStage", model=model, positive=words, negative=words, image=part, noise_level=level,
                seed=number,
            )  # fmt: skip
            seed = FIRST_SEED + number
            noise = comfy.sample.prepare_noise(latent["samples"], seed)
            samples = comfy.sample.sample(
                staged, noise, steps, 1.0, "euler", "normal", positive, negative, latent["samples"], disable_pbar=True,
                seed=seed,
            )  # fmt: skip
            found.append(vae.decode(samples).cpu())
        return torch.cat(found)

    return enlarge_by_stage


# --- Figures --------------------------------------------------------------------------------------------------------


def judge(of_rendered: Tensor, of_made: Tensor, rendered: Rendered, made: Made) -> Measured:
    """Pictures [n 128 128 3] in 0…1 of both sets."""
    measured = Measured()
    for image, truth, scene in zip(of_rendered, rendered.large, rendered.scenes, strict=True):
        measured.values["psnr"].append(psnr(image, truth))
        measured.values["objects right"].append(objects_right(detect(image.numpy()), scene))
    for image, prompt in zip(of_made, made.prompts, strict=True):
        found = detect(image.numpy())
        measured.values["subjects present"].append(subjects_present(found, prompt))
        measured.values["objects recognised"].append(recognised(found))
    return measured


def psnr(image: Tensor, truth: Tensor) -> float:
    """Decibels, of pictures in 0…1."""
    return float(-10 * (image - truth).square().mean().clamp(min=1e-12).log10())


def objects_right(found: Sequence[Detection], scene: Scene) -> float:
    """Share of the scene's objects that the detector finds again, shape and colour."""
    left = [(one.noun, one.colour) for one in found]
    right = 0
    for thing in scene.things:
        if (thing.shape, thing.colour) in left:
            left.remove((thing.shape, thing.colour))
            right += 1
    return right / len(scene.things)


def subjects_present(found: Sequence[Detection], prompt: Prompt) -> float:
    """Share of the prompt's subjects that are there, shape and colour."""
    seen = {(one.noun, one.colour) for one in found}
    return sum(subject in seen for subject in prompt.subjects) / len(prompt.subjects)


def recognised(found: Sequence[Detection]) -> float | None:
    """Share of the objects that look like one of the shapes; None where there is no object."""
    return sum(one.noun is not None for one in found) / len(found) if found else None


def summarise(measured: Measured, base: Measured) -> dict[str, Any]:
    """Column -> mean with its 95 % interval and the paired difference from bicubic resizing."""
    return {name: _summary(name, measured.values[name], base.values[name]) for name in COLUMNS}


def _summary(name: str, values: Sequence[float | None], base: Sequence[float | None]) -> dict[str, Any]:
    own = [value for value in values if value is not None]
    both = [(a, b) for a, b in zip(values, base, strict=True) if a is not None and b is not None]
    if len(both) < 2:
        return {"images": len(own)}
    mean = _mean(own) if name == "psnr" else wilson(own)
    difference = paired_difference(*(list(side) for side in zip(*both, strict=True)))
    return {"images": len(own), **asdict(mean), "difference": asdict(difference)}


def _mean(values: Sequence[float]) -> Interval:
    return paired_difference(values, [0.0] * len(values))


# --- Pictures -------------------------------------------------------------------------------------------------------


def contact_sheet(
    pictures: Mapping[str, tuple[Tensor, Tensor]], rendered: Rendered, made: Made, shown: int = SHOWN
) -> Image.Image:
    """A row for each picture, rendered ones first; a column for each way to enlarge it."""
    rows = []
    for kind, (small, count) in enumerate(((rendered.small, len(rendered.small)), (made.small, len(made.small)))):
        for i in range(min(shown, count)):
            cells = {"64 pixels": enlarge(to_pil(small[i]), SCALE)}
            cells |= {name: to_pil(both[kind][i]) for name, both in pictures.items()}
            if kind == 0:
                cells["true 128"] = to_pil(rendered.large[i])
            rows.append(beside([_titled(name, cell) for name, cell in cells.items()]))
    return framed(below(rows), 12)


def _titled(title: str, cell: Image.Image, colour: RGB = GREY) -> Image.Image:
    head, draw = blank(cell.width, 18)
    write(draw, (cell.width / 2, 8), title, 11, colour, "mm")
    return below([head, cell], gap=0)
