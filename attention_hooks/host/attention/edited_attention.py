"""Cross- and self-attention whose probabilities an edit may change. How it gets into the network is in `families/`; for
a UNet it is an `attn2_replace` or `attn1_replace` patch.

Installed for single model calls and only where an edit acts, so everywhere else ComfyUI's own path runs. All rows go
through the usual fused attention first; then the edited rows, and no others, are computed from their probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import comfy.ldm.modules.attention as comfy_attention
from torch import Tensor, nn

from ...capture.probabilities import attention_probs, fold_repeats, split_heads
from ...edits.prompt_edit import Edit
from ...types import AttentionSite
from .attention_call import OVERRIDE, preferred_attention
from .layer_call import check_forward, check_keys, check_places, check_tokens, positive_rows

Attention = Callable[[Tensor, Tensor, Tensor, dict[str, Any]], Tensor]
"""ComfyUI's replace patch: (q, k, v [rows n heads*d], options) -> [rows n heads*d]."""


class Reader(Protocol):
    def read(self, site: AttentionSite, probs: Tensor, hw: tuple[int, int]) -> None:
        """probs [groups prompts heads hw tokens], edited."""
        ...


@dataclass(frozen=True)
class Rows:
    """Which rows of a batch belong to an edit."""

    prompts: int
    """Rows of a group: the source and its edits."""
    changed: tuple[int, ...]
    """Those of a group that are written."""
    lengths: Mapping[UUID, int]
    """Positive entries of the edit -> their true token count, before ComfyUI repeats it to match a longer prompt."""


@dataclass(frozen=True)
class EditedAttention:
    """One site, for the model calls at one noise level."""

    site: AttentionSite
    rows: Rows
    edits: Sequence[Edit]
    progress: float
    earlier: Attention | None = None
    """Another pack's patch at this site: called through, and what the edit changes is added to what it gives."""
    reader: Reader | None = None
    over_text: bool = True
    """Cross-attention: the tokens are those of the prompts."""
    layer: nn.Module | None = None
    """What is replaced, where it is."""

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, options: dict[str, Any]) -> Tensor:
        check_forward(self.layer, options)
        check_keys(q, k, options)
        attention = self.earlier or self._plain
        out = attention(q, k, v, options)
        if self._foreign(options):
            out = out.clone()
        for uuid, rows in positive_rows(q.shape[0], options):
            if uuid in self.rows.lengths:
                length = self.rows.lengths[uuid] if self.over_text else k.shape[1]
                self._edit(out[rows], q[rows], k[rows], v[rows], length, options)
        return out

    def _edit(self, out: Tensor, q: Tensor, k: Tensor, v: Tensor, length: int, options: dict[str, Any]) -> None:
        """Writes into `out` [rows hw heads*d], a view of the layer's output."""
        heads, hw = options["n_heads"], tuple(options["activations_shape"][2:])
        check_places(q, hw, options)
        check_tokens(k.shape[1], length, options)
        own = fold_repeats(attention_probs(q, k, heads), length).unflatten(0, (-1, self.rows.prompts))
        edited = self._edited(own, hw)
        if edited is own:
            return
        values = split_heads(v[:, :length], heads).unflatten(0, (-1, self.rows.prompts))
        grouped = out.unflatten(0, (-1, self.rows.prompts))
        foreign = self._foreign(options)
        for row in self.rows.changed:
            attended = edited[:, row] @ values[:, row]
            if foreign:
                attended = attended - own[:, row] @ values[:, row]
            attended = attended.transpose(1, 2).flatten(2).to(out.dtype)
            grouped[:, row] = grouped[:, row] + attended if foreign else attended

    def added(
        self, probs: Tensor, values: Tensor, uuid: UUID, hw: tuple[int, int], options: dict[str, Any]
    ) -> Tensor | None:
        """For networks whose attention cannot be replaced: what the edit adds to what a layer attends to.

        probs [rows heads hw tokens], values [rows heads tokens d] -> [rows hw heads*d], zeros where nothing is edited;
        None where nothing is edited at all.
        """
        length = self.rows.lengths[uuid]
        check_tokens(probs.shape[-1], length, options)
        own = fold_repeats(probs, length).unflatten(0, (-1, self.rows.prompts))
        edited = self._edited(own, hw)
        if edited is own:
            return None
        values = values[:, :, :length].unflatten(0, (-1, self.rows.prompts))
        change = values.new_zeros(*own.shape[:-1], values.shape[-1])
        for row in self.rows.changed:
            change[:, row] = (edited[:, row] - own[:, row]) @ values[:, row]
        return change.flatten(0, 1).transpose(1, 2).flatten(2)

    def _edited(self, own: Tensor, hw: tuple[int, int]) -> Tensor:
        """[groups prompts heads hw tokens]; the same object where nothing acts."""
        edited = own
        for edit in self.edits:
            edited = edit(edited, self.progress)
        if self.reader is not None:
            self.reader.read(self.site, edited, hw)
        return edited

    def _plain(self, q: Tensor, k: Tensor, v: Tensor, options: dict[str, Any]) -> Tensor:
        """What the layer itself would do. Another pack's override of the attention is in `options` and runs."""
        preferred = None if self.layer is None else preferred_attention(self.layer)
        # An older host does not know the name, and would hand it to other packs' overrides.
        asked = {} if preferred is None else {"preferred_attention": preferred}
        return comfy_attention.optimized_attention(
            q, k, v, options["n_heads"], attn_precision=options["attn_precision"], transformer_options=options, **asked
        )

    def _foreign(self, options: dict[str, Any]) -> bool:
        return self.earlier is not None or OVERRIDE in options


Edits = Mapping[AttentionSite, EditedAttention]
