"""Null-text optimisation on a ComfyUI model: a negative embedding for every step, so that guided sampling from an
inverted latent comes back to the image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import comfy.model_management
import comfy.samplers
import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ....errors import PromptUnderstandingError
from ...optimize.null_text import NullTextSchedule, StepFit, fit_step
from ...predictions.ddim import ddim_step
from ..gradient.autograd import gradients
from ..gradient.checkpointing import checkpointed
from ..gradient.given_control import with_given_control
from ..gradient.gradient_pass import apply_weight_hooks, gradient_of
from ..gradient.options import differentiable_options
from ..gradient.patience import Patience
from ..sampling.progress import say
from ..settings import Conditioning, Inversion
from .invert import KEY, check_model, guider_of, run_guider
from .resume import Unfinished, content_of

UNFINISHED = Unfinished()

MEMORY_ROWS = 3
"""ComfyUI budgets a forward of two rows for each image. A gradient through the whole network holds more: an
estimate, on the safe side of what guidance asks for (gradient/memory.py), whose passes stop half-way."""


@dataclass(frozen=True)
class NullText:
    """What was found. Tensors are on the CPU, in float32."""

    embeddings: Tensor = field(repr=False)
    """[steps batch tokens channels], in the order of sampling."""
    losses: tuple[tuple[float, ...], ...]
    """[steps][batch]: mean squared error in z that each step was left with."""
    rounds: tuple[int, ...]
    """Gradients that each step took."""


def optimise(
    model: Any, inversion: Inversion, negative: Conditioning, cfg: float,
    schedule: NullTextSchedule | None = None, save_memory: bool = False, node_id: str | None = None,
) -> NullText:  # fmt: skip
    """A step takes two calls of the model and up to `rounds` gradients through it, for the negative prompt alone.

    An interrupted run is gone on with. Raises PromptUnderstandingError where there is nothing to optimise.
    """
    schedule = schedule or NullTextSchedule()
    check_model(model, "Bring Image Back")
    _check_size(model, inversion)
    start = _embedding_of(negative, inversion.shape[0])
    if cfg == 1:
        raise PromptUnderstandingError(
            "Bring Image Back was asked for cfg 1, where the sampler never looks at the negative prompt: the "
            "inverted latent alone gives the image back. Set cfg to what you will sample with, such as 7.5."
        )
    key = content_of([model, inversion.latents, inversion.sigmas, inversion.positive, negative, cfg, repr(schedule)])
    finished: list[tuple[StepFit, Tensor]] = UNFINISHED.steps_of(key)
    guider = guider_of(model, {"positive": inversion.positive, "negative": negative}, cfg)
    guider.model_patcher.add_wrapper_with_key(WrappersMP.PREPARE_SAMPLING, KEY, _more_memory)
    fitter = _fitter(inversion, start, schedule, finished, save_memory, node_id)
    # The latent only says the size here; where the steps stand is the inversion's to say.
    run_guider(guider, torch.zeros(inversion.shape), inversion.sigmas, fitter)
    fits = [fit for fit, _ in finished]
    UNFINISHED.done(key)
    return NullText(
        torch.stack([fit.embedding for fit in fits]),
        tuple(tuple(fit.losses.tolist()) for fit in fits),
        tuple(fit.rounds for fit in fits),
    )


def _fitter(
    inversion: Inversion, start: Tensor, schedule: NullTextSchedule, finished: list[tuple[StepFit, Tensor]],
    save_memory: bool, node_id: str | None,
) -> Callable[..., Tensor]:  # fmt: skip
    """A sampler function that walks down the inversion's noise levels, with the embedding it has fitted for each."""

    def sample_null_text(
        model: Any, x: Tensor, sigmas: Tensor, extra_args: dict[str, Any], callback: Any, disable: Any = None
    ) -> Tensor:
        guider, steps = model.inner_model, inversion.steps
        targets, levels = inversion.latents.to(x), inversion.sigmas.tolist()
        embedding, x = (finished[-1][0].embedding, finished[-1][1]) if finished else (start, targets[0])
        embedding, x = embedding.to(x.device), x.to(targets.device)
        gradient = NegativeGradient(guider, extra_args["model_options"], save_memory)
        for i in range(len(finished), steps):
            step = gradient.step(x, targets[i + 1], levels[i], levels[i + 1])
            fit = fit_step(embedding, step, schedule.rate_at(i, steps), schedule.enough_at(i, steps), schedule.rounds)
            embedding = fit.embedding
            guider.conds["negative"] = [with_embedding(entry, embedding) for entry in guider.conds["negative"]]
            # As the stock sampler will take it, so that errors of one step are seen by the next.
            denoised = model(x, x.new_full((len(x),), levels[i]), **extra_args)
            x = ddim_step(x, denoised, levels[i], levels[i + 1])
            finished.append((StepFit(embedding.cpu(), fit.losses.cpu(), fit.rounds), x.cpu().clone()))
            callback({"i": i, "x": x, "denoised": denoised, "sigma": levels[i], "sigma_hat": levels[i]})
            worst = float(fit.losses.max())
            say(f"Step {i + 1} of {steps}: error {worst:.1e} after {fit.rounds} rounds", node_id)
        return x

    return sample_null_text


