"""A reply -> Layout: finds the layout in whatever surrounds it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import PromptUnderstandingError
from ...prompts.types import ParsedPrompt
from ..asked import Asked, read_asked
from ..types import Layout
from .against import contradictions
from .checks import Placed, checked
from .claims import Claim, Claims, claims_of, order_in, unit_in
from .coordinates import Meaning, box_of, meaning_of
from .lines import line_claims
from .values import Reader, Row, TooMuch, Value

LONGEST = 200_000
"""Letters. Longer texts are no layout, and nobody waits for them."""
AROUND = 300
"""Letters in front of a layout that may say what its numbers mean."""
STARTS = 24
"""Brackets that are tried as the start of a layout."""
DEFAULT_BACKGROUND = "A realistic scene"
THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)


def _label(names: str) -> re.Pattern[str]:
    """At the start of a line, with whatever Markdown around it."""
    return re.compile(rf"^[ \t>*_#-]*(?:{names})(?:\*\*)?[ \t]*[:：][ \t]*(?:\*\*)?", re.IGNORECASE | re.MULTILINE)


_OBJECTS = _label("objects?|boxes|bounding boxes|layout|객체|물체|개체|사물|레이아웃")
_BACKGROUND = _label("background(?: prompt)?|배경(?: ?프롬프트)?|背景")
_NEGATIVE = _label("negative(?: prompt)?|부정(?: ?프롬프트)?|네거티브(?: ?프롬프트)?|제외")
_FENCE = re.compile(r"```[^\n`]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_NOTHING = re.compile(r"^\W*(?:no objects?|none|nothing|\[\s*\]|없음|empty)\W*$", re.IGNORECASE)
_NAME_ENDS = re.compile(r"\s*(?:#\s*\d+|\(\d+\)|_\d+)$")
_OBJ = re.compile(r"<(obj_\d+)>")


@dataclass(frozen=True)
class Wish:
    """What the user sets by hand; None is found out."""

    order: str | None = None
    unit: str | None = None


def read_reply(
    text: str, width: int, height: int, prompt: ParsedPrompt | None = None, wish: Wish | None = None
) -> Layout:
    """Raises PromptUnderstandingError where no layout is found, or one that no repair is safe for; with the line."""
    asked = None if prompt is None else read_asked(prompt)
    cleaned = _cleaned(text)
    claims, notes = _claims(cleaned)
    canvas = _canvas(claims, width, height)
    wish = wish or Wish()
    objects, repairs = (), []
    if claims.boxes:
        meaning = meaning_of(claims, *canvas, wish.order, wish.unit, contradictions(claims.boxes, asked))
        placed = [_placed(claim, meaning, canvas) for claim in claims.boxes]
        objects, repairs = checked(placed, asked)
        notes.append(meaning.sentence())
    elif asked is not None and asked.things:
        notes.append("The reply has no boxes, though the prompt names things.")
    background, negative = _around(claims, asked)
    shape = _shape(claims.aspect, canvas, width, height)
    return Layout(width, height, objects, background, negative, (*notes, *shape, *repairs))


def _placed(claim: Claim, meaning: Meaning, canvas: tuple[float, float]) -> Placed:
    order, unit = claim.order or meaning.order, claim.unit or meaning.unit
    return Placed(_caption(claim), box_of(claim.numbers, order, unit, *canvas), claim.line)


def _cleaned(text: str) -> str:
    if len(text) > LONGEST:
        raise PromptUnderstandingError(
            f"The text has {len(text):,} letters; a layout has a few thousand. Connect the reply that has the boxes."
        )
    # Thinking is blanked, not cut, so that lines keep their numbers; of a thought without end nothing is left.
    blanked = THOUGHT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    end = re.search(r"</think(?:ing)?>", blanked, re.IGNORECASE)
    if end:
        blanked = re.sub(r"[^\n]", " ", blanked[: end.end()]) + blanked[end.end() :]
    return blanked.replace("\r\n", "\n").replace("\r", "\n")


def _claims(text: str) -> tuple[Claims, list[str]]:
    """Of the first form that has boxes. Raises PromptUnderstandingError where none has."""
    refusal: PromptUnderstandingError | None = None
    for form in (_paper, _bracketed, _lines):
        try:
            found = form(text)
        except PromptUnderstandingError as error:
            refusal = refusal or error
            continue
        if found is not None:
            return found
    if refusal is not None:
        raise refusal
    first = next((line.strip() for line in text.split("\n") if line.strip()), "")
    begins = f" It begins: {first[:80]!r}." if first else " It is empty."
    raise PromptUnderstandingError(
        f"No boxes were found in the text.{begins} A layout looks like: Objects: [('a cat', [50, 200, 180, 220])], or "
        'like: {"objects": [{"caption": "a cat", "x": 50, "y": 200, "width": 180, "height": 220}]}.'
    )


# --- the paper's form ---


def _paper(text: str) -> tuple[Claims, list[str]] | None:
    labels = list(_OBJECTS.finditer(text))
    if not labels:
        return None
    start = labels[-1]  # a chat may have shown the examples first
    background, negative = _BACKGROUND.search(text, start.end()), _NEGATIVE.search(text, start.end())
    ends = [match.start() for match in (background, negative) if match is not None]
    section = text[: min(ends, default=len(text))]
    found = _objects_section(section, start.end())
    if found is None:
        return None
    claims, notes = found
    claims.form = claims.form or "paper"
    claims.background = _rest_of_line(text, background, negative) or claims.background
    claims.negative = _rest_of_line(text, negative, background) or claims.negative
    return claims, notes


def _objects_section(text: str, start: int) -> tuple[Claims, list[str]] | None:
    rest = text[start:]
    if _NOTHING.match(rest.strip()):
        return Claims(), []
    claims, notes, reader = Claims(), [], Reader(text)
    while (bracket := re.search(r"[\[({（［｛]", text[start:])) is not None:
        found = _read(reader, start + bracket.start(), text)
        if found is None:
            break
        if start + bracket.start() > len(text) - len(rest) and claims.boxes and not found[0].boxes:
            break
        found[0].boxes[:0] = claims.boxes
        claims, notes = found
        start = reader.at
    if claims.boxes or rest.strip()[:1] == "[":
        return claims, notes
    return _lines(text, len(text) - len(rest))


# --- one box a line ---


def _lines(text: str, start: int = 0) -> tuple[Claims, list[str]] | None:
    claims = line_claims(text, start)
    if not claims.boxes:
        return None
    before = "\n".join(text.split("\n")[: claims.boxes[0].line - 1])
    claims.order = order_in(before[-AROUND:])
    background, negative = _BACKGROUND.search(text), _NEGATIVE.search(text)
    claims.background = _rest_of_line(text, background, negative)
    claims.negative = _rest_of_line(text, negative, background)
    return claims, []


# --- labels ---


def _rest_of_line(text: str, label: re.Match[str] | None, other: re.Match[str] | None) -> str:
    """Behind a label, to the next empty line or label."""
    if label is None:
        return ""
    stop = other.start() if other is not None and other.start() > label.end() else len(text)
    block = re.split(r"\n\s*\n|```|\n(?=\s*(?:[-•|\[{(]|\d+[.)]))", text[label.end() : stop], maxsplit=1)[0]
    return _plain(block)


def _plain(text: str) -> str:
    words = " ".join(text.split()).strip("`*_ \"'“”").rstrip(",")
    return "" if words.lower().rstrip(".") in ("none", "null", "n/a", "no", "nothing", "empty", "없음", "-") else words


# --- brackets: JSON, Python, and their relatives, in prose or in a fence ---


def _bracketed(text: str) -> tuple[Claims, list[str]] | None:
    best: tuple[Claims, list[str]] | None = None
    behind, tried, reader = -1, 0, Reader(text)
    for start in _starts(text):
        if start < behind:
            continue
        tried += 1
        if tried > STARTS:
            break
        found = _read(reader, start, text)
        behind = reader.at
        if found is not None and _worth(found[0]) > (0 if best is None else _worth(best[0])):
            best = found
    return best


def _worth(claims: Claims) -> int:
    return 2 * len(claims.boxes) + bool(claims.background or claims.form)


def _starts(text: str) -> Iterator[int]:
    """Of brackets: those in fences first, the others in their order."""
    fences = [match.span(1) for match in _FENCE.finditer(text)]
    for begin, stop in fences:
        yield from (begin + match.start() for match in re.finditer(r"[\[{［｛]", text[begin:stop]))
    if not fences:
        yield from (match.start() for match in re.finditer(r"[\[{［｛]", text))


def _read(reader: Reader, start: int, text: str) -> tuple[Claims, list[str]] | None:
    reader.parts, reader.broken_off = 0, False
    try:
        value = reader.read(start)
    except TooMuch:
        return None
    notes = []
    if reader.broken_off:
        value = _complete(value)
        notes.append("The reply breaks off; what was complete was read.")
    claims = claims_of(value)
    if reader.percent and claims.unit is None:
        claims.unit = "percent"
    _said_before(claims, text[max(0, start - AROUND) : start])
    _cited(claims, text[:start])
    return claims, notes


def _complete(value: Value) -> Value:
    """Without the last box, where it lacks numbers: the end of the text cut it."""
    if isinstance(value, Row):
        for drop in (0, 1):
            whole = Row(value.items[: len(value.items) - drop], value.line) if drop else value
            try:
                claims_of(whole)
            except PromptUnderstandingError:
                continue
            return whole
        return Row([*value.items[:-1], _complete(value.items[-1])], value.line) if value.items else value
    for name, held in getattr(value, "items", ())[-1:]:
        value.items[-1] = (name, _complete(held))  # type: ignore[union-attr]  # leaves have no items
    return value


def _said_before(claims: Claims, prose: str) -> None:
    """ "The boxes are [x1, y1, x2, y2], normalized to 0-1000:"."""
    claims.order = claims.order or order_in(prose)
    claims.unit = claims.unit or unit_in(prose)


def _cited(claims: Claims, prose: str) -> None:
    """FLUX.3's table comes behind the prose that cites its boxes."""
    if _OBJ.search(prose) and claims.boxes and not claims.order:
        claims.form, claims.order, claims.unit = "FLUX.3", "yxyx", "thousand"
        head = re.split(r",?\s+with\b", prose[: _OBJ.search(prose).start()], maxsplit=1)[0]  # type: ignore[union-attr]
        claims.background = claims.background or _plain(head if head else _OBJ.sub("", prose))


