"""Real images on the Shapes model: rendered scenes are inverted and sampled again, and compared with themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import comfy.sample
import numpy as np
import torch
from torch import Tensor

from ..demo.scenes import COLOURS, SHAPES, render
from ..demo.training.captions import Named, build_scene, place
from .intervals import mean_interval, paired_difference
from .methods import run_node
from .quality import Recipe, Say

FIRST_SEED = 3_000_000
BATCH = 8
ALONE = "DDIM inversion alone"
NULL_TEXT, PROMPT = "null-text", "prompt as negative"


@dataclass(frozen=True)
class Way:
    """How an image is inverted and sampled again."""

    cfg: float
    method: str | None = None
    """Of Null-Text Optimise; None leaves it out."""
    refinements: int = 0


def ways(cfg: float) -> dict[str, Way]:
    """The slow ones last."""
    return {
        ALONE: Way(cfg),
        "prompt as negative": Way(cfg, PROMPT),
        "prompt as negative, 3 refinements": Way(cfg, PROMPT, 3),
        "null-text": Way(cfg, NULL_TEXT),
        "null-text, 3 refinements": Way(cfg, NULL_TEXT, 3),
    }


@dataclass(frozen=True)
class Example:
    """A scene of two things and the caption that is true of it."""

    caption: str
    image: np.ndarray
    """[height width 3] in 0…1"""


def examples(count: int, first_seed: int = FIRST_SEED) -> list[Example]:
    return [_example(np.random.default_rng(first_seed + i)) for i in range(count)]


def _example(rng: np.random.Generator) -> Example:
    shapes, colours = rng.choice(SHAPES, 2, replace=False), rng.choice(COLOURS, 2, replace=False)
    names = [Named(str(shape), str(colour)) for shape, colour in zip(shapes, colours, strict=True)]
    image, _ = render(build_scene(rng, names, place(rng, 2)), rng)
    return Example(" and ".join(name.text for name in names), image)


@dataclass
class Result:
    """One way's images in turn: decibels, seconds for finding the way, seconds for sampling."""

    psnr: list[float] = field(default_factory=list)
    finding: list[float] = field(default_factory=list)
    sampling: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Laboratory:
    """The Shapes model and how it samples."""

    model: Any
    clip: Any
    vae: Any
    recipe: Recipe = Recipe()

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
        images = torch.from_numpy(np.stack([example.image for example in batch])).float()
        positive, negative = self._encode([example.caption for example in batch]), self._encode([""])
        finding, (model, noisy) = _timed(lambda: self._find(way, positive, negative, self.vae.encode(images)))
        sampling, samples = _timed(lambda: self._sample(model, noisy, way.cfg, positive, negative))
        result.psnr += psnr(self.vae.decode(samples).cpu(), images).tolist()
        result.finding += [finding / len(batch)] * len(batch)
        result.sampling += [sampling / len(batch)] * len(batch)

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
        return comfy.sample.sample(
            model, torch.zeros_like(noisy), recipe.steps, cfg, recipe.sampler, recipe.scheduler, positive, negative,
            noisy, disable_noise=True, disable_pbar=True, seed=0,
        )  # fmt: skip

    def _encode(self, captions: Sequence[str]) -> Any:
        """One CONDITIONING with a row for each caption."""
        encoded = [self.clip.encode_from_tokens_scheduled(self.clip.tokenize(text))[0] for text in captions]
        return [[torch.cat([tensor for tensor, _ in encoded]), encoded[0][1]]]


def psnr(images: Tensor, originals: Tensor) -> Tensor:
    """[batch] decibels, of images [batch height width 3] in 0…1 as they would be saved, but not rounded."""
    return -10 * torch.log10(((images.clamp(0, 1) - originals) ** 2).flatten(1).mean(1))


def summarise(results: Mapping[str, Result]) -> dict[str, Any]:
    base = results[ALONE].psnr
    return {
        name: {
            "images": len(result.psnr),
            "psnr": asdict(mean_interval(result.psnr)),
            "difference": asdict(paired_difference(result.psnr, base[: len(result.psnr)])),
            "seconds to find": float(np.mean(result.finding)),
            "seconds to sample": float(np.mean(result.sampling)),
            "each image": asdict(result),
        }
        for name, result in results.items()
    }


def earlier(saved: Mapping[str, Any], head: Mapping[str, Any]) -> dict[str, Result]:
    """Results of a saved file, where it was made with the same weights and settings."""
    if any(saved.get(name) != head[name] for name in ("weights", "recipe")):
        return {}
    return {name: Result(**way["each image"]) for name, way in saved["ways"].items()}


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result
