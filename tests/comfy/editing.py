"""What the Prompt-to-Prompt tests share: hand-made prompts, edits of them, and groups of equal noise."""

from __future__ import annotations

from dataclasses import replace

import torch
from engine import HW, prompt, sample
from pack.attention_hooks.edits.local_blend import LocalBlend
from pack.attention_hooks.edits.prompt_edit import PromptEdit
from pack.attention_hooks.edits.refine import Refine
from pack.attention_hooks.edits.reweight import Reweight
from pack.attention_hooks.edits.self_attention import SelfInjection
from pack.attention_hooks.edits.windows import TokenWindows, Window
from pack.attention_hooks.edits.word_swap import WordSwap
from pack.attention_hooks.host.conditioning.marks import tag_edit
from pack.attention_hooks.host.install import with_edit
from pack.prompts.alignment import align, token_map
from pack.prompts.types import ParsedPrompt
from tiny import conditioning


def swapped(*positions: int, length: int = 77) -> ParsedPrompt:
    """The prompt w1…w8 with other words at these positions."""
    base = prompt(length=length)
    words = tuple(replace(w, text=f"v{i}") if i in positions else w for i, w in enumerate(base.words, 1))
    return replace(base, text=" ".join(w.text for w in words), words=words)


def pair(*edited: ParsedPrompt, length: int = 77) -> PromptEdit:
    """Encode Edit's EDIT of w1…w8 and these; one edit with another word at 2 when none is given."""
    source = prompt(length=length)
    return PromptEdit(source, tuple(align(source, one) for one in edited or (swapped(2, length=length),)), length)


def swap(edit: PromptEdit, until: float = 0.8, self_until: float = 0.4, swaps: bool = True) -> PromptEdit:
    maps = torch.stack([token_map(alignment, edit.length, swaps) for alignment in edit.alignments])
    windows = TokenWindows.of(len(edit.alignments), edit.length, Window(0.0, until))
    own = SelfInjection(Window(0.0, self_until))
    return replace(
        edit,
        injections=(*edit.injections, (WordSwap if swaps else Refine)(maps, windows)),
        self_attention=(*edit.self_attention, own),
    )


def weighted(edit: PromptEdit, value: float, token: int = 2, until: float = 0.8) -> PromptEdit:
    scales = torch.ones(len(edit.prompts), edit.length)
    scales[min(1, len(edit.alignments)) :, token] = value
    return replace(edit, weights=(*edit.weights, Reweight(scales, Window(0.0, until))))


def edit_positive(edit: PromptEdit, **options) -> list:
    """Each row another random embedding."""
    return tag_edit(conditioning(edit.length, rows=len(edit.prompts), **options), edit)


def noise(edit: PromptEdit, sources: int = 1, hw: tuple[int, int] = HW, channels: int = 4) -> torch.Tensor:
    """[sources*prompts channels *hw], the same for all rows of a group."""
    drawn = torch.randn(sources, channels, *hw, generator=torch.Generator().manual_seed(0))
    return drawn.repeat_interleave(len(edit.prompts), 0)


def sample_edit(model, edit: PromptEdit, sources: int = 1, hw: tuple[int, int] = HW, pos=None, **options):
    """Sources and edits through the stock sampler; `model` as it is, the edit not on it."""
    pos = edit_positive(edit) if pos is None else pos
    return sample(model, hw=hw, pos=pos, start_noise=noise(edit, sources, hw), **options)


def both(model, edit: PromptEdit, **options) -> tuple[torch.Tensor, torch.Tensor]:
    """(plain, edited) of the same batch."""
    return sample_edit(model, edit, **options), sample_edit(with_edit(model, edit), edit, **options)


def differ(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().max() / a.abs().max())


def blending(edit: PromptEdit, start: float = 0.2, threshold: float = 0.3) -> PromptEdit:
    """At the word of token 2."""
    words = torch.zeros(len(edit.prompts), edit.length)
    words[:, 2] = 1
    return replace(edit, blend=LocalBlend(words, torch.zeros_like(words), threshold, 0.3, Window(start)))
