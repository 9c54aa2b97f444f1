"""One run of Prompt-to-Prompt: puts the edits into the model calls they act on, and the pictures together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import torch
from torch import Tensor

from ....errors import PromptUnderstandingError
from ....prompts.alignment import carried_over
from ....prompts.types import ParsedPrompt
from ...capture.record import RunRecord
from ...capture.sites import DEPTHS, ModelSite, one_size
from ...capture.sizes import of_one_size
from ...edits.local_blend import blended
from ...edits.prompt_edit import Edit, PromptEdit
from ...edits.self_attention import SelfInjection
from ...types import AttentionSite
from ..attention.edited_attention import EditedAttention, Rows
from ..attention.families import family_of
from ..conditioning.marks import EDIT_KEY, TEXT_KEY
from ..conditioning.prompt_entries import Entry
from ..sampling.part import Part, Parts, Reads, RunStart, StepOpening
from ..sampling.passes import pass_of
from ..sampling.progress import progress_of

BLEND_SITES = "quarter"
SAME = 1e-5
"""Difference between two rows' noise that is still the same noise (it may have been through half precision)."""


def edit_part(start: RunStart, earlier: Parts) -> EditRun | None:
    edit = start.settings.edit
    return EditRun(edit, start.model, start.positive, start.noise) if edit else None


