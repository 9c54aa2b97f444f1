"""Real images on the Shapes model: rendered scenes are inverted and sampled again, and compared with themselves; then a
colour of each is changed by Prompt-to-Prompt."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import comfy.sample
import numpy as np
import torch
from torch import Tensor

from ..demo.detector import detect
from ..demo.intervals import mean_interval, paired_difference, wilson
from ..demo.scenes import render
from ..demo.training.captions import Named, build_scene, place
from ..nodes.inversion_nodes import DIRECT, NULL_TEXT, PROMPT
from .edit_cases import ARMS, RESAMPLED, Case, cases, edited, is_right, judge, last_of_each
from .methods import run_node
from .quality import Say
from .worlds import SHAPES, Recipe

FIRST_SEED = 3_000_000
BATCH = 4
"""Scenes of one caption, inverted and edited together."""
KIND = "colour swap"
EXACT = 100.0
"""Decibels; a hundredth of a step of 8-bit colour."""
ALONE = "DDIM inversion alone"


@dataclass(frozen=True)
class Way:
    """How an image is inverted and sampled again."""

    cfg: float
    method: str | None = None
    """Of Bring Image Back; None leaves it out."""
    refinements: int = 0


def ways(cfg: float) -> dict[str, Way]:
    """The slow one last."""
    return {
        ALONE: Way(cfg),
        PROMPT: Way(cfg, PROMPT),
        f"{PROMPT}, 3 refinements": Way(cfg, PROMPT, 3),
        DIRECT: Way(cfg, DIRECT),
        NULL_TEXT: Way(cfg, NULL_TEXT),
    }


@dataclass(frozen=True)
class Example:
    """A scene of two things, the caption that is true of it, and the edit that it will get."""

    case: Case
    image: np.ndarray
    """[height width 3] in 0…1"""


def examples(count: int, first_seed: int = FIRST_SEED) -> list[Example]:
    """`BATCH` scenes of every caption in turn."""
    swaps = [case for edits in cases() for case in edits if case.kind == KIND]
    return [_example(swaps[i // BATCH % len(swaps)], np.random.default_rng(first_seed + i)) for i in range(count)]


def _example(case: Case, rng: np.random.Generator) -> Example:
    """A scene that the detector reads rightly, so that what it misses after an edit is the edit's doing."""
    names = [Named(*subject) for subject in (case.before, case.other)]
    while True:
        image, _ = render(build_scene(rng, names, place(rng, 2)), rng)
        if is_right(case, detect(image)):
            return Example(case, image)


@dataclass
class Result:
    """One way's images in turn: decibels, seconds for finding the way and for sampling, and for each arm what became
    of the edit."""

    psnr: list[float] = field(default_factory=list)
    finding: list[float] = field(default_factory=list)
    sampling: list[float] = field(default_factory=list)
    edits: dict[str, list[dict[str, float]]] = field(default_factory=lambda: {arm: [] for arm in ARMS})


