"""What an adapter answers about its kind of network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import torch.nn as nn

from ....capture.sites import ModelSite
from ....types import AttentionSite
from ..edited_attention import Edits
from ..recorder import Recorder

Options = dict[str, Any]
"""`transformer_options` of one run, one pass or one call."""


class Family(ABC):
    """Where the cross-attention of a kind of network is, how it is read and how it is edited."""

    NAME: ClassVar[str]
    """As users call these models."""
    EDITS_SELF_ATTENTION: ClassVar[bool] = False
    """Whether `edit` can do anything with `keeping`."""
    UNLIKE_LENGTHS: ClassVar[bool] = True
    """Whether prompts of unlike lengths can be rows of one batch, the shorter one laid several times in a row."""

    @abstractmethod
    def matches(self, network: nn.Module) -> bool: ...

    @abstractmethod
    def sites(self, network: Any) -> list[ModelSite]:
        """In the order the forward pass meets them."""

    @abstractmethod
    def attention(self, network: Any, site: AttentionSite) -> nn.Module:
        """The module at work there."""

    @abstractmethod
    def attach(self, network: Any, recorder: Recorder, transformer_options: Options) -> None:
        """Let `recorder` read every model call made with these options, which belong to one run or one pass. Nothing
        may stay on the network itself between calls."""

    @abstractmethod
    def edit(self, network: Any, crossing: Edits, keeping: Edits, transformer_options: Options) -> None:
        """Edit the cross-attention (`crossing`) and the self-attention (`keeping`) of the one model call that is made
        with these options."""

    def differentiable(self) -> AbstractContextManager[object]:
        """Around a gradient pass: what this kind of network needs beside layers that save no weight."""
        return nullcontext()


class TransformerFamily(Family):
    """A row of alike blocks, all at one size: what transformers have in common."""

    NETWORK: ClassVar[type[nn.Module]]
    """ComfyUI's class."""
    BLOCK: ClassVar[str]
    """How a block is called in an address, for example "joint" in "joint.9.0"."""

    @abstractmethod
    def layers(self, network: Any) -> Sequence[nn.Module]:
        """The modules that are read, in forward order."""

    @abstractmethod
    def heads(self, network: Any) -> int: ...

    def patch(self, network: Any) -> int:
        """Latent pixels per token, per side."""
        return network.patch_size

    def matches(self, network: nn.Module) -> bool:
        return isinstance(network, self.NETWORK)

    def sites(self, network: Any) -> list[ModelSite]:
        patch, heads = self.patch(network), self.heads(network)
        return [ModelSite(self.site(number), patch, heads) for number in range(len(self.layers(network)))]

    def attention(self, network: Any, site: AttentionSite) -> nn.Module:
        return self.layers(network)[site.number]

    def site(self, number: int) -> AttentionSite:
        return AttentionSite(self.BLOCK, number)
