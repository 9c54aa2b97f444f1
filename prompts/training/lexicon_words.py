"""Packs WordNet's words into prompts/words.txt.gz: python prompts/training/lexicon_words.py /usr/share/wordnet

WordNet 3.0 as in Debian's package wordnet-base; Princeton's licence allows copies with its notice, which stands in the
first line. A line is a set of classes and the words that have it: n noun, a adjective, v verb, r adverb, the usual one
as a capital, and p where the noun's first meaning is a thing that can be drawn. Irregular forms have d (of a verb) and
s (plural of a noun).
"""

from __future__ import annotations

import gzip
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "words.txt.gz"
NOTICE = "WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved. wordnet.princeton.edu/license"
FILES = {"n": "data.noun", "a": "data.adj", "v": "data.verb", "r": "data.adv"}
KINDS = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
DRAWN = {"05", "06", "08", "13", "14", "15", "17", "18", "19", "20", "25", "27"}
"""Lexicographer files of animals, artefacts, bodies, food, groups, places, objects, people, phenomena, plants, shapes
and substances."""
USUAL = 0.6
"""Share of its counted uses from which a class is the usual one."""


def main() -> None:
    folder = Path(sys.argv[1])
    uses = _uses(folder)
    drawn = _drawn(folder)
    lines: dict[str, list[str]] = defaultdict(list)
    verbs, nouns = _irregular(folder, "verb.exc"), _irregular(folder, "noun.exc")
    for word in sorted(uses.keys() | verbs | nouns):
        forms = "d" * (word in verbs) + "s" * (word in nouns)
        lines[_classes(uses.get(word, {})) + "p" * (word in drawn) + forms].append(word)
    text = NOTICE + "\n" + "".join(f"{classes} {' '.join(found)}\n" for classes, found in sorted(lines.items()))
    OUT.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{OUT}: {sum(map(len, lines.values()))} words, {OUT.stat().st_size / 1000:.0f} kB")


def _entries(folder: Path, name: str) -> Iterator[tuple[str, str, list[str]]]:
    """(offset, lexicographer file, words) of each meaning; words with capitals are names."""
    for line in (folder / name).read_text("utf-8").splitlines():
        if not line.startswith(" "):
            fields = line.split(" ")
            yield fields[0], fields[1], [fields[4 + 2 * i].split("(")[0] for i in range(int(fields[3], 16))]


def _uses(folder: Path) -> dict[str, dict[str, int]]:
    """Word -> class -> how often it was counted, plus one."""
    uses: dict[str, dict[str, int]] = defaultdict(dict)
    for kind, name in FILES.items():
        for _, _, found in _entries(folder, name):
            for word in found:
                if word.isalpha() and word.isascii() and word.islower() and len(word) > 1:
                    uses[word][kind] = 1
    for line in (folder / "cntlist.rev").read_text("utf-8").splitlines():
        key, _, count = line.split()
        word, _, sense = key.partition("%")
        if KINDS[sense[0]] in uses.get(word, {}):
            uses[word][KINDS[sense[0]]] += int(count)
    return uses


def _irregular(folder: Path, name: str) -> set[str]:
    forms = {line.split()[0] for line in (folder / name).read_text("utf-8").splitlines()}
    return {form for form in forms if form.isalpha() and form.isascii() and form.islower()}


def _classes(counts: dict[str, int]) -> str:
    total = sum(counts.values())
    return "".join(kind.upper() if counts[kind] > USUAL * total else kind for kind in "navr" if kind in counts)


def _drawn(folder: Path) -> set[str]:
    places = {offset: file for offset, file, _ in _entries(folder, "data.noun")}
    found = set()
    for line in (folder / "index.noun").read_text("utf-8").splitlines():
        fields = line.split()
        if not line.startswith(" ") and places[fields[6 + int(fields[3])]] in DRAWN:
            found.add(fields[0])
    return found


if __name__ == "__main__":
    main()
