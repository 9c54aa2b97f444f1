"""Boxes of given sizes to places where every rule holds: one box after the other to the best of many candidates.

What must be (rules, nothing covered) weighs far more than what looks good (feet on one line, balance, room around).
Small: a dozen boxes take some tens of milliseconds. The same seed gives the same boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from . import rules
from .rules import Boxes

GRID = 17
"""Candidates along each axis, of the whole canvas, in the first sweeps."""
CLOSE = 9
"""And of a small window around the box's place in the later ones."""
SWEEPS = 8
STARTS = 6
HARD = 100.0
HOLDS = 4e-3
"""A rule that is off by less is held: no one sees four thousandths of a picture."""
FOOT, SKY = 0.86, 0.24
"""Where feet stand and where flying things are, if nothing else is asked."""


@dataclass(frozen=True)
class Piece:
    """One box to place."""

    width: float
    height: float
    kind: int
    """Boxes of one kind stand on one line."""
    flies: bool = False
    places: tuple[tuple[str | None, str | None], ...] = ()


@dataclass(frozen=True)
class Tie:
    """`rule` between pieces; three for "between"."""

    kind: str
    pieces: tuple[int, ...]


class Solution(NamedTuple):
    boxes: Boxes
    """[pieces 4]"""
    off: float
    """How far the rules are off in all."""
    looks: float
    """What does not look well; smaller is better."""