class NegativeGradient:
    """Gradients with respect to the negative prompt's embedding; nothing is left attached after each."""

    def __init__(self, guider: Any, model_options: dict[str, Any], save_memory: bool) -> None:
        self._model, self._cfg, self._save_memory = guider.inner_model, guider.cfg, save_memory
        # Still several where the positive prompt has areas: ComfyUI then makes a negative one for each.
        self._positive, self._negatives = guider.conds["positive"], guider.conds["negative"]
        self._model_options = model_options
        self._patience = Patience()

    def step(self, x: Tensor, target: Tensor, sigma: float, sigma_next: float) -> Callable[..., tuple[Tensor, Tensor]]:
        """`evaluate` of one step for `fit_step`: how far from `target` it lands, as a mean square in z."""
        levels = x.new_full((len(x),), sigma)
        (conditional,) = comfy.samplers.calc_cond_batch(self._model, [self._positive], x, levels, self._model_options)

        def losses_of(embedding: Tensor) -> Tensor:
            entries = [with_given_control(with_embedding(entry, embedding)) for entry in self._negatives]
            options = differentiable_options(self._model_options, self._model.diffusion_model, x)
            here, given = x.clone(), conditional.clone()
            (negative,) = comfy.samplers.calc_cond_batch(self._model, [entries], here, levels.clone(), options)
            guided = negative + self._cfg * (given - negative)
            error = ddim_step(here, guided, sigma, sigma_next) - target.clone()
            return (error**2).flatten(1).mean(1) / (1 + sigma_next**2)

        def evaluate(embedding: Tensor) -> tuple[Tensor, Tensor]:
            comfy.model_management.throw_exception_if_processing_interrupted()
            apply_weight_hooks(self._model, self._negatives, levels, self._model_options)
            return self._patience.run(lambda: self._evaluate(embedding, losses_of))

        return evaluate

    def _evaluate(self, embedding: Tensor, losses_of: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        with self._differentiable():
            leaf = embedding.clone().requires_grad_()
            losses = losses_of(leaf)
            gradient = gradient_of(losses.sum(), leaf, self._model)
        return losses.detach(), gradient

    @contextmanager
    def _differentiable(self) -> Iterator[None]:
        network = self._model.diffusion_model
        with ExitStack() as stack:
            stack.enter_context(gradients(network))
            if self._save_memory:
                stack.enter_context(checkpointed(network, set()))
            yield


def with_embedding(entry: dict[str, Any], embedding: Tensor) -> dict[str, Any]:
    """A processed conditioning entry that says `embedding` [rows tokens channels] instead."""
    context = entry["model_conds"]["c_crossattn"]
    return {**entry, "model_conds": {**entry["model_conds"], "c_crossattn": type(context)(embedding)}}


def _embedding_of(negative: Conditioning, batch: int) -> Tensor:
    """[batch tokens channels] of the one negative prompt."""
    if len(negative) != 1 or negative[0][0] is None:
        raise PromptUnderstandingError(
            f"Bring Image Back was given a negative conditioning of {len(negative)} parts, and one embedding is what "
            "it optimises. Connect one CLIP Text Encode, usually with an empty text."
        )
    embedding = negative[0][0]
    if len(embedding) not in (1, batch):
        raise PromptUnderstandingError(
            f"The negative conditioning is for {len(embedding)} images and the inversion for {batch}. Encode one "
            "negative prompt; it is used for all of them."
        )
    return embedding.to("cpu", torch.float32).expand(batch, -1, -1).clone()


def _check_size(model: Any, inversion: Inversion) -> None:
    channels = model.get_model_object("latent_format").latent_channels
    if inversion.shape[1] != channels:
        raise PromptUnderstandingError(
            f"The inversion was made with a model of {inversion.shape[1]} latent channels; this MODEL has {channels}. "
            "Connect the MODEL that Invert Image was given."
        )


def _more_memory(executor: Any, model: Any, noise_shape: Any, conds: Any, *args: Any, **kwargs: Any) -> Any:
    noise_shape = type(noise_shape)([noise_shape[0] * MEMORY_ROWS, *noise_shape[1:]])
    return executor(model, noise_shape, conds, *args, **kwargs)
