"""When guidance acts and how far it steps. Progress runs 0…1 over the noise levels of full sampling, so a saved
workflow survives another step count, scheduler or denoise strength."""

from dataclasses import dataclass

from ...errors import PromptUnderstandingError

# Progress is read back from sigma through a table of 1,000 noise levels; half a level of slack.
SLACK = 5e-4


@dataclass(frozen=True)
class Refinement:
    """From `progress` on, once: repeat the update until the loss is at most `1 - threshold` (paper: t1, t2, t3)."""

    progress: float
    threshold: float

    @property
    def target(self) -> float:
        return 1 - self.threshold


@dataclass(frozen=True)
class Schedule:
    """Step size in the papers' latent z, its decay, the guided window and the refinements.

    Attend-and-Excite's own numbers are the defaults: step 20·sqrt(linspace(1, 0.5)), guidance in the first half,
    refinement at 0, 0.2, 0.4 to 0.05, 0.5, 0.8 with at most 20 updates.
    """

    step_size: float = 20.0
    decay: float = 0.5
    """The step is multiplied by sqrt(1 - (1 - decay)·progress): 1 at the start, sqrt(decay) at the end."""
    start: float = 0.0
    until: float = 0.5
    refinements: tuple[Refinement, ...] = (Refinement(0.0, 0.05), Refinement(0.2, 0.5), Refinement(0.4, 0.8))
    max_refinements: int = 20
    enough: float = 0.0
    """An image whose loss has come down to this is left alone for the rest of the run."""

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.until <= 1:
            raise PromptUnderstandingError(
                f"Guidance was asked to run from {self.start:g} until {self.until:g}. Both lie between 0 and 1, start "
                "first."
            )
        bad = [r for r in self.refinements if not (0 <= r.progress <= 1 and 0 < r.threshold < 1)]
        if bad:
            raise PromptUnderstandingError(
                f"Refinement at {bad[0].progress:g} to threshold {bad[0].threshold:g} is out of range. Moments lie "
                "between 0 and 1, thresholds strictly between 0 and 1."
            )

    def step_at(self, progress: float) -> float:
        """Step size alpha_t at `progress`; 0 outside the window."""
        if not self.start - SLACK <= progress < self.until - SLACK:
            return 0.0
        return self.alpha(progress)

    def alpha(self, progress: float) -> float:
        return self.step_size * (1 - (1 - self.decay) * progress) ** 0.5

    def refinement_at(self, progress: float, before: float | None) -> Refinement | None:
        """The refinement due at this guided step: the latest whose moment has come since the step `before` (None at the
        first step, so that a run that starts in the middle catches up with the last one it missed)."""
        if not self.step_at(progress) or not self.max_refinements:
            return None
        done = -1.0 if before is None else before + SLACK
        due = [r for r in self.refinements if done < r.progress <= progress + SLACK]
        return due[-1] if due else None


def parse_refinements(moments: str, thresholds: str) -> tuple[Refinement, ...]:
    """ "0, 0.2, 0.4" and "0.05, 0.5, 0.8" -> refinements. Both empty: none. Raises when they do not pair up."""
    pairs = _numbers(moments, "refine at"), _numbers(thresholds, "refine to")
    if len(pairs[0]) != len(pairs[1]):
        raise PromptUnderstandingError(
            f"'refine at' names {len(pairs[0])} moments ({moments}) but 'refine to' has {len(pairs[1])} thresholds "
            f"({thresholds}). Give one threshold for each moment."
        )
    return tuple(sorted((Refinement(*pair) for pair in zip(*pairs, strict=True)), key=lambda r: r.progress))


def _numbers(text: str, knob: str) -> list[float]:
    try:
        return [float(part) for part in text.replace(";", ",").split(",") if part.strip()]
    except ValueError:
        raise PromptUnderstandingError(
            f"'{knob}' is {text!r}. It takes numbers between 0 and 1 separated by commas, such as 0, 0.2, 0.4."
        ) from None