class EditRun(Part):
    """State of one run: what blending has read so far."""

    def __init__(self, edit: PromptEdit, model: Any, positive: Sequence[Entry], noise: Tensor) -> None:
        self._edit = edit
        self.prompts = self.alike = len(edit.prompts)
        """Rows of a group: the source and its edits."""
        self._check_batch(noise)
        entries = _entries_of(edit, positive)
        lengths = {entry["uuid"]: entry["cross_attn"].shape[1] for entry in entries}
        self._rows = Rows(self.prompts, edit.changed_rows, lengths)
        self._model_sampling = model.model_sampling
        self._family, self._network = family_of(model), model.diffusion_model
        self._sites = self._family.sites(self._network)
        self.reads = (Reads(frozenset(entry.site for entry in self._sites), lengths),)
        self._check_self_attention(model)
        self._check_lengths()
        self._progress_of: dict[float, float] = {}
        self._progress = 0.0
        self._heat: dict[tuple[int, int], Tensor] = {}
        self._opened, self._saw_the_picture, self._neighbours = False, False, ""
        self.mask: Tensor | None = None
        """[rows H W] bool, the last one: where each picture may differ from its source's."""

    # --- attention ---

    def pass_options(self, model_options: dict[str, Any], level: float, opens_step: bool) -> dict[str, Any]:
        """For one pass, with our patches in them where something acts. Another node's pass is edited as well: what it
        has changed in the layers for it lies below."""
        self._progress = self._progress_at(level)
        self._saw_the_picture |= opens_step
        self._neighbours = pass_of(model_options["transformer_options"]).neighbours
        cross = self._acting(self._edit.cross_edits)
        injections = self._acting(self._edit.self_attention)
        reads = self._edit.blend is not None and opens_step
        if not (cross or injections or reads):
            return model_options
        crossing, keeping = {}, {}
        for entry in self._sites:
            reader = self if reads and self._blends_by(entry) else None
            small = [edit for edit in injections if _small_enough(entry, edit)]
            if cross or reader:
                crossing[entry.site] = self._at(entry.site, cross, reader=reader)
            if small:
                keeping[entry.site] = self._at(entry.site, small, over_text=False)
        self._family.edit(self._network, crossing, keeping, model_options["transformer_options"])
        return model_options

    def edited(self, uuid: UUID, probs: Tensor) -> Tensor:
        """probs [rows heads hw tokens] of one layer in the model call under way -> what the edits make of them."""
        if uuid not in self._rows.lengths:
            return probs
        grouped = probs.unflatten(0, (-1, self.prompts))
        for edit in self._acting(self._edit.cross_edits):
            grouped = edit(grouped, self._progress)
        return grouped.flatten(0, 1)

    def _acting(self, edits: Sequence[Any]) -> list[Any]:
        return [edit for edit in edits if self._rows.changed and edit.acts_at(self._progress)]

    def _at(self, site: AttentionSite, edits: Sequence[Edit], **options: Any) -> EditedAttention:
        return EditedAttention(site, self._rows, edits, self._progress, **options)

    def _blends_by(self, entry: ModelSite) -> bool:
        return one_size(self._sites) or entry.down == DEPTHS[BLEND_SITES]

    def _progress_at(self, sigma: float) -> float:
        if sigma not in self._progress_of:
            self._progress_of[sigma] = progress_of(self._model_sampling, sigma)
        return self._progress_of[sigma]

    def prompt_of(self, prompt: ParsedPrompt, image: int) -> ParsedPrompt:
        """`prompt` of a guidance node as it is to be read in the maps of one picture of the batch."""
        row = image % self.prompts
        if row == 0 or prompt.fingerprint != self._edit.source.fingerprint:
            return prompt
        return carried_over(prompt, self._edit.alignments[row - 1])

    # --- pictures ---

    def read(self, site: AttentionSite, probs: Tensor, hw: tuple[int, int]) -> None:
        """From a layer: adds to the heat of the words that blending asks for. Nothing else is kept of the maps."""
        heat = self._edit.blend.heat(probs).unflatten(-1, hw)
        self._heat[hw] = self._heat[hw] + heat if hw in self._heat else heat

    def open_step(self, x: Tensor, opening: StepOpening) -> Tensor | None:
        if self._opened and not self._saw_the_picture and self._edit.blend is not None:
            raise PromptUnderstandingError(
                "Local Blend finds its place in the whole picture, and this MODEL was called for parts of it only, by "
                f"a patch of another node pack. The patches on this MODEL are: {self._neighbours}. Remove what samples "
                "in windows or tiles, or edit without Local Blend."
            )
        self._opened = True
        return self.blend(x, opening.level)

    def finish(self, samples: Tensor, level: float, record: RunRecord) -> Tensor | None:
        blended = self.blend(samples, level)
        record.blend_mask = None if self.mask is None else self.mask.float().cpu()
        return blended

    def blend(self, x: Tensor, sigma: float) -> Tensor | None:
        """x [rows C H W] at noise level `sigma` with the source put in wherever an edit may not change it; None where
        nothing is to be done."""
        blend = self._edit.blend
        if blend is None or not self._heat or not blend.window.holds(self._progress_at(sigma)):
            return None
        mask = blend.mask(self._total_heat(), (x.shape[-2], x.shape[-1]))
        self.mask = mask.flatten(0, 1)
        return blended(x.unflatten(0, (-1, self.prompts)), mask).flatten(0, 1)

    def _total_heat(self) -> Tensor:
        """[groups prompts 2 height width]; sites of different sizes are brought to the largest."""
        return torch.stack(of_one_size(list(self._heat.values()))).sum(0)

    # --- checks ---

    def _check_self_attention(self, model: Any) -> None:
        wanted = any(injection.window.until > 0 for injection in self._edit.self_attention)
        if wanted and not self._family.EDITS_SELF_ATTENTION:
            raise PromptUnderstandingError(
                f"The edit is to keep outlines by self-attention, which this pack cannot reach in a "
                f"{type(model).__name__} model. Set 'self_until' of Word Swap, Refine or Re-weight to 0; the attention "
                "to the words is edited all the same."
            )

    def _check_lengths(self) -> None:
        lengths = [prompt.length for prompt in self._edit.prompts]
        if not self._family.UNLIKE_LENGTHS and len(set(lengths)) > 1:
            raise PromptUnderstandingError(
                f"The source and its edits have {', '.join(map(str, lengths))} tokens, but a {self._family.NAME} model "
                "numbers the places of text and picture, so in one batch all need as many. Write "
                "edits with as many words as the source, or use the report of Encode Edit to see where they differ."
            )

    def _check_batch(self, noise: Tensor) -> None:
        if len(noise) % self.prompts:
            raise PromptUnderstandingError(
                f"The edit has {self.prompts} prompts (the source and {self.prompts - 1} edited), so pictures come in "
                f"groups of {self.prompts}, but the sampler was given {len(noise)} latents. Put Edit Latent between "
                "the latent and the sampler."
            )
        groups = noise.unflatten(0, (-1, self.prompts))
        if (groups - groups[:, :1]).abs().max() > SAME:
            raise PromptUnderstandingError(
                "The source and its edits were given different noise, so they would be different pictures from the "
                "first step on. Put Edit Latent between the latent and the sampler: it makes the noise the same."
            )


def _entries_of(edit: PromptEdit, positive: Sequence[Entry]) -> list[Entry]:
    own = [entry for entry in positive if entry.get(EDIT_KEY) == edit.fingerprint]
    if not own:
        found = ", ".join(repr(entry.get(TEXT_KEY, "a prompt of another node")) for entry in positive) or "nothing"
        raise PromptUnderstandingError(
            f"Prompt-to-Prompt was set up for the prompt {edit.source.text!r} and its edits, but the sampler's "
            f"positive conditioning is {found}. Connect the CONDITIONING of the same Encode Edit node."
        )
    for entry in own:
        rows, tokens = entry["cross_attn"].shape[:2]
        if rows != len(edit.prompts) or tokens != edit.length:
            raise PromptUnderstandingError(
                f"The conditioning of {edit.source.text!r} and its edits has {rows} rows of {tokens} tokens, but "
                f"Encode Edit made {len(edit.prompts)} of {edit.length}: a node in between has changed it. Connect "
                "Encode Edit to the sampler directly, or through nodes that keep its length, such as Conditioning "
                "Combine."
            )
    return own


def _small_enough(entry: ModelSite, edit: SelfInjection) -> bool:
    return edit.sites == "all" or entry.down >= DEPTHS[edit.sites]
