"""When guidance acts and how far it steps. Progress runs 0…1 over the noise levels of full sampling, so a saved
workflow survives another step count, scheduler or denoise strength."""

from dataclasses import dataclass

from ...errors import PromptUnderstandingError

# Progress is read back from sigma through a table of 1,000 noise levels; half a level of slack.
SLACK = 5e-4
MOST_UPDATES = 50
"""At a step: beyond it a picture takes hours and looks no better."""


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

    def rounds_at(self, progress: float) -> int:
        """How many times a refinement that is due at `progress` may repeat the update."""
        return self.max_refinements

    def refinement_at(self, progress: float, before: float | None) -> Refinement | None:
        """The refinement due at this guided step: the latest whose moment has come since the step `before` (None at the
        first step, so that a run that starts in the middle catches up with the last one it missed)."""
        if not self.step_at(progress) or not self.max_refinements:
            return None
        done = -1.0 if before is None else before + SLACK
        due = [r for r in self.refinements if done < r.progress <= progress + SLACK]
        return due[-1] if due else None


@dataclass(frozen=True)
class IteratedSchedule(Schedule):
    """LLM-grounded Diffusion's: several updates at every step, most of them early, until the loss is low enough.

    The authors' step sqrt(1 - abar_t)·5·dE/dz, E summed over SD1.5's eight heads, is 40 on the mean of heads; a decay
    to 0.4 stays within 6 % of their root in the guided part. They look at the loss of the step before; so does
    `enough`, which then ends guidance for the rest of the run, as it does in their code.
    """

    step_size: float = 40.0
    decay: float = 0.4
    until: float = 0.6
    refinements: tuple[Refinement, ...] = ()
    enough: float = 0.625
    iterations: tuple[int, ...] = (4, 3, 2, 2, 1, 1)
    """At most so many updates a step, each number for an equal part of the guided window."""

    def rounds_at(self, progress: float) -> int:
        part = (progress - self.start + SLACK) / (self.until - self.start)
        return self.iterations[min(int(part * len(self.iterations)), len(self.iterations) - 1)] - 1

    def refinement_at(self, progress: float, before: float | None) -> Refinement | None:
        if not self.step_at(progress) or not self.rounds_at(progress):
            return None
        return Refinement(progress, 1 - self.enough)


def parse_iterations(text: str) -> tuple[int, ...]:
    """ "4, 3, 2, 2, 1, 1" -> numbers of updates. Raises for anything that is not whole numbers of at least one."""
    wanted = f"whole numbers from 1 to {MOST_UPDATES} separated by commas, such as 4, 3, 2, 2, 1, 1"
    numbers = _numbers(text, "iterations", wanted)
    if not numbers or not all(1 <= number <= MOST_UPDATES and number == int(number) for number in numbers):
        raise PromptUnderstandingError(f"'iterations' is {text!r}. It takes {wanted}.")
    return tuple(map(int, numbers))


def parse_refinements(moments: str, thresholds: str) -> tuple[Refinement, ...]:
    """ "0, 0.2, 0.4" and "0.05, 0.5, 0.8" -> refinements. Both empty: none. Raises when they do not pair up."""
    pairs = _numbers(moments, "refine at"), _numbers(thresholds, "refine to")
    if len(pairs[0]) != len(pairs[1]):
        raise PromptUnderstandingError(
            f"'refine at' names {len(pairs[0])} moments ({moments}) but 'refine to' has {len(pairs[1])} thresholds "
            f"({thresholds}). Give one threshold for each moment."
        )
    return tuple(sorted((Refinement(*pair) for pair in zip(*pairs, strict=True)), key=lambda r: r.progress))


def _numbers(
    text: str, knob: str, wanted: str = "numbers between 0 and 1 separated by commas, such as 0, 0.2, 0.4"
) -> list[float]:
    try:
        return [float(part) for part in text.replace(";", ",").split(",") if part.strip()]
    except ValueError:
        raise PromptUnderstandingError(f"'{knob}' is {text!r}. It takes {wanted}.") from None
