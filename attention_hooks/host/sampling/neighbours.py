"""Who else is on a MODEL: names of other packs' patches, for sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from comfy.patcher_extension import WrappersMP
from torch import nn

OURS = __name__.split(".attention_hooks")[0]
"""However ComfyUI named the pack."""
AROUND_THE_NETWORK = (WrappersMP.APPLY_MODEL, WrappersMP.DIFFUSION_MODEL)


def foreign_patches(model_options: dict[str, Any]) -> str:
    """What other packs do to the layers of a pass, by name."""
    names = [name_of(patch) for patch in _patches(model_options) if not _is_ours(patch)]
    return ", ".join(dict.fromkeys(names)) or "none that ComfyUI knows of; a layer itself may have been changed"


def swapped_forwards(network: nn.Module) -> str:
    """Layers whose forward is not their class's own: ComfyUI's object patches, and what others set by hand."""
    return ", ".join(name or "the network" for name, layer in network.named_modules() if is_swapped(layer))


def is_swapped(layer: nn.Module) -> bool:
    """ComfyUI itself puts a layer's own forward back as an attribute."""
    forward = vars(layer).get("forward")
    own = getattr(forward, "__func__", None) is type(layer).forward
    return forward is not None and not own and not _is_ours(forward)


def _patches(model_options: dict[str, Any]) -> Iterator[Any]:
    options = model_options.get("transformer_options", {})
    for patches in options.get("patches", {}).values():
        yield from patches
    for replaced in options.get("patches_replace", {}).values():
        yield from replaced.values()
    for kind in AROUND_THE_NETWORK:
        yield from _flat(options.get("wrappers", {}).get(kind, {}).values())
    if "model_function_wrapper" in model_options:
        yield model_options["model_function_wrapper"]


def _flat(lists: Iterable[Iterable[Any]]) -> Iterator[Any]:
    for one in lists:
        yield from one


def _source(patch: Any) -> Any:
    patch = patch.func if isinstance(patch, partial) else patch
    return patch if hasattr(patch, "__qualname__") else type(patch)


def _is_ours(patch: Any) -> bool:
    return f"{_source(patch).__module__}.".startswith(f"{OURS}.")


def name_of(patch: Any) -> str:
    """Where another pack's function comes from, for a person."""
    source = _source(patch)
    return f"{source.__module__}.{source.__qualname__}"
