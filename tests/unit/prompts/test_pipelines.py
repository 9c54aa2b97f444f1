"""Which parser reads the prompt, and what is said when it cannot."""

import builtins
import shutil
import sys

import numpy as np
import pytest
from pack.errors import PromptUnderstandingError
from pack.prompts import doubt, pick_subjects, pipelines, report
from plain_tokens import parse


@pytest.fixture(autouse=True)
def fresh():
    pipelines._load.cache_clear()
    yield
    pipelines._load.cache_clear()


@pytest.fixture()
def installed(tmp_path, monkeypatch):
    """A package with the name of spaCy's small model, holding our pipeline."""
    package = tmp_path / "en_core_web_sm"
    shutil.copytree(pipelines.BUNDLED_PATH, package / "data")
    (package / "__init__.py").write_text(
        "from pathlib import Path\nimport spacy\ndef load(**options):\n    return "
        "spacy.load(Path(__file__).parent / 'data', **options)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("spacy.util.is_package", lambda name: name == "en_core_web_sm")
    yield package
    sys.modules.pop("en_core_web_sm", None)


def test_bundled_is_used_when_nothing_is_installed(monkeypatch):
    monkeypatch.setattr(pipelines, "installed_pipelines", list)
    assert pipelines.load_pipeline()[1].startswith("bundled 1.")
    assert pipelines.pipeline_choices() == ["auto", "bundled"]


def test_the_bundled_one_is_taken_where_others_are_installed_too(installed):
    assert pipelines.installed_pipelines()[-1] == "en_core_web_sm"
    assert pipelines.load_pipeline()[1].startswith("bundled")
    assert pipelines.load_pipeline("en_core_web_sm")[1].startswith("en_core_web_sm")


def test_an_installed_one_is_taken_where_the_bundled_one_is_broken(installed, tmp_path, monkeypatch):
    monkeypatch.setattr(pipelines, "BUNDLED_PATH", tmp_path / "gone")
    assert pipelines.load_pipeline()[1].startswith("en_core_web_sm")
    (installed / "data" / "config.cfg").write_text("not a config")
    pipelines._load.cache_clear()
    with pytest.raises(PromptUnderstandingError, match="'bundled' does not load"):
        pipelines.load_pipeline()


def test_a_broken_one_is_refused_where_it_is_asked_for(installed):
    (installed / "data" / "config.cfg").write_text("not a config")
    with pytest.raises(PromptUnderstandingError, match="'en_core_web_sm' does not load.*Choose 'bundled'"):
        pipelines.load_pipeline("en_core_web_sm")


def test_one_that_is_not_there_is_refused_with_the_choices():
    with pytest.raises(PromptUnderstandingError, match="'en_core_web_xx' was asked for.*auto.*bundled"):
        pipelines.load_pipeline("en_core_web_xx")


def test_what_the_tagger_is_not_sure_of_is_the_softmax_of_its_scores():
    """Tags of three words with logits (0, ln 99), (0, 0), (ln 3, 0): 99 %, 50 % and 75 % sure."""
    scores = np.log(np.array([[1, 99], [1, 1], [3, 1]], np.float32))
    assert doubt._softmax(scores).max(axis=1) == pytest.approx([0.99, 0.5, 0.75])


def test_the_report_says_what_the_parser_is_not_sure_of():
    sure, unsure = parse("a red cat and a blue dog"), parse("blorked fleem glorps the snarfy trimp")
    assert sure.unsure == () and "Not sure of" not in report(sure)
    assert unsure.unsure and f"Not sure of: {', '.join(unsure.unsure)}. Check the subjects" in report(unsure)
    assert set(unsure.unsure) <= set(unsure.plain.split())
    assert pick_subjects(unsure, "trimp").unsure == ()


def test_without_spacy_a_sentence_says_how_to_get_it(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **options):
        if name == "spacy":
            raise ImportError("No module named 'spacy'")
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PromptUnderstandingError, match="cannot be imported.*pip install"):
        pipelines.load_pipeline()
