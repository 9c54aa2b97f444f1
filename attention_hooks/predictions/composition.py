"""AND and NOT: several predictions joined as a sum of guidance directions.

Liu, Li, Du, Torralba, Tenenbaum: Compositional Visual Generation with Composable Diffusion Models, ECCV 2022,
arXiv 2206.01714. A prediction may be of noise, of velocity or of the denoised picture: the formula is linear, so it is
the same for all three.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from ...errors import PromptUnderstandingError


def compose(unconditional: Tensor, conditionals: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """u + Σ wᵢ (cᵢ - u), all [batch channels height width]; a negative weight is NOT.

    Put in the place of the conditional prediction, the guidance weight then multiplies every wᵢ: the paper's own
    weights are these times it. They are not normalised: two prompts of weight 1 pull twice as hard as one.
    One prompt of weight 1 is that prompt, bit for bit.
    """
    if list(weights) == [1.0]:
        return conditionals[0]
    composed = unconditional.clone()
    for conditional, weight in zip(conditionals, weights, strict=True):
        composed += weight * (conditional - unconditional)
    return composed


def needs_unconditional(weights: Sequence[float], guidance: float = 1.0) -> bool:
    """Whether the unconditional prediction has a share in the guided one: 1 - guidance · Σ wᵢ."""
    return not math.isclose(guidance * sum(weights), 1.0, abs_tol=1e-6)


def check_weight(weight: float) -> None:
    if not math.isfinite(weight):
        raise PromptUnderstandingError(
            f"A prompt was given the weight {weight}. Weights are numbers such as 1, 0.5 or, for what should not be "
            "in the picture, -1."
        )
