"""How well prompts are read: `python run.py bench -- --only parser`, on the labelled prompts in tests/data/gold.

A line of a gold file is `prompt => groups ! denied`: groups and denied nouns are separated by ";", the last word of a
group is the noun, those before it describe it, and "?" marks what is right either way. `\\n`, `\\r` and `\\t` are
written out. "# kind" opens a kind of prompts. `seen.txt` and `set_aside.txt` have been looked at while rules were
made, `fresh.txt` was labelled before its author had read a rule, and is only counted.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ..prompts import parse_prompt
from ..prompts.pipelines import AUTO, BUNDLED, installed_pipelines
from ..prompts.types import ParsedPrompt, Token

GOLD = Path(__file__).resolve().parents[1] / "tests" / "data" / "gold"
HALVES = ("seen", "set_aside", "fresh")
LENGTH = 512
UNWRITTEN = {"\\n": "\n", "\\r": "\r", "\\t": "\t"}
Group = tuple[str, frozenset[str]]


@dataclass(frozen=True)
class Labelled:
    kind: str
    text: str
    groups: tuple[Group, ...]
    either_way: frozenset[str]
    denied: tuple[str, ...]

    def judge(self, found: list[Group], denied: list[str]) -> tuple[bool, int, int, int]:
        """(exact, right groups, groups found, groups wanted); what is right either way counts for nothing."""
        got, want = Counter(group for group in found), Counter(self.groups)
        free = Counter({group: n for group, n in (got - want).items() if group[0] in self.either_way})
        got -= free
        right = sum((got & want).values())
        said = not self.denied or Counter(denied) == Counter(self.denied)
        return got == want and said, right, sum(got.values()), sum(want.values())


def gold(half: str) -> Iterator[Labelled]:
    kind = ""
    for line in (GOLD / f"{half}.txt").read_text("utf-8").splitlines():
        if line.startswith("# "):
            kind = line[2:]
        elif line:
            yield _labelled(kind, line)


def _labelled(kind: str, line: str) -> Labelled:
    text, _, labels = line.rpartition(" => ")
    for written, meant in UNWRITTEN.items():
        text = text.replace(written, meant)
    groups, _, denied = labels.partition("!")
    parts = [part.strip().lower() for part in groups.split(";") if part.strip()]
    return Labelled(
        kind, text, tuple(_group(part) for part in parts if part[0] != "?"),
        frozenset(_group(part[1:])[0] for part in parts if part[0] == "?"),
        tuple(noun.strip().lower() for noun in denied.split(";") if noun.strip()),
    )  # fmt: skip


def _group(text: str) -> Group:
    *modifiers, noun = text.split()
    return noun, frozenset(modifiers)


def measure(say: Callable[[str], None], halves: tuple[str, ...] = HALVES) -> dict[str, Any]:
    """For each pipeline that is here, half and kind: exact prompts, precision and recall of groups, milliseconds."""
    results: dict[str, Any] = {}
    for pipeline in [BUNDLED, *installed_pipelines(), AUTO]:
        read("a cat", pipeline)  # loads it
        for half in halves:
            results.setdefault(pipeline, {})[half] = _kinds(list(gold(half)), pipeline)
        say(f"{pipeline}: {_totals(results[pipeline])}")
    return results


def read(text: str, pipeline: str) -> ParsedPrompt:
    # No encoder: positions cost the same for every pipeline and are not what is measured.
    return parse_prompt(text, (Token(0, "", "start"),), LENGTH, "none", pipeline)


def _kinds(rows: list[Labelled], pipeline: str) -> dict[str, dict[str, float]]:
    return {kind: _score([row for row in rows if row.kind == kind], pipeline) for kind in {row.kind: 0 for row in rows}}


def _score(rows: list[Labelled], pipeline: str) -> dict[str, float]:
    exact, right, found, wanted, sure, sure_and_exact = 0, 0, 0, 0, 0, 0
    times = []
    for row in rows:
        begun = time.process_time()  # of this program alone, whatever else the machine does
        prompt = read(row.text, pipeline)
        times.append(1000 * (time.process_time() - begun))
        groups = [(s.noun.text.lower(), frozenset(word.text.lower() for word in s.modifiers)) for s in prompt.subjects]
        judged = row.judge(groups, [subject.noun.text.lower() for subject in prompt.excluded])
        sure += not prompt.unsure
        sure_and_exact += judged[0] and not prompt.unsure
        exact, right, found, wanted = (a + b for a, b in zip((exact, right, found, wanted), judged, strict=True))
    return {
        "prompts": len(rows), "exact": exact / len(rows), "precision": right / max(found, 1),
        "recall": right / max(wanted, 1), "milliseconds": median(times), "sure": sure,
        "sure_and_exact": sure_and_exact,
    }  # fmt: skip


def _totals(halves: dict[str, dict[str, dict[str, float]]]) -> str:
    return "; ".join(
        f"{half}: " + ", ".join(f"{kind} {100 * score['exact']:.0f} %" for kind, score in kinds.items())
        for half, kinds in halves.items()
    )
