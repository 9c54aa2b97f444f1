"""What strong guidance does to colours on the Shapes model, without thresholding and with each of its forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import comfy.sample
import numpy as np
import torch
from torch import Tensor

from ..demo.detector import detect
from ..demo.intervals import Interval, Z, paired_difference, wilson
from ..demo.prompts import Prompt, prompt
from ..demo.scenes import COLOURS, PALETTE, SHAPES, Scene, Thing, render
from ..plots.lines import Line, line_panels
from .methods import PLAIN, Method, run_node
from .quality import Pipeline

THRESHOLDING = {
    PLAIN: Method(),
    "static": Method((("PUDynamicThresholding", {"method": "static"}),)),
    "dynamic": Method((("PUDynamicThresholding", {}),)),
    "dynamic, percentile 0.95": Method((("PUDynamicThresholding", {"percentile": 0.95}),)),
    "per channel, mimic 5": Method((("PUDynamicThresholding", {"method": "per channel", "mimic": 5.0}),)),
    "dynamic, cap 1.5": Method((("PUDynamicThresholding", {"cap": 1.5}),)),
}
SEED = 2_000_000
CLIPPED = 1 - 1 / 255
"""Of the range -1…1: what an 8-bit picture stores as 0 or 255."""
COLUMNS = ("clipped", "colour error", "shape lost")
DIFFERENCE = "colour error, difference from plain"


@dataclass(frozen=True)
class Plan:
    """Each colour `rounds` times, on other shapes; every picture is drawn at every weight by every method."""

    weights: tuple[float, ...] = (3.0, 6.0, 10.0, 15.0)
    rounds: int = 6


QUICK = Plan((3.0, 12.0), rounds=1)


def prompts(rounds: int) -> list[Prompt]:
    """One thing each, "a red circle": what the model draws well, so that colours can be compared."""
    return [
        prompt((SHAPES[(i + 3 * n) % len(SHAPES)], colour)) for n in range(rounds) for i, colour in enumerate(COLOURS)
    ]


def measure(pipeline: Pipeline, plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Method -> column -> one interval for each weight; and the same of pictures rendered without any model."""
    work = prompts(plan.rounds)
    methods: dict[str, dict[str, list[Any]]] = {
        name: {column: [] for column in (*COLUMNS, DIFFERENCE)} for name in THRESHOLDING
    }
    for weight in plan.weights:
        base: list[float | None] = []
        for name, method in THRESHOLDING.items():
            rows = [row(pixels, wish) for pixels, wish in zip(draw(pipeline, method, work, weight), work, strict=True)]
            for column in COLUMNS:
                values = [one[column] for one in rows if one[column] is not None]
                methods[name][column].append(asdict(wilson(values) if column == "shape lost" else mean(values)))
            errors = [one["colour error"] for one in rows]
            base = errors if name == PLAIN else base
            methods[name][DIFFERENCE].append(asdict(difference(errors, base)))
            say(f"cfg {weight:g}, {name}: " + ", ".join(f"{c} {methods[name][c][-1]['value']:.3f}" for c in COLUMNS))
    truth = [row(rendered(wish), wish) for wish in work]
    ideal = {column: float(np.mean([one[column] for one in truth])) for column in COLUMNS}
    return {"weights": plan.weights, "pictures": len(work), "methods": methods, "rendered": ideal}


@torch.inference_mode()
def draw(pipeline: Pipeline, method: Method, work: Sequence[Prompt], weight: float) -> Tensor:
    """Pixels [prompts 3 height width] about -1…1, as the sampler leaves them: a file would hide what is beyond."""
    encoded = [run_node("PUEncodePrompt", clip=pipeline.clip, text=text)[0] for text in (*(w.text for w in work), "")]
    positive = [[torch.cat([conditioning[0][0] for conditioning in encoded[:-1]]), {}]]
    recipe = pipeline.recipe
    latent = torch.zeros(len(work), 3, recipe.size, recipe.size)
    noise = comfy.sample.prepare_noise(latent, SEED)
    return comfy.sample.sample(
        method({"MODEL": pipeline.model})["MODEL"], noise, recipe.steps, weight, recipe.sampler, recipe.scheduler,
        positive, encoded[-1], latent, disable_pbar=True, seed=SEED,
    )  # fmt: skip


def rendered(wish: Prompt) -> Tensor:
    """[3 height width] in -1…1: the picture as the training data would have it."""
    ((shape, colour),) = wish.subjects
    image, _ = render(Scene((Thing(shape, colour, 32.0, 32.0, 14.0),)))
    return torch.from_numpy(image).movedim(-1, 0) * 2 - 1


def row(pixels: Tensor, wish: Prompt) -> dict[str, float | None]:
    """`clipped`: share of the values at or beyond an end of the range. `colour error`: distance of the largest object's
    paint from the colour asked for, in 8-bit steps (root of the mean square over red, green, blue), None where there
    is no object. `shape lost`: 1 where the shape asked for is not seen."""
    ((shape, colour),) = wish.subjects
    found = detect(((pixels + 1) / 2).movedim(0, -1).cpu().numpy())
    largest = max(found, key=_area, default=None)
    off = None if largest is None else float(np.sqrt(np.mean(np.square(np.subtract(largest.paint, PALETTE[colour])))))
    return {
        "clipped": float((pixels.abs() >= CLIPPED).float().mean()),
        "colour error": off,
        "shape lost": float(all(one.noun != shape for one in found)),
    }


def _area(one: Any) -> float:
    left, top, right, bottom = one.box
    return (right - left) * (bottom - top)


def mean(values: Sequence[float]) -> Interval:
    """With its 95 % interval by the normal approximation; not a number where there are none."""
    if not values:
        return Interval(*[float("nan")] * 3)
    middle, half = float(np.mean(values)), Z * float(np.std(values)) / len(values) ** 0.5
    return Interval(middle, middle - half, middle + half)


def difference(errors: Sequence[float | None], base: Sequence[float | None]) -> Interval:
    """Mean of `errors` - `base` over the pictures that have both, with its interval."""
    both = [(a, b) for a, b in zip(errors, base, strict=True) if a is not None and b is not None]
    return paired_difference(*zip(*both, strict=True)) if len(both) > 1 else mean([])


def plot(results: Mapping[str, Any]) -> Any:
    """PIL image: clipped values in per cent, and colour error, over the guidance weight."""
    factors = {"values clipped, %": ("clipped", 100.0), "colour error, 8-bit steps": ("colour error", 1.0)}
    panels = {
        title: {name: _line(columns[column], factor) for name, columns in results["methods"].items()}
        for title, (column, factor) in factors.items()
    }
    return line_panels(panels, results["weights"], "guidance weight (cfg)")


def _line(cells: Sequence[Mapping[str, float]], factor: float) -> Line:
    return Line(*([factor * max(0.0, cell[end]) for cell in cells] for end in ("value", "low", "high")))
