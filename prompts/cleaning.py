"""Plain text -> the pieces a parser is shown: sentences, lines, tags. Each letter keeps its place in the plain text.

What is no language is taken out (emoji, quotes, `<lora:…>`, `--ar 16:9`, `::2`, the brackets of other tools), white
space is white space, and BREAK, AND and line ends are borders that no grammar crosses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .not_things import tag_reason
from .open_lexicon import FUNCTION_WORDS, classes
from .spans import embeddings

NOWHERE = -1
"""Origin of letters that the user did not write."""
BORDER = "\n"
LONGEST = 250
"""Words of a sentence."""


class Letter(NamedTuple):
    text: str
    origin: int


@dataclass(frozen=True)
class Piece:
    """One sentence or tag. `text[i]` stands at `origins[i]` of the plain text."""

    text: str
    origins: tuple[int, ...]
    is_tag: bool = False


@dataclass(frozen=True)
class Rule:
    """Syntax that is no language: `pattern` becomes `shown`; `literal` names it where ComfyUI draws it as text."""

    pattern: re.Pattern[str]
    shown: str = " "
    literal: str = ""


def _rule(pattern: str, shown: str = " ", literal: str = "", flags: int = 0) -> Rule:
    return Rule(re.compile(pattern, flags), shown, literal)


NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)"
RULES = (
    _rule(r"\bnegative prompt\s*:.*", " ", "Negative prompt:", re.IGNORECASE | re.DOTALL),
    _rule(r"</?[A-Za-z]\w*:[^<>\n]*>", literal="<lora:…>"),
    _rule(r"(?<!\S)(?:--|—)no\b", " , no ", "--no"),
    _rule(r"(?<!\S)(?:--|—)(?:style|niji|q|quality|profile)\s+[\w.]+", literal="--style"),
    _rule(r"(?<!\S)(?:--|—)[a-z]{1,12}\b(?:\s+[\d.:/x]+)?(?=\s|$)", literal="--ar 16:9"),
    _rule(rf"::\s*(?:{NUMBER})?", BORDER, "::2"),
    _rule(r"\bBREAK\b", BORDER, "BREAK"),
    _rule(r"__[\w/-]+__", literal="__wildcard__"),
    _rule(r"(?:(?<=[,;\n])|^)\s*(?:steps|seed|cfg(?: scale)?|sampler|size|clip skip|model|denoising(?: strength)?)"
          r"\s*:?\s*\d[\w.x]*\s*(?=[,;\n]|$)", " ", "steps: 30", re.IGNORECASE),
    _rule(rf"(?<![\d\s]):\s*{NUMBER}(?=\s*(?:[,;.\n\])]|$))", " ", "word:1.2 without brackets"),
    _rule(r"^\s*(?:positive )?prompts?\s*:", " ", "", re.IGNORECASE),
    _rule(r"(?m)^[ \t]*(?:[-*•–+]|\d{1,2}[.)])[ \t]+", " "),
    _rule(r"…|\.{2,}|\s[—–-]{1,2}\s|[|•¦;]", BORDER),
    _rule(r"\s*(?:\r\n|[\n\r\v\f\x85\u2028\u2029])\s*", BORDER),
)  # fmt: skip
SHOUT = re.compile(r"(?m)^\s*[A-Z]{2,}!+(?=\s)")
""" "WOW!!! a rocket" """
SCHEDULED = re.compile(rf"\[([^\[\]:|]*):([^\[\]:|]*):\s*{NUMBER}\s*\]")
CHOICE = re.compile(r"\{([^{}]*\|[^{}]*)\}|\[([^\[\]:]*\|[^\[\]]*)\]")
SQUARE = re.compile(r"\[[^\[\]]+\]")
SENTENCE_END = re.compile(r"(?<!\b[A-Z])(?<!\bMr)(?<!\bMrs)(?<!\bDr)(?<!\bSt)[.!?]+(?=\s|$|[A-Z])")
QUOTES = set('"“”„«»‹›`´〝〞「」『』*~^\\<>[]{}=')
APOSTROPHES = set("'’‘‛ʼ")


@dataclass(frozen=True)
class Cleaned:
    pieces: tuple[Piece, ...]
    literal: tuple[str, ...] = ()
    """Syntax of other tools that ComfyUI takes literally."""


def clean(plain: str) -> Cleaned:
    letters = [Letter(character, i) for i, character in enumerate(plain)]
    letters = _stand_ins(letters, plain)
    letters, literal = _without_syntax(letters)
    pieces: list[Piece] = []
    for block in _split(_without_signs(letters), BORDER):
        pieces += _pieces(block)
    return Cleaned(tuple(piece for piece in pieces if piece.text), tuple(dict.fromkeys(literal)))


def _stand_ins(letters: list[Letter], plain: str) -> list[Letter]:
    """An embedding's name is shown to the parser as one unknown noun."""
    for start, stop in embeddings(plain):
        name = "embeddingname".ljust(stop - start, "x")[: stop - start]
        letters[start:stop] = [Letter(letter, start + i) for i, letter in enumerate(name)]
    return letters


