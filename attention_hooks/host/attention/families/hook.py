"""Cross-attention that ComfyUI offers no patch for: read and edited by hooks on its modules that live for one model
call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor
from torch.utils.hooks import RemovableHandle

from ....capture.probabilities import attention_probs, split_heads
from ....types import AttentionSite
from ..edited_attention import EditedAttention, Edits
from ..layer_call import positive_rows
from ..recorder import Recorder
from .calls import around_each_call
from .family import Options, TransformerFamily

Hook = Callable[[AttentionSite, Any, tuple[int, int], Options], RemovableHandle]


class HookFamily(TransformerFamily):
    """A family says how its attention module is given its inputs and what its projections are called."""

    @abstractmethod
    def inputs(self, args: tuple[Any, ...]) -> tuple[Tensor, Tensor]:
        """[batch hw channels] of the picture, [batch tokens channels] of the text."""

    @abstractmethod
    def queries(self, module: Any, x: Tensor) -> Tensor: ...

    @abstractmethod
    def keys_values(self, module: Any, text: Tensor) -> tuple[Tensor, Tensor]: ...

    @abstractmethod
    def projected(self, module: Any, change: Tensor) -> Tensor:
        """What a change of what the layer attends to adds to its output."""

    def attach(self, network: Any, recorder: Recorder, transformer_options: Options) -> None:
        def hook(site: AttentionSite, module: Any, hw: tuple[int, int], options: Options) -> RemovableHandle:
            return module.register_forward_pre_hook(self._reader(recorder, site, hw, options))

        self._around(network, hook, lambda: recorder.modules, transformer_options)

    def edit(self, network: Any, crossing: Edits, keeping: Edits, transformer_options: Options) -> None:
        def hook(site: AttentionSite, module: Any, hw: tuple[int, int], options: Options) -> RemovableHandle:
            return module.register_forward_hook(self._editor(crossing[site], hw, options))

        self._around(network, hook, lambda: crossing, transformer_options)

    def _around(
        self, network: Any, hook: Hook, sites_now: Callable[[], Iterable[AttentionSite]], transformer_options: Options
    ) -> None:
        """Hooks at these sites for the length of each model call."""

        @contextmanager
        def calls(x: Tensor, context: Tensor, options: Options) -> Iterator[Options]:
            height, width = (side // self.patch(network) for side in x.shape[-2:])
            with ExitStack() as stack:
                for site in sites_now():
                    stack.callback(hook(site, self.attention(network, site), (height, width), options).remove)
                yield options

        around_each_call(transformer_options, calls)

    def _reader(
        self, recorder: Recorder, site: AttentionSite, hw: tuple[int, int], options: Options
    ) -> Callable[..., None]:
        def read(module: Any, args: tuple[Any, ...]) -> None:
            x, text = self.inputs(args)

            def project(rows: slice) -> tuple[Tensor, Tensor, int]:
                return self.queries(module, x[rows]), self.keys_values(module, text[rows])[0], module.num_heads

            recorder.read(site, x.shape[0], project, hw, options)

        return read

    def _editor(self, edited: EditedAttention, hw: tuple[int, int], options: Options) -> Callable[..., Tensor]:
        def edit_output(module: Any, args: tuple[Any, ...], out: Tensor) -> Tensor:
            x, text = self.inputs(args)
            for uuid, rows in positive_rows(x.shape[0], options):
                if uuid in edited.rows.lengths:
                    keys, values = self.keys_values(module, text[rows])
                    probs = attention_probs(self.queries(module, x[rows]), keys, module.num_heads)
                    change = edited.added(probs, split_heads(values, module.num_heads), uuid, hw, options)
                    if change is not None:
                        out = out.clone()
                        out[rows] += self.projected(module, change.to(out.dtype))
            return out

        return edit_output
