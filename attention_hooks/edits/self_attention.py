"""Self-attention injection: every place looks at the places the source's looked at, which keeps shapes and layout.

Not in Hertz et al. 2022, whose model has none at these layers; from their code for Stable Diffusion.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .windows import Window


@dataclass(frozen=True)
class SelfInjection:
    window: Window
    sites: str = "quarter"
    """Largest maps that are injected, by their size against the latent's: "quarter" is the code's 16x16 at 512 px."""

    def acts_at(self, progress: float) -> bool:
        return self.window.holds(progress)

    def __call__(self, probs: Tensor, progress: float) -> Tensor:
        """probs [groups prompts heads hw hw]; the same object outside the window."""
        return probs[:, :1].expand_as(probs) if self.acts_at(progress) else probs