class Solver:
    def __init__(self, pieces: Sequence[Piece], ties: Sequence[Tie], seed: int) -> None:
        self.pieces, self.ties = pieces, ties
        self.sizes = np.array([(piece.width, piece.height) for piece in pieces]).reshape(-1, 2)
        self.kinds = np.array([piece.kind for piece in pieces])
        self.random = np.random.default_rng(seed)
        self.ties_of = [[tie for tie in ties if index in tie.pieces] for index in range(len(pieces))]
        self.covering = [
            {other for tie in self.ties_of[i] if tie.kind in rules.MAY_COVER for other in tie.pieces if other != i}
            for i in range(len(pieces))
        ]
        self.wish = self.random.random((len(pieces), 2))
        """Where chance would like each box: it decides what nothing else does."""

    def solve(self) -> Solution:
        """The best of some starts; of two where the rules hold at once."""
        found: list[Solution] = []
        for start in range(STARTS):
            boxes = self._settle(self._start())
            found.append(Solution(boxes, self.off(boxes), self._looks_of_all(boxes)))
            if start > 0 and min(solution.off for solution in found) < HOLDS:
                break
        return min(found, key=lambda solution: HARD * solution.off + solution.looks)

    def off(self, boxes: Boxes) -> float:
        covered = sum(float(rules.overlap(boxes[i], boxes[j])) for i, j in self._apart())
        return covered + sum(self.tie_off(boxes, tie) for tie in self.ties) + sum(self.place_off(boxes))

    def covered(self, boxes: Boxes) -> list[tuple[int, int]]:
        """Pairs that lie over each other and should not."""
        return [(i, j) for i, j in self._apart() if rules.overlap(boxes[i], boxes[j]) > rules.GAP]

    def _apart(self) -> list[tuple[int, int]]:
        return [(i, j) for i in range(len(self.pieces)) for j in range(i) if j not in self.covering[i]]

    def tie_off(self, boxes: Boxes, tie: Tie) -> float:
        return float(_tie(tie.kind, [boxes[i] for i in tie.pieces]))

    def place_off(self, boxes: Boxes) -> list[float]:
        """Of each piece."""
        return [
            float(sum(rules.placed(boxes[i], *place) for place in piece.places)) for i, piece in enumerate(self.pieces)
        ]

    # --- one try ---

    def _start(self) -> Boxes:
        """In the order that the ties ask for, evenly spread, with some chance."""
        x = (self._ranks("left of", "right of") + self.random.uniform(-0.1, 0.1, len(self.pieces))).clip(0, 1)
        y = (self._ranks("above", "below", "on", "under") + self.random.uniform(-0.1, 0.1, len(self.pieces))).clip(0, 1)
        return self._boxes(self.sizes, np.stack([x, y], -1))

    @staticmethod
    def _boxes(size: Boxes, share: Boxes) -> Boxes:
        """`share` 0…1 of the room that a box of this size has."""
        corner = share * (1 - size)
        return np.concatenate(np.broadcast_arrays(corner, corner + size), -1)

    def _ranks(self, *kinds: str) -> Boxes:
        """0…1 along an axis by the longest chain of ties; 0.5 where there is none."""
        before = [
            (tie.pieces[0], tie.pieces[1]) if tie.kind in ("left of", "above", "on") else (tie.pieces[1], tie.pieces[0])
            for tie in self.ties
            if tie.kind in kinds
        ]
        rank = np.zeros(len(self.pieces))
        for _ in self.pieces:
            for first, second in before:
                rank[second] = max(rank[second], min(rank[first] + 1, len(self.pieces)))
        tied = {index for pair in before for index in pair}
        ranks = rank / max(rank.max(initial=0.0), 1.0)
        chance = self.random.random(len(self.pieces))
        return np.where([index in tied for index in range(len(self.pieces))], ranks, chance)

    def _settle(self, boxes: Boxes) -> Boxes:
        for sweep in range(SWEEPS):
            before = boxes.copy()
            for index in self.random.permutation(len(boxes)):
                candidates = self._candidates(boxes[index], index, sweep)
                costs = self._cost(candidates, index, boxes)
                boxes[index] = candidates[int(costs.argmin())]
            if sweep > 2 and np.abs(boxes - before).max() < 2e-3:
                break
        return boxes

    def _candidates(self, box: Boxes, index: int, sweep: int) -> Boxes:
        """Everywhere at first, then closer and closer around; the box's own place is always one of them."""
        size = self.sizes[index]
        steps = np.linspace(0, 1, GRID if sweep < 4 else CLOSE)
        shares = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
        wide = self._boxes(size, (shares + self.random.uniform(-0.03, 0.03, 2)).clip(0, 1))
        window = 0.3 * 0.5**sweep
        nudge = (np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2) - 0.5) * window
        corner = (box[:2] + nudge).clip(0, 1 - size)
        close = np.concatenate([corner, corner + size], -1)
        return np.concatenate([box[None], close, *([wide] if sweep < 4 else [])])

    def _cost(self, candidates: Boxes, index: int, boxes: Boxes) -> Boxes:
        apart = [i for i in range(len(boxes)) if i != index and i not in self.covering[index]]
        must = rules.overlap(candidates[:, None], boxes[apart]).sum(1)
        for tie in self.ties_of[index]:
            must += _tie(tie.kind, [candidates if i == index else boxes[i] for i in tie.pieces])
        for place in self.pieces[index].places:
            must += rules.placed(candidates, *place)
        return HARD * must + self._looks(candidates, index, boxes)

    def _looks(self, candidates: Boxes, index: int, boxes: Boxes) -> Boxes:
        x, y = rules.centers(candidates)
        piece, others = self.pieces[index], np.delete(boxes, index, 0)
        line = np.abs(y - SKY) if piece.flies else np.abs(candidates[..., 3] - FOOT)
        cost = 0.6 * line + 0.08 * np.abs(x - self.wish[index, 0]) + 0.05 * np.abs(y - self.wish[index, 1])
        cost += 0.4 * rules.over(0.03 - np.minimum.reduce([candidates[..., 0], 1 - candidates[..., 2]]))
        if len(others):
            other_x, _ = rules.centers(others)
            balance = (x + other_x.sum()) / len(boxes)
            room = rules.gap(candidates[:, None], others).min(1)
            cost += 0.5 * np.abs(balance - 0.5) + 0.5 * rules.over(0.08 - room)
            alike = others[np.delete(self.kinds, index) == piece.kind]
            cost += 0.2 * np.minimum(np.abs(candidates[:, 3:] - alike[:, 3]), 0.2).sum(1) / max(1, len(alike))
        else:
            cost += np.abs(x - 0.5)
        return cost

    def _looks_of_all(self, boxes: Boxes) -> float:
        """A sum that grows no further than to four boxes: for one row, a dozen shall not become tiny."""
        each = [float(self._looks(boxes[i : i + 1], i, boxes)[0]) for i in range(len(boxes))]
        return sum(each) * min(1.0, 4 / len(each))


def _tie(kind: str, boxes: list[Boxes]) -> Boxes:
    if kind == "between":
        return rules.between(boxes[0], boxes[1], boxes[2])
    return rules.RULES[kind](boxes[0], boxes[1])
