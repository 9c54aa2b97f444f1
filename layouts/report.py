"""A layout in words, for the text in the node."""

from __future__ import annotations

from collections.abc import Iterator

from .types import Layout, LayoutObject


def report(layout: Layout) -> str:
    return "\n".join(_lines(layout))


def _lines(layout: Layout) -> Iterator[str]:
    count = len(layout.objects)
    yield f"Canvas {layout.width} × {layout.height}, {count} box{'' if count == 1 else 'es'}."
    for number, thing in enumerate(layout.objects, 1):
        yield f"  {number}. {_object(layout, thing)}"
    yield f"Background: {layout.background or '(none)'}"
    yield f"Negative: {layout.negative or '(none)'}"
    yield from (f"Note: {note}" for note in layout.notes)


def _object(layout: Layout, thing: LayoutObject) -> str:
    left, top, right, bottom = pixels(layout, thing)
    source = f" ({thing.source})" if thing.source else ""
    return f"{thing.caption}: x {left} to {right}, y {top} to {bottom}{source}"


def pixels(layout: Layout, thing: LayoutObject) -> tuple[int, int, int, int]:
    """left, top, right, bottom; never empty."""
    left, top = round(thing.box.left * layout.width), round(thing.box.top * layout.height)
    right, bottom = round(thing.box.right * layout.width), round(thing.box.bottom * layout.height)
    return left, top, max(right, left + 1), max(bottom, top + 1)
