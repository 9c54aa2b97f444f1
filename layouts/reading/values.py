"""A forgiving reader of JSON, Python literals and what lies between: a value, and the line that each part stands on.

Takes single, double and curly quotes, full-width punctuation, comments, trailing and missing commas, bare keys, tuples,
brackets of the wrong kind, and a text that breaks off: what is open at the end is closed and marked. Nothing is ever
evaluated; numbers and words are all it knows.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TypeAlias

DEEPEST = 30
MOST_PARTS = 6000
"""A layout of a hundred boxes has under two thousand."""


@dataclass
class Leaf:
    value: str | float | None
    line: int
    quoted: bool = False


@dataclass
class Row:
    items: list[Value] = field(default_factory=list)
    line: int = 0


@dataclass
class Table:
    items: list[tuple[str, Value]] = field(default_factory=list)
    line: int = 0


Value: TypeAlias = Leaf | Row | Table


class TooMuch(Exception):
    """Deeper or longer than any layout is."""


_TOKEN = re.compile(
    r"""
    (?P<space>[\s\u3000\ufeff]+)
  | (?P<comment>//[^\n]*|\#[^\n]*|/\*.*?(?:\*/|\Z)|<!--.*?(?:-->|\Z))
  | (?P<open>[\[({（［｛【])
  | (?P<close>[\])}）］｝】])
  | (?P<comma>[,;，、；])
  | (?P<colon>[:=：＝])
  | (?P<quote>["'`“”„‘’＂＇「『«])
  | (?P<number>[-+−－]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))\s*(?P<unit>%|px\b)?
  | (?P<word>[^\s\[\](){}（）［］｛｝【】,;，、；:=：＝"“”„‘’＂＇「『«]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSERS = {
    "“": "”“\"", "„": "“”\"", "‘": "’‘'", "’": "’'", "”": "”\"", "「": "」", "『": "』", "«": "»", "＂": "＂\"",
    "＇": "＇'",
}  # fmt: skip
_ESCAPES = {"n": " ", "t": " ", "r": " ", "b": "", "f": "", "\n": " "}
NOTHING = frozenset({"none", "null", "nil", "undefined", "n/a"})


class Reader:
    """Reads one value that begins at a place of `text`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.breaks = [match.start() for match in re.finditer("\n", text)]
        self.at = 0
        self.parts = 0
        self.broken_off = False
        """The text ended inside of a "
        "value."""
        self.percent = False

    def line(self, at: int) -> int:
        return bisect_right(self.breaks, at - 1) + 1

    def read(self, start: int) -> Value:
        """The value at `start`; `self.at` is then behind it. Raises "
        "TooMuch."""
        self.at = start
        value = self._value(0)
        return Leaf(None, self.line(start)) if value is None else value

    def _next(self) -> re.Match[str] | None:
        """The next token that is neither space nor comment; the place moves behind "
        "it."""
        while (match := _TOKEN.match(self.text, self.at)) is not None:
            self.at = match.end()
            if match.lastgroup not in ("space", "comment"):
                return match
        return None

    def _value(self, depth: int) -> Value | None:
        """None at a closing bracket or the "
        "end."""
        match = self._next()
        self.parts += 1
        if depth > DEEPEST or self.parts > MOST_PARTS:
            raise TooMuch
        if match is None:
            self.broken_off = self.broken_off or depth > 0
            return None
        kind, line = match.lastgroup, self.line(match.start())
        if kind == "open":
            return self._container(depth, line)
        if kind == "close":
            self.at = match.start()
            return None
        if kind == "quote":
            return Leaf(self._string(match.group()), line, True)
        if match["number"] is not None:
            self.percent = self.percent or match["unit"] == "%"
            return Leaf(_number(match["number"]), line)
        if kind == "word":
            return self._word(match, line)
        return self._value(depth)  # a comma or colon too many

    def _word(self, match: re.Match[str], line: int) -> Leaf:
        """Bare words up to the next sign are one text: {name: a red "
        "cat}."""
        words = [match.group()]
        while (following := _TOKEN.match(self.text, self.at)) is not None:
            if following.lastgroup == "space" and "\n" not in following.group():
                self.at = following.end()
                continue
            if following.lastgroup != "word":
                break
            words.append(following.group())
            self.at = following.end()
        text = " ".join(words)
        return Leaf(None if text.lower() in NOTHING else text, line)

    def _container(self, depth: int, line: int) -> Value:
        """Items until the bracket that closes. It is a table as soon as one of them has a colon behind "
        "it."""
        row, table = Row(line=line), Table(line=line)
        while True:
            value = self._value(depth + 1)
            if value is None:
                self._close()
                break
            if isinstance(value, Leaf) and self._colon():
                held = self._value(depth + 1)
                if held is None:
                    self._close()
                    break
                table.items.append((_text(value), held))
            else:
                row.items.append(value)
        return table if table.items else row

    def _colon(self) -> bool:
        here = self.at
        match = self._next()
        if match is not None and match.lastgroup == "colon":
            return True
        self.at = here
        return False

    def _close(self) -> None:
        """Whatever bracket closes: models mix them "
        "up."""
        match = self._next()
        if match is None:
            self.broken_off = True

    def _string(self, quote: str) -> str:
        """To the quote that closes; an apostrophe inside of a word does "
        "not."""
        closers, letters = _CLOSERS.get(quote, quote), []
        while self.at < len(self.text):
            letter = self.text[self.at]
            self.at += 1
            if letter == "\\" and self.at < len(self.text):
                letters.append(self._escaped())
            elif self._ends(letter, closers):
                return "".join(letters)
            else:
                letters.append(letter)
        self.broken_off = True
        return "".join(letters)

    def _ends(self, letter: str, closers: str) -> bool:
        if letter == "\n":
            return "`" not in closers and self._looks_ended()
        return letter in closers and not (letter in "'’" and self._inside_a_word())

    def _escaped(self) -> str:
        letter = self.text[self.at]
        self.at += 1
        if letter == "u" and (code := re.match(r"[0-9a-fA-F]{4}", self.text[self.at : self.at + 4])):
            self.at += 4
            return chr(int(code.group(), 16))
        return _ESCAPES.get(letter, letter)

    def _inside_a_word(self) -> bool:
        before, after = self.text[self.at - 2 : self.at - 1], self.text[self.at : self.at + 1]
        return before.isalpha() and after.isalpha()

    def _looks_ended(self) -> bool:
        """A string that lost its last quote ends with the line, if the next line opens something of its "
        "own."""
        return re.match(r"\s*[\"'{\[\]})(]", self.text[self.at : self.at + 40]) is not None


def _number(text: str) -> float:
    return float(text.replace("_", "").replace("−", "-").replace("－", "-"))


def _text(leaf: Leaf) -> str:
    if isinstance(leaf.value, float):
        return f"{leaf.value:g}"
    return leaf.value or ""
