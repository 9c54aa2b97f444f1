"""What an interrupted run of a long job had finished, kept until the same job is queued again.

The one thing of ours that outlives a run on purpose. It is keyed by content, holds small tensors only, keeps no model
alive, and is dropped when the job is done.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Hashable
from typing import Any

import torch
from torch import Tensor

MOST = 4
"""Unfinished jobs that are remembered; the oldest is forgotten first."""


class Unfinished:
    """Jobs by content -> the results of their finished steps."""

    def __init__(self) -> None:
        self._jobs: dict[Hashable, list[Any]] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def steps_of(self, key: Hashable) -> list[Any]:
        """What an interrupted run of this job had finished, or an empty list. The job appends to it as it goes on."""
        steps = self._jobs.pop(key, [])
        self._jobs[key] = steps
        while len(self._jobs) > MOST:
            self._jobs.pop(next(iter(self._jobs)))
        return steps

    def done(self, key: Hashable) -> None:
        self._jobs.pop(key, None)


def content_of(value: Any) -> Hashable:
    """Equal for equal content. Objects without content of their own (a MODEL, a ControlNet) are equal only to
    themselves, and are not kept alive."""
    if isinstance(value, Tensor):
        data = value.detach().to("cpu", torch.float32).contiguous().numpy().tobytes()
        return tuple(value.shape), hashlib.sha256(data).hexdigest()
    if isinstance(value, dict):
        return tuple((key, content_of(value[key])) for key in sorted(value, key=str))
    if isinstance(value, (list, tuple)):
        return tuple(map(content_of, value))
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return weakref.ref(value)
