"""Ratios of running times on a machine that is not ours alone: taken in turns, compared within one round, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch


class Seconds(NamedTuple):
    """Of the clock on the wall, and of all this process's threads: the second is what other programs disturb less."""

    wall: float
    cpu: float

    def __sub__(self, other: Seconds) -> Seconds:  # type: ignore[override]
        return Seconds(self.wall - other.wall, self.cpu - other.cpu)


Task = Callable[[], Mapping[str, Seconds]]
"""Does its work once and returns how long each named part of it took."""


def now() -> Seconds:
    """With the GPU's queue run empty first."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return Seconds(time.perf_counter(), time.process_time())


def timed(name: str, work: Callable[[], object]) -> Task:
    def task() -> Mapping[str, Seconds]:
        started = now()
        work()
        return {name: now() - started}

    return task


@dataclass(frozen=True)
class Ratio:
    """Median of the rounds, the smallest and the largest; `cpu` is the median in CPU seconds."""

    median: float
    low: float
    high: float
    cpu: float

    @staticmethod
    def of(values: Sequence[Seconds]) -> Ratio:
        wall = [value.wall for value in values]
        return Ratio(statistics.median(wall), min(wall), max(wall), statistics.median(value.cpu for value in values))


@dataclass(frozen=True)
class Timings:
    """Everything timed, round by round."""

    seconds: Mapping[str, Sequence[Seconds]]

    def medians(self) -> dict[str, float]:
        return {name: statistics.median(value.wall for value in values) for name, values in self.seconds.items()}

    def ratio(self, over: Mapping[str, float], under: Mapping[str, float]) -> Ratio:
        """Each side is a sum of named times with weights; both sides of a ratio come from the same round."""
        pairs = zip(self._sums(over), self._sums(under), strict=True)
        return Ratio.of([Seconds(top.wall / bottom.wall, top.cpu / bottom.cpu) for top, bottom in pairs])

    def _sums(self, weights: Mapping[str, float]) -> list[Seconds]:
        rounds = zip(*(self.seconds[name] for name in weights), strict=True)
        shares = tuple(weights.values())
        return [Seconds(*(_weighted(shares, clock) for clock in zip(*row, strict=True))) for row in rounds]


def _weighted(shares: Sequence[float], times: Sequence[float]) -> float:
    return sum(share * time for share, time in zip(shares, times, strict=True))


def alternate(tasks: Sequence[Task], rounds: int, say: Callable[[str], None]) -> Timings:
    """Every task once a round. The order turns from round to round, so that a drift of the machine favours nobody."""
    seconds: dict[str, list[Seconds]] = {}
    for number in range(rounds):
        turn = number % len(tasks)
        for task in (*tasks[turn:], *tasks[:turn]):
            for name, value in task().items():
                seconds.setdefault(name, []).append(value)
                say(f"round {number + 1} of {rounds}: {name} {value.wall:.2f} s ({value.cpu:.2f} CPU seconds)")
    return Timings(seconds)
