"""Every object of a layout, sampled alone with the stock sampler: its latents at each step, its mask, its maps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import comfy.model_management
import comfy.sample
import comfy.samplers
import comfy.utils
import latent_preview
import torch
from torch import Tensor

from ....errors import PromptUnderstandingError
from ....layouts.moving import alone, mask_of
from ....layouts.placed import subject_of
from ....layouts.raster import mask
from ....layouts.types import Box, Layout, LayoutObject
from ....prompts.types import ParsedPrompt
from ...capture.heat import word_heat
from ...losses.box_energy import BoxEnergy
from ...optimize.schedule import SLACK, IteratedSchedule
from ..install import to_draw_alone
from ..sampling.progress import progress_of, say
from ..settings import Conditioning, Guidance, run_log

MOST_OBJECTS = 30
"""As many as a GLIGEN adapter takes; each is a picture of its own."""
SHAPED = 0.2
"""Progress from which the maps show the object: step 10 of the authors' 50."""


class ObjectPrompt(NamedTuple):
    """How one object is asked for when it is alone."""

    conditioning: Conditioning
    parsed: ParsedPrompt


@dataclass(frozen=True)
class Sampling:
    """How every object is sampled: as the whole picture will be."""

    sampler: Any
    sigmas: Tensor
    cfg: float
    seed: int
    until: float = 1.0
    """Progress at which an object is left unfinished."""


@dataclass(frozen=True)
class Drawing:
    """What LLM-grounded Diffusion has to choose for an object alone."""

    schedule: IteratedSchedule = IteratedSchedule()
    sites: str = "quarter"
    own_noise: float = 0.01
    """Share of the object's own noise in its box; the rest is that of the whole picture."""
    threshold: float = 0.25
    """What of the word's heat counts as the object."""


@dataclass(frozen=True)
class DrawnObject:
    """Tensors are on the CPU."""

    thing: LayoutObject
    box: Box
    """Where it was drawn: in the middle, on the floor."""
    latents: Tensor = field(repr=False)
    """[steps+1 C H W] x before each step, and the last."""
    mask: Tensor = field(repr=False)
    """[H W] bool"""
    maps: Tensor = field(repr=False)
    """[steps height width] attention to its noun."""


@dataclass(frozen=True)
class DrawnObjects:
    layout: Layout
    objects: tuple[DrawnObject, ...]
    sites: str
    levels: tuple[float, ...]
    """Noise level that each step of a whole run starts from."""
    progress: tuple[float, ...]
    """0…1 of each of these steps."""
    seconds: float = field(default=0.0, compare=False)

    @property
    def made(self) -> int:
        """How many of the steps were made."""
        return len(self.objects[0].maps)

    @property
    def latents(self) -> Tensor:
        """[objects C H W] the single pictures."""
        return torch.stack([thing.latents[-1] for thing in self.objects])

    @property
    def masks(self) -> Tensor:
        """[objects H W] 0 or 1, where each is in its single picture."""
        return torch.stack([thing.mask for thing in self.objects]).float()


def draw_objects(
    model: Any, layout: Layout, prompts: Sequence[ObjectPrompt], negative: Conditioning, sampling: Sampling,
    drawing: Drawing | None = None, node_id: str | None = None,
) -> DrawnObjects:  # fmt: skip
    """One run of the sampler for each object of the layout, with `prompts` in their order. An error or an interrupt
    leaves nothing behind. Raises PromptUnderstandingError for a layout without objects or with too many."""
    drawing = drawing or Drawing()
    _check_count(layout)
    progress = _progress(model, sampling.sigmas)
    made = sum(at <= sampling.until + SLACK for at in progress)
    sigmas = sampling.sigmas[: made + 1].clone()
    noises, started = _Noises(model, layout, sampling.seed, drawing.own_noise), time.perf_counter()
    bar = _Bar(model, len(layout.objects), made)
    objects: list[DrawnObject] = []
    for number, (thing, prompt) in enumerate(zip(layout.objects, prompts, strict=True)):
        say(_sentence(number, layout, started), node_id)
        own = replace(thing, box=alone(thing.box), subject=None)
        run = replace(sampling, sigmas=sigmas, seed=sampling.seed + 1 + number)
        objects.append(_draw(model, layout, own, prompt, negative, run, drawing, noises(number, own.box), bar(number)))
    say(f"{len(objects)} objects in {time.perf_counter() - started:.0f} seconds.", node_id)
    drawn = tuple(replace(one, thing=thing) for one, thing in zip(objects, layout.objects, strict=True))
    levels = tuple(float(level) for level in sampling.sigmas[:-1])
    return DrawnObjects(layout, drawn, drawing.sites, levels, progress, time.perf_counter() - started)


