"""Reads cross-attention where it happens. How each family's attention is reached is in `families/`; a UNet's is by one
more `attn2_patch`: patches of that kind are a list, so nothing is displaced, and they run also where another pack has
replaced the attention itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from torch import Tensor, nn

from ...capture.probabilities import attention_probs, fold_repeats
from ...types import AttentionSite
from .layer_call import check_keys, check_places, check_tokens, positive_rows


class Sink(Protocol):
    def record(self, site: AttentionSite, probs: Tensor, hw: tuple[int, int]) -> None: ...


@dataclass(frozen=True)
class Listener:
    """One reader: which sites it wants, from which conditioning entries."""

    sites: frozenset[AttentionSite]
    lengths: Mapping[UUID, int]
    """Conditioning entry -> its true token count, before ComfyUI repeats it to match a longer prompt."""
    sink: Sink | None = None
    """None: what the layers are given is to be checked, and that is all."""


class StopForward(BaseException):
    """The last site has been read. A BaseException, so that another pack's `except Exception` cannot swallow it."""


Project = Callable[[slice], tuple[Tensor, Tensor, int]]
"""Rows of the batch -> q [rows hw heads*d] of the picture, k [rows tokens heads*d] of the text, number of heads."""


class Recorder:
    """Hands the probabilities of the positive prompt's rows to its listeners; called itself, it is the UNet's
    `attn2_patch(n, context, value, extra_options)` and leaves all three as they are."""

    def __init__(
        self,
        modules: Mapping[AttentionSite, nn.Module],
        listeners: Sequence[Listener],
        stop_after: AttentionSite | None = None,
        edited: Callable[[UUID, Tensor], Tensor] = lambda uuid, probs: probs,
    ) -> None:
        """`edited` is what later patches make of an entry's probabilities [rows heads hw tokens]."""
        self._modules = modules
        self._listeners = listeners
        self._stop_after = stop_after
        self.reached = False
        """Whether any layer has been met: what answers in the network's place keeps us from all of them."""
        self._edited = edited

    def __call__(
        self, n: Tensor, context: Tensor, value: Tensor, options: dict[str, Any]
    ) -> tuple[Tensor, Tensor, Tensor]:
        site = AttentionSite(*options["block"], options.get("block_index", 0))
        if context is not None and self.reads(site):
            module: Any = self._modules[site]

            def project(rows: slice) -> tuple[Tensor, Tensor, int]:
                return module.to_q(n[rows]), module.to_k(context[rows]), module.heads

            height, width = options["activations_shape"][2:]
            self.read(site, n.shape[0], project, (height, width), options)
        return n, context, value

    @property
    def modules(self) -> Mapping[AttentionSite, nn.Module]:
        return self._modules

    def reads(self, site: AttentionSite) -> bool:
        return site in self._modules

    def read(
        self, site: AttentionSite, batch: int, project: Project, hw: tuple[int, int], options: dict[str, Any]
    ) -> None:
        """One site of one model call of `batch` rows. Raises StopForward when it was the last that is wanted."""
        self.reached = True
        for uuid, rows in positive_rows(batch, options):
            wanted = [x for x in self._listeners if site in x.sites and uuid in x.lengths]
            if not wanted:
                continue
            q, k, heads = project(rows)
            length = wanted[0].lengths[uuid]
            check_places(q, hw, options)
            check_keys(q, k, options)
            check_tokens(k.shape[-2], length, options)
            sinks = [listener.sink for listener in wanted if listener.sink is not None]
            if sinks:
                probs = self._edited(uuid, fold_repeats(attention_probs(q, k, heads), length))
            for sink in sinks:
                sink.record(site, probs, hw)
        if site == self._stop_after:
            raise StopForward