# --- what is around the boxes ---


def _caption(claim: Claim) -> str:
    caption = _plain(_NAME_ENDS.sub("", " ".join(claim.caption.split())))
    caption = "".join(letter for letter in caption if letter.isprintable())
    if not caption:
        raise PromptUnderstandingError(f"Line {claim.line}: a box has no caption. Say what is in it.")
    return caption


def _canvas(claims: Claims, width: int, height: int) -> tuple[float, float]:
    """That of the reply, where it names one."""
    own = claims.canvas
    return own if own is not None and min(own) >= 16 and max(own) < 1e6 else (float(width), float(height))


def _shape(aspect: float | None, canvas: tuple[float, float], width: int, height: int) -> Iterator[str]:
    own = aspect or canvas[0] / canvas[1]
    if abs(own - width / height) > 0.05 * width / height:
        shape = f"{own:.2f} times as wide as high" if aspect else f"{canvas[0]:g} × {canvas[1]:g}"
        yield f"The reply is for a canvas of {shape}, the picture is {width} × {height}: boxes were stretched with it."


def _around(claims: Claims, asked: Asked | None) -> tuple[str, str]:
    background = _plain(claims.background) or (asked.background if asked else "") or DEFAULT_BACKGROUND
    denied = [part.strip() for part in (_plain(claims.negative), asked.negative if asked else "") if part.strip()]
    words = [word.strip() for part in denied for word in part.split(",") if word.strip()]
    return background, ", ".join(dict.fromkeys(words))
