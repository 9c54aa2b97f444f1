"""What a word may be, for words no training sentence has: WordNet's nouns, adjectives and verbs, and word endings.

`words.txt.gz` is written by training/lexicon_words.py, where its letters are explained.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from .lexicon import words

if TYPE_CHECKING:
    from spacy.language import Language

WORDS = Path(__file__).parent / "words.txt.gz"
FUNCTION_WORDS = words(
    """
    a an the this that these those some any no not nor neither either each every all both and or but while as if
    when in on with near under behind beside inside above below over beneath underneath at by through between
    around across along against outside within upon atop towards toward into onto from for before after during
    without among amid beyond past off like of to up down out away than rather instead except minus plus per via
    is are was were be been being am 's 're n't has have had having does do did can could will would may might
    must should it he she they them him her his its their my your our we you i me us who which whose whom what
    where there here very so too also just only one two three four five six seven eight nine ten eleven twelve
    """
)
ENDINGS = ("ing", "ed", "ly", "ness", "tion", "ment", "ous", "ful", "less", "ish", "ic", "al", "ive", "able", "y", "s")


@lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    lines = gzip.decompress(WORDS.read_bytes()).decode().splitlines()[1:]
    return {word: classes for line in lines for classes, *found in [line.split(" ")] for word in found}


def words_of(*kinds: str) -> list[str]:
    """Words with exactly these letters, for the training sentences."""
    return [word for word, letters in _table().items() if letters in kinds]


@lru_cache(maxsize=20_000)
def classes(word: str) -> str:
    """Its own letters, then of its base form: P plural of a noun, Z verb with -s, G with -ing, D with -ed, C -er/-est;
    empty where nothing is known."""
    word = word.lower()
    found = _table().get(word, "")
    found = found.replace("d", "D").replace("s", "P")
    return found + "".join(sorted({mark for mark in _inflected(word) if mark not in found}))


def _inflected(word: str) -> Iterator[str]:
    for ending, wanted, mark in (("s", "n", "P"), ("s", "v", "Z"), ("ing", "v", "G"), ("ed", "v", "D"),
                                 ("er", "a", "C"), ("est", "a", "C")):  # fmt: skip
        bases = [_table().get(base, "").lower() for base in _bases(word, ending)]
        if any(wanted in base for base in bases):
            yield mark
            if mark == "P" and any("p" in base for base in bases):
                yield "p"


def _bases(word: str, ending: str) -> Iterator[str]:
    if not word.endswith(ending) or word.endswith("ss"):
        return
    stem = word[: -len(ending)]
    yield stem
    if ending != "s":
        yield stem + "e"
        if stem[-1:] == stem[-2:-1]:
            yield stem[:-1]
        if stem.endswith("i"):
            yield stem[:-1] + "y"
    elif stem.endswith("ie"):
        yield stem[:-2] + "y"
    elif stem.endswith("e"):
        yield stem[:-1]


def can_be_noun(word: str) -> bool:
    """Unknown words may be anything."""
    known = classes(word)
    return not known or any(letter in known for letter in "nNP")


def is_usually_verb(word: str) -> bool:
    """ "clings", "comes"; not "brushes"."""
    return any("V" in _table().get(base, "") for base in _bases(word.lower(), "s"))


def feature(word: str) -> str:
    """What the bundled model is shown in place of a word's first letter."""
    lower = word.lower()
    if lower in FUNCTION_WORDS:
        return "=" + lower
    if any(character.isdigit() for character in lower):
        return "#" if lower.isdigit() else "#x"
    if not any(character.isalpha() for character in lower):
        return "." + lower[:1]
    known = classes(lower)
    return known or "?" + next((ending for ending in ENDINGS if lower.endswith(ending)), "")


def teach(language: Language) -> None:
    """Makes the pipeline's PREFIX the word's classes. Words its tokenizer already knows are set again."""
    from spacy.attrs import PREFIX

    language.vocab.lex_attr_getters[PREFIX] = feature
    for lexeme in language.vocab:
        lexeme.prefix = language.vocab.strings.add(feature(lexeme.orth_))
