"""Networks whose attention is reached by ComfyUI's override of the attention function: joint attention of text and
picture, and cross-attention that goes through that function. What differs is where they lie in the sequence.

Read are the rows of the picture over the columns of the text, with the softmax over the text alone: how a place shares
out among the words what it gives to the text. So the maps mean what they mean in a UNet; over all columns, thousands of
picture tokens would hold most of the mass.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import comfy.model_management
from torch import Tensor

from .....errors import PromptUnderstandingError
from ....capture.probabilities import joint_probs
from ....types import AttentionSite
from ..attention_call import OVERRIDE, AttentionCall, Override, require_override
from ..edited_attention import Edits
from ..layer_call import positive_rows
from ..recorder import Recorder
from .calls import around_each_call
from .family import Options, TransformerFamily


@dataclass(frozen=True)
class Layout:
    """Of one attention that is read: where text and picture lie."""

    text: slice
    """The tokens of the CONDITIONING among the keys, without what the network adds to them."""
    picture: slice
    """The places of the picture among the queries, row by row."""
    hw: tuple[int, int]
    queries: int
    keys: int

    def holds(self, call: AttentionCall) -> bool:
        """Whether this is such an attention, and not a refiner's or one of the picture alone. Where reference pictures
        stand behind, the network says how long they are."""
        references = sum(call.keywords.get("transformer_options", {}).get("reference_image_num_tokens", ()))
        return (call.queries, call.keys) == (self.queries + references, self.keys + references)


def joint(first: int, text: int, hw: tuple[int, int], padded: int | None = None, behind: int = 0) -> Layout:
    """One sequence: `first` tokens, those of the text (filled up to `padded`), the picture, `behind` more."""
    start, places = first + (text if padded is None else padded), hw[0] * hw[1]
    length = start + places + behind
    return Layout(slice(first, first + text), slice(start, start + places), hw, length, length)


class OverrideFamily(TransformerFamily):
    """30 lines of data make a family of it: NAME, NETWORK, BLOCK, `layers`, `heads`, `layout`."""

    @abstractmethod
    def layout(self, network: Any, x: Tensor, context: Tensor) -> Layout:
        """x [batch C H W] and context [batch tokens channels] of one model call."""

    def number(self, call: AttentionCall, counted: int) -> int:
        """Which layer is at work: `counted` such attentions came before in this model call."""
        return counted

    def attach(self, network: Any, recorder: Recorder, transformer_options: Options) -> None:
        def reader(options: Options, layout: Layout) -> FamilyOverride:
            return Reader(self, network, options, layout, recorder)

        self._override(network, reader, transformer_options)

    def edit(self, network: Any, crossing: Edits, keeping: Edits, transformer_options: Options) -> None:
        def editor(options: Options, layout: Layout) -> FamilyOverride:
            return Editor(self, network, options, layout, crossing)

        self._override(network, editor, transformer_options)

    def _override(
        self, network: Any, make: Callable[[Options, Layout], FamilyOverride], transformer_options: Options
    ) -> None:
        require_override()

        @contextmanager
        def calls(x: Tensor, context: Tensor, options: Options) -> Iterator[Options]:
            override = make(options, self.layout(network, x, context))
            yield {**options, OVERRIDE: override}
            override.check()

        around_each_call(transformer_options, calls)


class RotatedFamily(OverrideFamily):
    """Text and picture are told apart by rotations, which number their places (Su et al., 2021)."""

    UNLIKE_LENGTHS = False

    def number(self, call: AttentionCall, counted: int) -> int:
        """The network says it, in newer ComfyUI."""
        return call.keywords.get("transformer_options", {}).get("block_index", counted)

    @contextmanager
    def differentiable(self) -> Iterator[None]:
        """The fused norms and rotations have no backward; ComfyUI leaves them out while it trains."""
        before = comfy.model_management.in_training
        comfy.model_management.in_training = True
        try:
            yield
        finally:
            comfy.model_management.in_training = before


class FamilyOverride(Override):
    """For one model call. Most networks do not say which layer is at work, so the attentions that fit are counted."""

    def __init__(self, family: OverrideFamily, network: Any, options: Options, layout: Layout) -> None:
        super().__init__(options)
        self.options, self.layout, self._family, self._network = options, layout, family, network
        self._counted = 0
        self._others: set[int] = set()

    def attend(self, call: AttentionCall) -> Tensor:
        if not self.layout.holds(call):
            self._others.add(call.keys)
            return self.go_on(call)
        site = self._family.site(self._family.number(call, self._counted))
        self._counted += 1
        self.before(site, call)
        out = self.go_on(call, self._family.attention(self._network, site))
        return self.after(site, call, out)

    def before(self, site: AttentionSite, call: AttentionCall) -> None: ...

    def after(self, site: AttentionSite, call: AttentionCall, out: Tensor) -> Tensor:
        return out

    def check(self) -> None:
        """A call that met no attention at all is one that a cache has skipped; one that met others was misread."""
        if self._others and not self._counted:
            text, hw = self.layout.text, self.layout.hw
            raise PromptUnderstandingError(
                f"In a {self._family.NAME} model, attention over {self.layout.keys} tokens was expected: "
                f"{text.stop - text.start} of the text and {hw[0]} x {hw[1]} places of the picture among them. Met was "
                f"attention over {', '.join(map(str, sorted(self._others)))}, so no word can be found in it. A node "
                "adds tokens (a reference picture, a style) or another pack has changed the network: take it off this "
                "MODEL, or go without the nodes of Prompt Understanding."
            )


class Reader(FamilyOverride):
    def __init__(
        self, family: OverrideFamily, network: Any, options: Options, layout: Layout, recorder: Recorder
    ) -> None:
        super().__init__(family, network, options, layout)
        self._recorder = recorder

    def before(self, site: AttentionSite, call: AttentionCall) -> None:
        layout = self.layout

        def project(rows: slice) -> tuple[Tensor, Tensor, int]:
            return call.q_of(rows, layout.picture), call.k_of(rows, layout.text), call.heads

        if self._recorder.reads(site):
            self._recorder.read(site, call.rows, project, layout.hw, self.options)


class Editor(FamilyOverride):
    """Edits what the picture gives to the text, out of everything it attends to; what it gives to itself stays."""

    def __init__(self, family: OverrideFamily, network: Any, options: Options, layout: Layout, edits: Edits) -> None:
        super().__init__(family, network, options, layout)
        self._edits = edits

    def after(self, site: AttentionSite, call: AttentionCall, out: Tensor) -> Tensor:
        edited, layout = self._edits.get(site), self.layout
        if edited is None:
            return out
        if self.previous is not None:
            out = out.clone()
        for uuid, rows in positive_rows(call.rows, self.options):
            if uuid in edited.rows.lengths:
                probs = joint_probs(call.q_of(rows, layout.picture), call.k_of(rows), call.heads, layout.text)
                change = edited.added(probs, call.v_of(rows, layout.text), uuid, layout.hw, self.options)
                if change is not None:
                    call.add(out, rows, layout.picture, change)
        return out
