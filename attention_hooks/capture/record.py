"""What one sampling run leaves behind for the nodes that look at it: heat maps, loss curves, costs.

A run makes one `RunRecord` and hands it to the `RunLog` of the patched MODEL when it ends, so that nothing of one image
lives on the patch while the next one is made. The log keeps the last runs and finds the right one by its latent:
two samplers may share a MODEL.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ...prompts.types import ParsedPrompt
from ..types import AttentionSite

RUNS_KEPT = 64
"""A list of latents is sampled one by one before anything looks at the first."""
FEW_RUNS, MOST_BYTES = 4, 2**29
"""Beyond the first few, runs are kept as long as their maps fit into this."""


@dataclass(frozen=True)
class CapturedMaps:
    """Cross-attention probabilities averaged over heads, per site, on the CPU.

    `probs[site]` [frames batch tokens height width] float32. One frame when the mean over the steps was asked for,
    else one frame a step; `progress[frame]` is that frame's (first, last) progress.
    """

    probs: Mapping[AttentionSite, Tensor]
    progress: tuple[tuple[float, float], ...]
    latent_hw: tuple[int, int]
    one_size: bool = False
    """The model has maps of one size only, as transformers do: any named size means them."""
    fingerprints: tuple[str, ...] = ()
    """Of the prompt whose maps these are, or of a source and its edits; empty where the conditioning does not say."""
    text: str = ""

    @property
    def batch(self) -> int:
        return next(iter(self.probs.values())).shape[1]

    @property
    def tokens(self) -> int:
        return next(iter(self.probs.values())).shape[2]


@dataclass(frozen=True)
class GuidedStep:
    """One step at which guidance acted. Tensors are on the CPU; `batch` counts the images of the run."""

    step: int
    """Index into the sampler's own steps, 0-based."""
    progress: float
    sigma: float
    losses: Mapping[str, Tensor]
    """Technique -> [batch] the loss that the last gradient of this step saw."""
    subjects: Mapping[str, Tensor]
    """Technique -> [batch subjects] the same, per subject; empty where a technique has no per-subject value."""
    refinements: Tensor
    """[batch] int: extra updates beyond the ordinary one."""
    notes: tuple[str, ...] = ()
    """What went wrong here and was skipped, as sentences."""


@dataclass
class RunRecord:
    """Everything the viewers may ask about one run."""

    prompt: ParsedPrompt | None = None
    steps: list[GuidedStep] = field(default_factory=list)
    maps: CapturedMaps | None = None
    maps_missing: str = ""
    """Why there are none, where it was not the range of steps that was asked for."""
    total_steps: int = 0
    forwards: int = 0
    """Gradient-pass forwards, each of `images` one row."""
    backwards: int = 0
    guidance_seconds: float = 0.0
    sampling_seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    blend_mask: Tensor | None = None
    """[batch height width] of the latent, 0 or 1, on the CPU: where Local Blend let each picture change; None without
    it."""
    trajectory: Tensor | None = None
    """[steps+1 batch C H W] the latent that each step began with and the last one, on the CPU; None where not asked
    for."""
    latent_mark: int | None = None

    @property
    def nbytes(self) -> int:
        maps = [] if self.maps is None else list(self.maps.probs.values())
        return sum(tensor.nbytes for tensor in [*maps, self.blend_mask] if tensor is not None)


class RunLog:
    """The last finished runs of one patched MODEL, newest last."""

    def __init__(self) -> None:
        self._runs: deque[RunRecord] = deque(maxlen=RUNS_KEPT)

    def add(self, record: RunRecord, samples: Tensor) -> None:
        record.latent_mark = latent_mark(samples)
        self._runs.append(record)
        while len(self._runs) > FEW_RUNS and sum(run.nbytes for run in self._runs) > MOST_BYTES:
            self._runs.popleft()

    def find(self, samples: Tensor | None = None) -> RunRecord | None:
        """The run that made `samples`, or the newest one when none is given; None when there is no such run."""
        if samples is None:
            return self._runs[-1] if self._runs else None
        mark = latent_mark(samples)
        return next((run for run in reversed(self._runs) if run.latent_mark == mark), None)

    def __len__(self) -> int:
        return len(self._runs)


def latent_mark(samples: Tensor) -> int:
    """A checksum that survives the move between devices and to half precision and back is not needed: ComfyUI hands the
    sampler's result on unchanged but for a cast, so the mark is taken in float16, the coarsest type it uses."""
    return zlib.crc32(samples.detach().to("cpu").half().contiguous().numpy().tobytes())
