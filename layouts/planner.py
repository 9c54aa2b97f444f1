"""From a parsed prompt to a layout without a language model: what is asked, how large each thing is, where it fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..prompts.types import ParsedPrompt
from .asked import Asked, Bond, Thing, read_asked
from .rules import GAP, RULES, Boxes
from .sizes import MODIFIERS, aspect, flies, is_known, relative_size
from .solver import HARD, HOLDS, Piece, Solver, Tie
from .types import Box, Layout, LayoutObject

FILL = 0.42
"""Share of the canvas that all boxes take at most."""
ALONE = 0.34
"""Share that a single thing takes."""
SMALLEST = 0.13
"""Of the canvas's shorter side: two cells of the 16 x 16 maps that guidance reads."""
LARGEST = 0.82
SHRINK, TRIES = 0.87, 10
LOOK_ON = 4
"""Sizes that are tried after the first: smaller boxes may stand better."""
WELL = HARD * HOLDS
"""What looks no worse than this is taken; a rule that does not hold costs more."""
MANY = 8
"""More boxes than this take the first size that fits."""
SMALLER = 0.08
"""What one size smaller costs, beside what does not look well."""
CROWDED = 0.85
"""Share of a table's width that the things on it may take, of a bowl's those in it."""
HOLDING = frozenset({"on", "on top of", "in", "inside"})
MOST_BOXES = 40


def plan(prompt: ParsedPrompt, width: int, height: int, seed: int = 0) -> Layout:
    """Boxes for everything that the prompt names and does not deny; its notes say what could not be placed."""
    asked = read_asked(prompt)
    _limit(asked)
    boxes, failed = _place(asked, width, height, seed)
    notes = tuple(dict.fromkeys([*asked.notes, *_unknown(asked), *failed]))
    things = [thing for thing in asked.things for _ in range(thing.count)]
    objects = tuple(
        LayoutObject(thing.caption, box, thing.subject, "planner") for thing, box in zip(things, boxes, strict=True)
    )
    return Layout(width, height, objects, asked.background, asked.negative, notes)


def _limit(asked: Asked) -> None:
    """More boxes than maps have room for are not planned."""
    room = MOST_BOXES
    for thing in asked.things:
        if thing.count > room:
            left_out = thing.count - room
            asked.notes.append(f"There is room for {MOST_BOXES} boxes: {left_out} of {thing.caption} left out.")
            thing.count = room
        room -= thing.count
    asked.bonds = [bond for bond in asked.bonds if all(asked.things[i].count for i in _tied(bond))]


def _tied(bond: Bond) -> list[int]:
    return [thing for thing in (bond.first, bond.second, bond.third) if thing is not None]


def _unknown(asked: Asked) -> Iterator[str]:
    unknown = [thing.noun for thing in asked.things if not is_known(thing.noun)]
    if unknown and len(asked.things) > 1:
        yield f"The planner does not know how large these are and gave them a middle size: {', '.join(unknown)}."


def _place(asked: Asked, width: int, height: int, seed: int) -> tuple[list[Box], list[str]]:
    """With ever smaller boxes until all rules hold and it looks well; a rule that no size can keep is told of."""
    if not asked.things:
        return [], ["The prompt names nothing that a box could hold: the whole picture is background."]
    ties = [*_ties(asked)]
    tries: list[tuple[float, Solver, Boxes]] = []
    for attempt in range(TRIES):
        solver = Solver(_pieces(asked, width, height, SHRINK**attempt), ties, seed)
        found = solver.solve()
        tries.append((found.off * HARD * (found.off > HOLDS) + found.looks + SMALLER * attempt, solver, found.boxes))
        if found.off <= HOLDS and len(solver.pieces) > MANY:
            break
        if attempt >= LOOK_ON and min(cost for cost, *_ in tries) < WELL:
            break
    _, solver, boxes = min(tries, key=lambda found: found[0])
    return [Box(*map(float, box)) for box in boxes.round(4)], [*_failed(asked, solver, boxes)]


def _pieces(asked: Asked, width: int, height: int, scale: float) -> list[Piece]:
    sizes = _fitted(asked, _sizes(asked.things, width, height, scale))
    return [
        Piece(size[0], size[1], number, _hangs(thing, number, asked.bonds), tuple(thing.places))
        for number, (thing, size) in enumerate(zip(asked.things, sizes, strict=True))
        for _ in range(thing.count)
    ]


def _hangs(thing: Thing, number: int, bonds: Sequence[Bond]) -> bool:
    """A bird on a branch does not fly."""
    return flies(thing.noun) and not any(bond.first == number and bond.kind in ("on", "in", "inside") for bond in bonds)


