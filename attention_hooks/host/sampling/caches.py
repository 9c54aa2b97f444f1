"""What answers in the network's place where little has changed: ComfyUI's EasyCache and LazyCache.

Passes of our own count on being made, and would be taken for the sampler's next step.
"""

from __future__ import annotations

from typing import Any

KEYS = ("easycache", "lazycache")


def drop_caches(wrappers: dict[str, dict[str, list[Any]]]) -> None:
    """Takes them out of `wrappers`: kind -> key -> functions, as ComfyUI keeps them on a MODEL and in options."""
    for keyed in wrappers.values():
        for key in KEYS:
            keyed.pop(key, None)
