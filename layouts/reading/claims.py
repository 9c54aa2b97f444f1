"""Values -> claims: a caption with four numbers, what they are called, the line they stand on; and what else is said.

Knows the names that people and models give to things; knows nothing of units.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from ...errors import PromptUnderstandingError
from .values import Leaf, Row, Table, Value

CAPTION = (
    "caption", "name", "desc", "description", "phrase", "prompt", "object", "obj", "objectname", "title", "class",
    "category", "entity", "item", "subject", "text", "thing", "what", "content", "label",
)  # fmt: skip
"""Best first: MOSS-Image has a "label" beside the caption, Ideogram a "text"."""
BOX = (
    "box", "bbox", "boundingbox", "bounds", "rect", "rectangle", "position", "coordinates", "coords", "coordinate",
    "region", "location", "area", "boxxyxy", "boxxywh", "xyxy", "xywh", "yxyx", "cxcywh", "bboxxyxy", "bboxxywh",
    "bbox2d", "box2d", "boxes", "bboxes",
)  # fmt: skip
BACKGROUND = ("background", "backgroundprompt", "scene", "backgrounddescription", "backgroundcaption", "setting")
NEGATIVE = ("negative", "negativeprompt", "exclude", "excluded", "avoid")
WHOLE = ("highleveldescription", "overallcaption", "globalcaption")
ORDERS = {
    "xywh": "xywh", "xyxy": "xyxy", "yxyx": "yxyx", "cxcywh": "cxcywh", "x1y1x2y2": "xyxy", "y1x1y2x2": "yxyx",
    "yminxminymaxxmax": "yxyx", "xminyminxmaxymax": "xyxy", "ltrb": "xyxy", "ltwh": "xywh", "box2d": "yxyx",
    "bbox2d": "xyxy", "xywidthheight": "xywh", "lefttoprightbottom": "xyxy", "lefttopwidthheight": "xywh",
}  # fmt: skip
NAMED = (
    ("xywh", (("x", "left", "xmin", "x1", "l"), ("y", "top", "ymin", "y1", "t"), ("w", "width"), ("h", "height"))),
    ("xyxy", (("x1", "left", "xmin", "x0", "l", "x"), ("y1", "top", "ymin", "y0", "t", "y"),
              ("x2", "right", "xmax", "r"), ("y2", "bottom", "ymax", "b"))),
    ("cxcywh", (("cx", "centerx", "xcenter"), ("cy", "centery", "ycenter"), ("w", "width"), ("h", "height"))),
)  # fmt: skip
"""What four named numbers mean; tried in this order, the centre first where it is named."""


@dataclass
class Claim:
    """What a text says of one box."""

    caption: str
    numbers: tuple[float, float, float, float]
    line: int
    order: str | None = None
    """Where the names of the numbers, or of the box, say it."""
    unit: str | None = None


@dataclass
class Claims:
    boxes: list[Claim] = field(default_factory=list)
    background: str = ""
    negative: str = ""
    order: str | None = None
    unit: str | None = None
    canvas: tuple[float, float] | None = None
    aspect: float | None = None
    form: str = ""


def key_of(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def claims_of(value: Value) -> Claims:
    """Raises PromptUnderstandingError for a box that has not four numbers, or no caption; with its line."""
    claims = Claims()
    _walk(value, "", claims)
    return claims


def _walk(value: Value, key: str, claims: Claims) -> None:
    if isinstance(value, Table):
        if _is_object(value):
            claims.boxes += _of_table(value)
            return
        for name, held in value.items:
            _entry(name, held, claims)
    elif isinstance(value, Row):
        _row(value, key, claims)


def _row(row: Row, key: str, claims: Claims) -> None:
    pair = _pair(row)
    if pair is not None:
        claims.boxes += pair
        return
    if _numbers(row) is not None and len(row.items) == 4 and key in ("", *BOX):
        raise PromptUnderstandingError(f"Line {row.line}: the box {_shown(row)} has no caption. Say what is in it.")
    for item in row.items:
        _walk(item, key, claims)


def _entry(name: str, held: Value, claims: Claims) -> None:
    """One key of a table that is no object: something about the whole, or a caption with its box."""
    key = key_of(name)
    if key in BACKGROUND and isinstance(held, Leaf):
        claims.background = _words(held)
    elif key in NEGATIVE:
        claims.negative = _words(held)
    elif key in WHOLE and isinstance(held, Leaf):
        claims.background = claims.background or _words(held)
    elif key in ("compositionaldeconstruction",):
        claims.form, claims.order, claims.unit = "Ideogram 4", "yxyx", "thousand"
        _walk(held, key, claims)
    elif key in ("aspectratio", "ratio") and isinstance(held, Leaf):
        claims.aspect = _aspect(held)
    elif key in ("format", "boxformat", "bboxformat", "order", "coordinates", "coordinateformat", "units", "unit",
                 "coordformat", "bboxorder"):  # fmt: skip
        _declared(held, claims)
    elif key in ("canvas", "size", "imagesize", "canvassize", "resolution"):
        claims.canvas = _size(held) or claims.canvas
    elif key in ("width", "height") and isinstance(held, Leaf) and isinstance(held.value, float):
        width, height = claims.canvas or (0.0, 0.0)
        claims.canvas = (held.value, height) if key == "width" else (width, held.value)
    elif key not in (*CAPTION, *BOX) and _is_box(held):
        claims.boxes += [_claim(name, box, key) for box in _boxes(held)]
    else:
        _walk(held, key, claims)


def _is_object(table: Table) -> bool:
    keys = {key_of(name) for name, _ in table.items}
    named = _named(table) is not None
    return bool(keys & set(CAPTION)) and (named or bool(keys & set(BOX)))


def _of_table(table: Table) -> list[Claim]:
    entries = {key_of(name): held for name, held in table.items}
    caption = next((text for key in CAPTION if (text := _words(entries.get(key)))), "")
    if entries.get("desc") is not None and entries.get("type") is not None and _words(entries["type"]) == "text":
        caption = f"letters that say {_words(entries.get('text'))}"
    key = next((key for key in BOX if key in entries), "")
    held = entries[key] if key else table
    if isinstance(held, Leaf) and held.value is None:
        return []
    if not caption:
        raise PromptUnderstandingError(f"Line {table.line}: a box has no caption. Say what is in it.")
    return [_claim(caption, box, key) for box in _boxes(held)]


def _pair(row: Row) -> list[Claim] | None:
    """("a cat", [1, 2, 3, 4]) or ["a cat", 1, 2, 3, 4]."""
    if not row.items or not isinstance(row.items[0], Leaf) or not isinstance(row.items[0].value, str):
        return None
    caption, rest = row.items[0].value, row.items[1:]
    if len(rest) == 1 and not isinstance(rest[0], Leaf):
        return [_claim(caption, box, "") for box in _boxes(rest[0])]
    if rest and all(isinstance(item, Leaf) and isinstance(item.value, float) for item in rest):
        return [_claim(caption, Row(rest, row.line), "")]
    return None


def _boxes(value: Value) -> list[Value]:
    """A caption may have several boxes: a list of them."""
    if isinstance(value, Row) and value.items and all(not isinstance(item, Leaf) for item in value.items):
        return value.items
    return [value]


def _is_box(value: Value) -> bool:
    if isinstance(value, Table):
        return _named(value) is not None and not _is_object(value)
    if not isinstance(value, Row):
        return False
    return _numbers(value) is not None and len(value.items) == 4 or bool(value.items) and all(map(_is_box, value.items))


def _claim(caption: str, box: Value, key: str) -> Claim:
    if isinstance(box, Table):
        named = _named(box)
        if named is None:
            raise PromptUnderstandingError(
                f"Line {box.line}: the box of {_short(caption)} has none of the names x, y, width, height or left, "
                "top, right, bottom."
            )
        order, numbers = named
        unit = "percent" if any(_words(held).endswith("%") for _, held in box.items) else None
        return Claim(caption, _four(caption, numbers, box.line), box.line, order, unit)
    numbers = _numbers(box)
    if numbers is None:
        raise PromptUnderstandingError(
            f"Line {box.line}: the box of {_short(caption)} is {_shown(box)}, not four numbers."
        )
    order = ORDERS.get(key) or ORDERS.get(key.removeprefix("bbox").removeprefix("box"))
    return Claim(caption, _four(caption, numbers, box.line), box.line, order, "thousand" if key == "box2d" else None)


def _four(caption: str, numbers: list[float], line: int) -> tuple[float, float, float, float]:
    if len(numbers) != 4:
        raise PromptUnderstandingError(
            f"Line {line}: the box of {_short(caption)} has {len(numbers)} numbers, a box has four."
        )
    if not all(math.isfinite(number) and abs(number) < 1e7 for number in numbers):
        raise PromptUnderstandingError(
            f"Line {line}: a number of the box of {_short(caption)} is larger than any picture: {_list(numbers)}."
        )
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _named(table: Table) -> tuple[str, list[float]] | None:
    found = {key_of(name): _number_of(held) for name, held in table.items}
    numbers = {key: value for key, value in found.items() if value is not None}
    for order, names in sorted(NAMED, key=lambda entry: entry[0] != "cxcywh"):
        picked = [next((numbers[name] for name in choice if name in numbers), None) for choice in names]
        if all(number is not None for number in picked):
            return order, [number for number in picked if number is not None]
    return None


def _numbers(value: Value) -> list[float] | None:
    """Of [1, 2, 3, 4], also of "1, 2, 3, 4" and [[1, 2], [3, 4]]."""
    if isinstance(value, Leaf):
        if not isinstance(value.value, str):
            return None
        found = re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)", value.value)
        plain = re.fullmatch(r"[\s\d.,;+\-()\[\]%px]*", value.value)
        return [float(number) for number in found] if len(found) == 4 and plain else None
    if isinstance(value, Table):
        return None
    if len(value.items) == 2 and all(isinstance(item, Row) for item in value.items):
        halves = [_numbers(item) for item in value.items]
        return [*halves[0], *halves[1]] if halves[0] is not None and halves[1] is not None else None
    numbers: list[float] = []
    for item in value.items:
        number = _number_of(item)
        if number is None:
            return None
        numbers.append(number)
    return numbers


def _number_of(value: Value) -> float | None:
    """Of 12, "12" and "12 px"."""
    if not isinstance(value, Leaf) or isinstance(value.value, float):
        return value.value if isinstance(value, Leaf) and isinstance(value.value, float) else None
    match = re.fullmatch(r"\s*([-+]?(?:\d+\.?\d*|\.\d+))\s*(?:px|%)?\s*", value.value or "")
    return float(match[1]) if match and len(match[1]) < 20 else None


def _words(value: Value | None) -> str:
    if isinstance(value, Leaf):
        return value.value.strip() if isinstance(value.value, str) else ""
    if isinstance(value, Row):
        return ", ".join(text for item in value.items if (text := _words(item)))
    return ""


def _aspect(leaf: Leaf) -> float | None:
    match = re.fullmatch(r"\s*(\d{1,5}(?:\.\d+)?)\s*[:x/×]\s*(\d{1,5}(?:\.\d+)?)\s*", _words(leaf))
    return float(match[1]) / float(match[2]) if match and float(match[2]) else None


def _size(value: Value) -> tuple[float, float] | None:
    """Of {"width": 512, "height": 768}, [512, 768] or "512x768"."""
    if isinstance(value, Table):
        numbers = {key_of(name): held.value for name, held in value.items if isinstance(held, Leaf)}
        width, height = numbers.get("width", numbers.get("w")), numbers.get("height", numbers.get("h"))
        return (width, height) if isinstance(width, float) and isinstance(height, float) else None
    if isinstance(value, Row):
        found = _numbers(value)
        return (found[0], found[1]) if found is not None and len(found) == 2 else None
    match = re.fullmatch(r"\s*(\d{2,5})\s*[x×*, ]\s*(\d{2,5})\s*(?:px)?\s*", _words(value))
    return (float(match[1]), float(match[2])) if match else None


def _declared(value: Value, claims: Claims) -> None:
    """ "xyxy", "[y1, x1, y2, x2], normalized 0-1000"."""
    if isinstance(value, Table):
        for _, held in value.items:
            _declared(held, claims)
        return
    text = _words(value).lower()
    claims.order = order_in(text) or claims.order
    claims.unit = unit_in(text) or claims.unit


def order_in(text: str) -> str | None:
    """The order that a text names: "(x, y, width, height)"."""
    key = key_of(text)
    found = {(key.rfind(name), len(name)): order for name, order in ORDERS.items() if name in key}
    return found[max(found)] if found else None


def unit_in(text: str) -> str | None:
    lower = text.lower()
    if "centralized" in lower:
        return "centered"
    if re.search(r"\b(?:0\s*(?:-|–|to|\.\.)\s*)1000\b", lower):
        return "thousand"
    if re.search(r"\bfractions?\b|\bnormali[sz]ed\b|\b0\s*(?:-|–|to|\.\.)\s*1(?:\.0)?\b", lower):
        return "fraction"
    if re.search(r"\bpercent|%", lower):
        return "percent"
    return "pixel" if re.search(r"\bpixels?\b|\bpx\b", lower) else None


def _short(caption: str) -> str:
    text = " ".join(caption.split())
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _list(numbers: list[float]) -> str:
    return f"[{', '.join(f'{number:g}' for number in numbers)}]"


def _shown(value: Value) -> str:
    numbers = _numbers(value)
    if numbers is not None:
        return _list(numbers)
    if isinstance(value, Leaf):
        return _short(_words(value)) if value.value is not None else "missing"
    return "a list of something else"