@dataclass(frozen=True)
class InversionPipeline:
    """The Shapes model and how it samples."""

    model: Any
    clip: Any
    vae: Any
    recipe: Recipe = SHAPES.recipe

    def run(
        self, wanted: Mapping[str, Way], work: Sequence[Example], say: Say, results: dict[str, Result] | None = None
    ) -> Iterator[dict[str, Result]]:
        """The results so far, after every batch; one way after the other, as the last ones take by far the longest.
        What is in `results` already, of an earlier run, is not done again."""
        results = {} if results is None else results
        for name, way in wanted.items():
            results.setdefault(name, Result())
            for start in range(len(results[name].psnr), len(work), BATCH):
                self._add(results[name], way, work[start : start + BATCH])
                say(f"{name}: {len(results[name].psnr)} of {len(work)} scenes")
                yield results

    @torch.inference_mode()
    def _add(self, result: Result, way: Way, batch: Sequence[Example]) -> None:
        case = batch[0].case
        images = torch.from_numpy(np.stack([example.image for example in batch])).float()
        positive, negative = self._encode(case.source), self._encode("")
        finding, (model, noisy) = _timed(lambda: self._find(way, positive, negative, self.vae.encode(images)))
        sampling, pictures = _timed(lambda: self._sample(model, noisy, way.cfg, positive, negative))
        result.psnr += psnr(pictures, images).tolist()
        result.finding += [finding / len(batch)] * len(batch)
        result.sampling += [sampling / len(batch)] * len(batch)
        for arm, seen in result.edits.items():
            if way.method == DIRECT and arm == RESAMPLED:
                continue  # a source led along its way cannot become anything else
            pictures = self._edit(case, arm, model, noisy, way.cfg, negative)
            seen += [judge(case, a.numpy(), b.numpy()) for a, b in zip(images, pictures, strict=True)]

    def _edit(self, case: Case, arm: str, model: Any, noisy: Tensor, cfg: float, negative: Any) -> Tensor:
        """One edit of every image of a batch: [batch height width 3] in 0…1."""
        model, positive, edit = edited(model, self.clip, case, arm)
        latent = run_node("PUEditLatent", samples={"samples": noisy}, edit=edit)[0]["samples"]
        return last_of_each(self._sample(model, latent, cfg, positive, negative), edit)

    def _find(self, way: Way, positive: Any, negative: Any, latent: Tensor) -> tuple[Any, Tensor]:
        recipe = self.recipe
        noisy, inversion, _ = run_node(
            "PUInvertImage", model=self.model, positive=positive, latent={"samples": latent}, steps=recipe.steps,
            scheduler=recipe.scheduler, refinements=way.refinements,
        )  # fmt: skip
        model = self.model
        if way.method:
            model, _ = run_node(
                "PUNullTextOptimise", model=model, inversion=inversion, negative=negative, cfg=way.cfg,
                method=way.method,
            )  # fmt: skip
        return model, noisy["samples"]

    def _sample(self, model: Any, noisy: Tensor, cfg: float, positive: Any, negative: Any) -> Tensor:
        recipe = self.recipe
        samples = comfy.sample.sample(
            model, torch.zeros_like(noisy), recipe.steps, cfg, recipe.sampler, recipe.scheduler, positive, negative,
            noisy, disable_noise=True, disable_pbar=True, seed=0,
        )  # fmt: skip
        return self.vae.decode(samples).cpu()

    def _encode(self, text: str) -> Any:
        return run_node("PUEncodePrompt", clip=self.clip, text=text)[0]


def psnr(images: Tensor, originals: Tensor) -> Tensor:
    """[batch] decibels, of images [batch height width 3] in 0…1 as they would be saved, but not rounded. An image that
    is given back exactly counts as `EXACT`."""
    error = ((images.clamp(0, 1) - originals) ** 2).flatten(1).mean(1)
    return (-10 * torch.log10(error)).clamp(max=EXACT)


def summarise(results: Mapping[str, Result]) -> dict[str, Any]:
    base = results[ALONE].psnr
    return {
        name: {
            "images": len(result.psnr),
            "psnr": asdict(mean_interval(result.psnr)),
            "difference": asdict(paired_difference(result.psnr, base[: len(result.psnr)])),
            "seconds to find": float(np.mean(result.finding)),
            "seconds to sample": float(np.mean(result.sampling)),
            "edits": {arm: _edits(seen) for arm, seen in result.edits.items() if seen},
            "each image": asdict(result),
        }
        for name, result in results.items()
    }


def _edits(seen: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Shares with their intervals, and the mean change outside."""
    shares = {name: asdict(wilson([one[name] for one in seen])) for name in ("happened", "stayed")}
    return {**shares, "outside": float(np.mean([one["outside"] for one in seen]))}


def earlier(saved: Mapping[str, Any], head: Mapping[str, Any]) -> dict[str, Result]:
    """Results of a saved file, where it was made with the same weights and settings."""
    if any(saved.get(name) != head[name] for name in ("weights", "recipe", "batch")):
        return {}
    return {name: Result(**way["each image"]) for name, way in saved["ways"].items()}


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result