def _sizes(things: Sequence[Thing], width: int, height: int, scale: float) -> list[tuple[float, float]]:
    """Width and height of each thing's boxes, in fractions, so that together they fill what they may."""
    short = min(width, height)
    sides = [relative_size(thing.noun, _plain_modifiers(thing)) * _depth(thing) for thing in things]
    total = sum(side**2 * thing.count for side, thing in zip(sides, things, strict=True))
    fill = ALONE if sum(thing.count for thing in things) == 1 else FILL
    unit = (fill * width * height / total) ** 0.5 * scale
    least = SMALLEST * short * min(1.0, 1.5 * scale)
    return [
        _limited(max(side * unit, least), aspect(thing.noun), width, height)
        for side, thing in zip(sides, things, strict=True)
    ]


def _fitted(asked: Asked, sizes: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A table as wide as the apples on it need, a bowl as large as those in it; small apples where that is too much."""
    fitted = list(sizes)
    for bond in asked.bonds:
        if bond.kind not in HOLDING:
            continue
        sharing = [other for other in asked.bonds if other.kind in HOLDING and other.second == bond.second]
        need = sum((fitted[b.first][0] + GAP) * asked.things[b.first].count for b in sharing)
        tall = max(fitted[b.first][1] for b in sharing) / CROWDED if bond.kind in ("in", "inside") else 0.0
        wide, high = fitted[bond.second]
        grown = max(wide, min(LARGEST, need / CROWDED)), max(high, min(0.7, tall))
        fitted[bond.second] = grown
        shrink = min(1.0, grown[0] * CROWDED / need, grown[1] * CROWDED / tall * CROWDED if tall else 1.0)
        fitted[bond.first] = fitted[bond.first][0] * shrink, fitted[bond.first][1] * shrink
    return fitted


def _plain_modifiers(thing: Thing) -> tuple[str, ...]:
    return tuple(word for word in thing.modifiers if word.lower() in MODIFIERS)


def _depth(thing: Thing) -> float:
    verticals = {vertical for _, vertical in thing.places}
    return 0.7 if "far" in verticals else 1.25 if "near" in verticals else 1.0


def _limited(side: float, ratio: float, width: int, height: int) -> tuple[float, float]:
    across, down = side * ratio**0.5 / width, side / ratio**0.5 / height
    shrink = min(1.0, LARGEST / across, LARGEST / down)
    return across * shrink, down * shrink


def _ties(asked: Asked) -> Iterator[Tie]:
    """Bonds of things -> ties of their boxes."""
    first = [sum(thing.count for thing in asked.things[:i]) for i in range(len(asked.things))]
    boxes = [range(start, start + thing.count) for start, thing in zip(first, asked.things, strict=True)]
    for bond in (*asked.bonds, *_opposite(asked.things)):
        if bond.kind == "between":
            yield from _between(bond, boxes)
        elif bond.kind in RULES:
            yield from (Tie(bond.kind, (i, j)) for i in boxes[bond.first] for j in boxes[bond.second])


def _opposite(things: Sequence[Thing]) -> Iterator[Bond]:
    """One thing on the left, another on the right: then the one is left of the other, too."""
    for i, first in enumerate(things):
        for j, second in enumerate(things):
            horizontals = [place[0] for thing in (first, second) for place in thing.places]
            verticals = [place[1] for thing in (first, second) for place in thing.places]
            if horizontals == ["left", "right"]:
                yield Bond("left of", i, j)
            if verticals == ["top", "bottom"]:
                yield Bond("above", i, j)


def _between(bond: Bond, boxes: Sequence[range]) -> Iterator[Tie]:
    """Between two kinds of thing, or between the first and the last of one kind."""
    others = boxes[bond.second] if bond.third is None else (boxes[bond.second][0], boxes[bond.third][0])
    if len(others) == 1:
        yield from (Tie("near", (i, others[0])) for i in boxes[bond.first])
    elif len(others) > 1:
        yield from (Tie("between", (i, others[0], others[-1])) for i in boxes[bond.first])


def _failed(asked: Asked, solver: Solver, boxes: Boxes) -> Iterator[str]:
    """Sentences about what does not hold."""
    names = [thing.caption for thing in asked.things for _ in range(thing.count)]
    lost = [tie for tie in solver.ties if solver.tie_off(boxes, tie) > 3 * HOLDS]
    for tie in lost:
        a, *others = (names[i] for i in tie.pieces)
        said = f"{a} {tie.kind} {' and '.join(others)}"
        yield f"Not placed as asked: {said}. There is no room, or it contradicts the rest."
    for i, j in solver.covered(boxes):
        yield f"There is no room: {names[j]} and {names[i]} lie over each other."
    for index, off in enumerate(solver.place_off(boxes)):
        if off > 3 * HOLDS:
            yield f"Not placed as asked: {names[index]} is not where the prompt puts it in the picture."