def _without_syntax(letters: list[Letter]) -> tuple[list[Letter], list[str]]:
    literal: list[str] = []
    text = _text(letters)
    if "[" in text or "{" in text:
        letters, found = _choices(letters)
        literal += found
    if not text.isupper():
        letters = _replaced(letters, re.compile(r"\bAND\b"), BORDER)
        letters = _replaced(letters, SHOUT, BORDER)
    for rule in RULES:
        before = len(letters), _text(letters)
        letters = _replaced(letters, rule.pattern, rule.shown)
        if rule.literal and before != (len(letters), _text(letters)):
            literal.append(rule.literal)
    return letters, literal


def _text(letters: list[Letter]) -> str:
    return "".join(letter.text for letter in letters)


def _replaced(letters: list[Letter], pattern: re.Pattern[str], shown: str) -> list[Letter]:
    kept: list[Letter] = []
    at = 0
    for match in pattern.finditer(_text(letters)):
        kept += letters[at : match.start()]
        kept += [Letter(letter, NOWHERE) for letter in shown]
        at = match.end()
    return kept + letters[at:]


def _choices(letters: list[Letter]) -> tuple[list[Letter], list[str]]:
    """`{a|b}` is read as "a or b", `[a:b:0.5]` as "a and b"; other square brackets only come off."""
    text = _text(letters)
    literal = ["[from:to:0.5]"] if SCHEDULED.search(text) else []
    literal += ["{a|b}"] if CHOICE.search(text) else []
    letters = _joined(letters, SCHEDULED, ":", " and ", drop_last=True)
    letters = _joined(letters, CHOICE, "|", " or ", drop_last=False)
    return letters, literal + (["[x]"] if SQUARE.search(_text(letters)) else [])


def _joined(letters: list[Letter], pattern: re.Pattern[str], mark: str, word: str, drop_last: bool) -> list[Letter]:
    kept: list[Letter] = []
    at = 0
    for match in pattern.finditer(_text(letters)):
        kept += letters[at : match.start()]
        parts = _split(letters[match.start() + 1 : match.end() - 1], mark)
        parts = [part for part in (parts[:-1] if drop_last else parts) if _text(part).strip()]
        for i, part in enumerate(parts):
            kept += [Letter(letter, NOWHERE) for letter in word] if i else []
            kept += part
        at = match.end()
    return kept + letters[at:]


def _split(letters: list[Letter], mark: str) -> list[list[Letter]]:
    parts: list[list[Letter]] = [[]]
    for letter in letters:
        if letter.text == mark:
            parts.append([])
        else:
            parts[-1].append(letter)
    return parts


def _without_signs(letters: list[Letter]) -> list[Letter]:
    text = _text(letters)
    return [_plain_letter(text, i, letter) for i, letter in enumerate(letters)]


def _plain_letter(text: str, i: int, letter: Letter) -> Letter:
    character = letter.text
    if character == BORDER or character.isascii() and character.isalnum():
        return letter
    if character in APOSTROPHES:
        inside = 0 < i < len(text) - 1 and text[i - 1].isalnum() and text[i + 1].isalnum()
        return Letter("'" if inside else " ", letter.origin)
    if character.isspace() or character in QUOTES or unicodedata.category(character) in (
        "So", "Sk", "Cs", "Cn", "Cf", "Cc", "Co", "Me"
    ) or 0xFE00 <= ord(character) <= 0xFE0F:  # fmt: skip
        return Letter(" ", letter.origin)
    return letter


# --- pieces ---


