"""`evaluate` for the latent optimiser: z of some images -> losses of every active technique and their one gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ....prompts.types import ParsedPrompt
from ...capture.sizes import hw_of, resized
from ...optimize.latent import Evaluation
from ...types import TokenMaps
from ..sampling.units import LatentUnits, NoiseMaskView
from ..settings import Guidance
from .gradient_pass import GradientPass


class Evaluator:
    """State of one run: the maps of the step before, which retention losses compare with."""

    def __init__(
        self,
        guidances: Mapping[str, Guidance],
        gradient_pass: GradientPass,
        prompt_of: Callable[[ParsedPrompt, int], ParsedPrompt] = lambda prompt, image: prompt,
    ) -> None:
        """`prompt_of` says what a prompt means for one image of the batch: edited prompts put its words elsewhere."""
        self._guidances = guidances
        self._pass = gradient_pass
        self._prompt_of = prompt_of
        self._previous: dict[str, Tensor] = {}
        self._seen: dict[str, Tensor] = {}

    def begin_step(
        self, z: Tensor, sigma: Tensor, units: LatentUnits, view: NoiseMaskView, progress: float = 0.0
    ) -> None:
        """z [batch C H W] of this step, before any move."""
        self._progress = progress
        self._previous, self._seen = {**self._previous, **self._seen}, {}
        self._z, self._sigma, self._units, self._view = z.clone(), sigma, units, view

    def __call__(self, z: Tensor, images: Tensor, weights: Mapping[str, float]) -> Evaluation:
        """z [images C H W] of the images with these indices."""
        self._z[images.to(self._z.device)] = z
        # Conditioning that differs from image to image is known by row, so such a batch is never thinned out.
        rows = torch.arange(len(self._z)) if self._pass.knows_rows else images
        active = {name: weights[name] for name in self._guidances if weights.get(name)}
        losses = {name: torch.full((len(images),), float("nan")) for name in active}
        subjects: dict[str, Tensor] = {}

        def leaf_and_input() -> tuple[Tensor, Tensor]:
            leaf = self._z.clone().requires_grad_()
            # Autograd saves what rows are picked by, which may not be an inference tensor.
            return leaf, self._view(self._units.to_x(leaf))[rows.to(leaf.device).clone()]

        def total(maps: Mapping[str, Tensor]) -> Tensor:
            sums = []
            for name in active.keys() & maps.keys():
                own = maps[name] if len(rows) == len(images) else maps[name][images.clone()]
                losses[name], subjects[name] = self._losses(name, own, images)
                sums.append((name, active[name] * losses[name].sum()))
            return torch.stack([value for _, value in sorted(sums, key=lambda s: s[0])]).sum()

        gradient = self._pass(leaf_and_input, self._sigma[rows.to(self._sigma.device)], total, active.keys())
        return Evaluation(losses, subjects, gradient[images.to(gradient.device)])

    def _losses(self, name: str, maps: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """maps [images tokens height width] -> losses [images], per-subject values [images values]."""
        guidance = self._guidances[name]
        hw = hw_of(maps)
        before = [self._map_before(name, image, hw) for image in images.tolist()]
        rows = [TokenMaps(row, previous, self._progress) for row, previous in zip(maps, before, strict=True)]
        self._remember(name, maps.detach(), images)
        prompts = [self._prompt_of(guidance.prompt, image) for image in images.tolist()]
        pairs = list(zip(rows, prompts, strict=True))
        with torch.no_grad():
            width = len(guidance.loss.labels(guidance.prompt))
            parts = torch.stack([_as_wide(guidance.loss.per_subject(row, prompt), width) for row, prompt in pairs])
        return torch.stack([guidance.loss(row, prompt) for row, prompt in pairs]), parts

    def _map_before(self, name: str, image: int, hw: tuple[int, int]) -> Tensor | None:
        """[tokens *hw]: a patch may have given the layers another size since (Deep Shrink)."""
        return resized(self._previous[name][image], hw) if name in self._previous else None

    def _remember(self, name: str, maps: Tensor, images: Tensor) -> None:
        if name not in self._seen:
            # An image that has left the batch keeps the last maps it had.
            before = self._previous.get(name)
            empty = maps.new_zeros(len(self._z), *maps.shape[1:])
            self._seen[name] = empty if before is None else resized(before, hw_of(maps)).clone()
        self._seen[name][images.to(maps.device)] = maps


def _as_wide(values: Tensor, width: int) -> Tensor:
    """[width]: an edited prompt may have lost what a loss reports on; there it says "not a number"."""
    return torch.nn.functional.pad(values, (0, width - len(values)), value=float("nan"))