def _draw(
    model: Any, layout: Layout, thing: LayoutObject, prompt: ObjectPrompt, negative: Conditioning,
    sampling: Sampling, drawing: Drawing, noise: Tensor, callback: Callable[..., None],
) -> DrawnObject:  # fmt: skip
    loss = BoxEnergy(replace(layout, objects=(thing,)))
    loss.check(prompt.parsed)
    guided = to_draw_alone(model, Guidance(loss, drawing.schedule, prompt.parsed, drawing.sites), drawing.sites)
    guider = comfy.samplers.CFGGuider(guided)
    guider.set_conds(prompt.conditioning, negative)
    guider.set_cfg(sampling.cfg)
    guider.sample(
        noise, torch.zeros_like(noise), sampling.sampler, sampling.sigmas, callback=callback, disable_pbar=True,
        seed=sampling.seed,
    )  # fmt: skip
    record = run_log(guided).find()  # type: ignore[union-attr]  # it was given one a moment ago
    latents = record.trajectory[:, 0]
    subject = subject_of(thing, prompt.parsed)
    heat = word_heat(record.maps, [subject.noun], "all", each_step=True)
    maps = heat.heat[0, :, 0]
    shaped = [i for i, (at, _) in enumerate(heat.progress) if at >= SHAPED - SLACK] or [len(maps) - 1]
    return DrawnObject(thing, thing.box, latents, mask_of(maps[shaped], drawing.threshold, latents.shape[-2:]), maps)


class _Noises:
    """The noise of the whole picture, with a little of an object's own in its box."""

    def __init__(self, model: Any, layout: Layout, seed: int, own: float) -> None:
        latent = model.get_model_object("latent_format")
        factor = getattr(latent, "spacial_downscale_ratio", 8)
        self._empty = torch.zeros(1, latent.latent_channels, layout.height // factor, layout.width // factor)
        self._seed, self._own = seed, own
        self._background = comfy.sample.prepare_noise(self._empty, seed)

    def __call__(self, number: int, box: Box) -> Tensor:
        """[1 C H W]"""
        foreground = comfy.sample.prepare_noise(self._empty, self._seed + 1 + number)
        mixed = (1 - self._own) ** 0.5 * self._background + self._own**0.5 * foreground
        return torch.where(mask([box], mixed.shape[-2:]), mixed, self._background)


class _Bar:
    """One bar over all passes, with ComfyUI's preview of the object at work."""

    def __init__(self, model: Any, objects: int, steps: int) -> None:
        self._bar = comfy.utils.ProgressBar(objects * steps)
        self._previewer = latent_preview.get_previewer(model.load_device, model.model.latent_format)
        self._steps = steps

    def __call__(self, number: int) -> Callable[..., None]:
        def callback(step: int, x0: Tensor, x: Tensor, total: int) -> None:
            comfy.model_management.throw_exception_if_processing_interrupted()
            preview = self._previewer and self._previewer.decode_latent_to_preview_image("JPEG", x0)
            self._bar.update_absolute(number * self._steps + step + 1, preview=preview)

        return callback


def _progress(model: Any, sigmas: Tensor) -> tuple[float, ...]:
    """Of each step of a whole run."""
    model_sampling = model.get_model_object("model_sampling")
    return tuple(progress_of(model_sampling, float(level)) for level in sigmas[:-1])


def _sentence(number: int, layout: Layout, started: float) -> str:
    count = len(layout.objects)
    text = f"Object {number + 1} of {count}: {layout.objects[number].caption}."
    if not number:
        return f"{text} All of them take about {count} times a guided picture."
    left = (time.perf_counter() - started) / number * (count - number)
    return f"{text} About {left:.0f} seconds left."


def _check_count(layout: Layout) -> None:
    count = len(layout.objects)
    if not count:
        raise PromptUnderstandingError(
            "Generate Objects was given a layout without objects, so there is nothing to draw. Name a thing in the "
            "prompt, or give the layout boxes by hand."
        )
    if count > MOST_OBJECTS:
        raise PromptUnderstandingError(
            f"Generate Objects was given a layout of {count} objects. Each is a picture of its own; it takes up to "
            f"{MOST_OBJECTS}. Use Layout Guidance, which costs the same for any number."
        )