def _pieces(block: list[Letter]) -> Iterator[Piece]:
    sentences = list(_sentences(block))
    is_caption = sum(_is_said(sentence) for sentence in sentences) > 1
    for sentence in sentences:
        tags = _commas(sentence)
        if _is_list(tags) and not (is_caption and _is_said(sentence) and len(tags) == 1):
            yield from (_piece(tag, is_tag=True) for tag in tags)
        else:
            yield _piece(sentence)


def _is_said(sentence: list[Letter]) -> bool:
    """A sentence of several words with a capital and a stop, not "8k." """
    text = _text(sentence).strip()
    return text[:1].isupper() and text.endswith(".") and " " in text and tag_reason(text) is None


def _sentences(block: list[Letter]) -> Iterator[list[Letter]]:
    text, at = _text(block), 0
    for match in SENTENCE_END.finditer(text):
        yield from _short_enough(block[at : match.end()])
        at = match.end()
    yield from _short_enough(block[at:])


def _short_enough(sentence: list[Letter]) -> Iterator[list[Letter]]:
    """Nobody's sentence is longer; a text without any stop must not take minutes."""
    words, start = 0, 0
    for i, letter in enumerate(sentence):
        words += letter.text == " "
        if words == LONGEST or i - start == LONGEST * 20:
            yield sentence[start:i]
            words, start = 0, i
    yield sentence[start:]


def _piece(letters: list[Letter], is_tag: bool = False) -> Piece:
    """White space collapsed, with a mark at the end, which keeps the grammar from looking across."""
    kept: list[Letter] = []
    for letter in letters:
        if letter.text == " " and (not kept or kept[-1].text == " "):
            continue
        kept.append(letter)
    while kept and kept[-1].text in " ,.":
        kept.pop()
    while kept and kept[0].text in " ,.":
        kept.pop(0)
    if not kept:
        return Piece("", ())
    if kept[-1].text not in "!?":
        kept.append(Letter("," if is_tag else ".", NOWHERE))
    return Piece(_text(kept), tuple(letter.origin for letter in kept), is_tag)


def _commas(sentence: list[Letter]) -> list[list[Letter]]:
    """Cut at commas; "a shiny, purple sphere" stays whole."""
    parts: list[list[Letter]] = []
    for part in _split(sentence, ","):
        words = _text(part).split()
        if not words:
            continue
        if parts and _waits_for_a_noun(_last_phrase(_text(parts[-1]))) and words[0].lower() not in ("a", "an", "the"):
            parts[-1] += [Letter(",", NOWHERE), Letter(" ", NOWHERE), *part]
        else:
            parts.append(list(part))
    return parts


def _last_phrase(text: str) -> list[str]:
    """From its last article on: "a quiet" of "seeds float above a quiet"."""
    words = text.split()
    articles = [i for i, word in enumerate(words) if word.lower() in ("a", "an", "the")]
    return words[articles[-1] :] if articles else words


def _waits_for_a_noun(words: list[str]) -> bool:
    if not words or words[0].lower() not in ("a", "an", "the", "some", "two", "three"):
        return False
    last = words[-1].lower().strip(",")
    known = classes(last.rpartition("-")[2])
    return len(words) > 1 and not set(known) & set("NP") and bool(set(known) & set("AaDG")) and len(words) <= 6


def _is_list(tags: list[list[Letter]]) -> bool:
    """Tags, or a sentence with a tail of tags: most parts are short and have no grammar of their own."""
    texts = [_text(tag).strip() for tag in tags]
    if len(texts) < 2:
        return bool(texts) and _is_short(texts[0]) and texts[0][:1] not in "\"'" and _bare(texts[0])
    short = sum(_is_short(text) for text in texts)
    return short * 2 >= len(texts) and all(_bare(text) or i == 0 for i, text in enumerate(texts[:2]))


def _bare(text: str) -> bool:
    """Does not go on with a sentence: "and a dog", "which is red", "while …"."""
    first = text.split()[0].lower() if text.split() else ""
    return first not in (
        "and", "or", "but", "which", "who", "that", "while", "as", "one", "curl", "it", "he", "she", "they", "there",
    )  # fmt: skip


def _is_short(text: str) -> bool:
    words = [word.lower() for word in text.split()]
    if not words or len(words) > 5:
        return False
    return not (set(words) & (FUNCTION_WORDS - {"on", "in", "at", "of", "from", "with", "no", "own", "up", "down"}))
