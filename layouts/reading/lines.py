"""One box a line: "a cat: 10, 20, 100, 200", a list with bullets, the rows of a table."""

from __future__ import annotations

import re

from .claims import Claim, Claims

LONGEST = 400
"""Letters of a line that may be a box."""
_NUMBER = r"[-+−]?(?:\d+\.?\d*|\.\d+)"
_BULLET = r"(?:(?:[-*•|]|\d+[.)])\s*)?"
_CAPTION = r"(?P<caption>[^\d\[\](){}:|]{1,200}?)\s*(?:[:：|,\[(]|[-–>=]+)"
_FOUR = rf"[\s:：|=\[(]*(?P<numbers>{_NUMBER}%?(?:\s*[,;x|\s]\s*{_NUMBER}%?){{3}})[\s\])|.;,]*"
_LINE = re.compile(_BULLET + _CAPTION + _FOUR)


def line_claims(text: str, start: int = 0) -> Claims:
    """Of the lines from the place `start` on. Empty where no line is a box."""
    claims, first = Claims(), text.count("\n", 0, start)
    for number, line in enumerate(text[start:].split("\n"), first + 1):
        # Line by line: over the whole text, runs of spaces would take the pattern seconds.
        match = _LINE.fullmatch(line.strip()) if len(line) <= LONGEST else None
        if match is not None:
            _add(claims, match, number)
    return claims


def _add(claims: Claims, match: re.Match[str], line: int) -> None:
    a, b, c, d = (float(number.replace("−", "-")) for number in re.findall(_NUMBER, match["numbers"])[:4])
    caption = match["caption"].strip(" \t-*|,")
    if caption and max(abs(a), abs(b), abs(c), abs(d)) < 1e7:
        claims.boxes.append(Claim(caption, (a, b, c, d), line))
        claims.unit = "percent" if "%" in match["numbers"] else claims.unit
