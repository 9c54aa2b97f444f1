"""What the edit nodes hand to each other: the prompts, how they are aligned, and what is done to their attention."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from ...prompts.types import Alignment, ParsedPrompt
from .injection import Injection
from .local_blend import LocalBlend
from .reweight import Reweight
from .self_attention import SelfInjection


class Edit(Protocol):
    """Pure: `probs` [groups prompts heads hw tokens] of one layer in, the same shape out. Prompt 0 is the source."""

    def acts_at(self, progress: float) -> bool: ...

    def __call__(self, probs: Tensor, progress: float) -> Tensor:
        """Outside its window: the same object."""
        ...


@dataclass(frozen=True, eq=False)
class PromptEdit:
    """A source prompt and its edits. Rows of a batch take turns: source, edit 1, …, source, edit 1, …"""

    source: ParsedPrompt
    alignments: tuple[Alignment, ...]
    """One an edited prompt; none for re-weighting a single prompt."""
    length: int
    """Tokens of the conditioning: each prompt is repeated to fill it."""
    injections: tuple[Injection, ...] = ()
    weights: tuple[Reweight, ...] = ()
    self_attention: tuple[SelfInjection, ...] = ()
    blend: LocalBlend | None = None

    @property
    def prompts(self) -> tuple[ParsedPrompt, ...]:
        return (self.source, *(alignment.edited for alignment in self.alignments))

    @property
    def fingerprint(self) -> str:
        """Of the prompts alone: what an edit does may change without encoding them again."""
        return hashlib.sha256("\0".join(prompt.fingerprint for prompt in self.prompts).encode()).hexdigest()[:16]

    @property
    def cross_edits(self) -> tuple[Edit, ...]:
        """In the order they act, whatever that of the nodes: weights scale what was injected."""
        return (*self.injections, *self.weights)

    @property
    def changed_rows(self) -> tuple[int, ...]:
        """Rows of a group that anything is done to. An edited prompt equal to the source and weighted no differently
        would only be given what it has; left alone, its picture is the source's to the last bit."""
        if not self.alignments:
            return (0,) if self._scaled(0) else ()
        rows = enumerate(self.alignments, 1)
        return tuple(row for row, one in rows if one.edited.text != self.source.text or self._scaled(row))

    def _scaled(self, row: int) -> bool:
        return any(bool((weight.scales[row] != 1).any()) for weight in self.weights)
