"""Which spaCy pipeline reads the prompt: the user's choice, else the bundled one, else the best one installed.

The bundled one comes first because it is the best by measurement, on every kind of prompt, and because handing the
sentences that it is not sure of to another makes it worse (evaluation/results/parser.md, doubt.py).

Nothing is downloaded, ever.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PromptUnderstandingError
from . import open_lexicon

if TYPE_CHECKING:
    from spacy.language import Language

AUTO = "auto"
BUNDLED = "bundled"
PACKAGES = ("en_core_web_trf", "en_core_web_lg", "en_core_web_md", "en_core_web_sm")
"""Best first."""
BUNDLED_PATH = Path(__file__).parent / "pipeline"


def installed_pipelines() -> list[str]:
    """English pipelines of spaCy's own that this Python has, best first."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is not None]


def pipeline_choices() -> list[str]:
    """What a user may choose; the first is the default."""
    return [AUTO, *installed_pipelines(), BUNDLED]


def load_pipeline(choice: str = AUTO) -> tuple[Language, str]:
    """A pipeline with tagger and parser, and its name with its version.

    `auto` takes an installed one where the bundled one does not load. Raises PromptUnderstandingError when spaCy is
    missing, when the pipeline asked for is not there, or when it does not load.
    """
    if choice != AUTO:
        return _load(_known(choice))
    try:
        return _load(BUNDLED)
    except PromptUnderstandingError:
        for name in installed_pipelines():
            try:
                return _load(name)
            except PromptUnderstandingError:
                # A pipeline made for another spaCy must not stop people who never asked for it.
                continue
        raise


def load_foreign(names: Sequence[str]) -> tuple[Language, str] | None:
    """The first of these that is installed and loads; None where there is none."""
    for name in names:
        if importlib.util.find_spec(name) is not None:
            try:
                return _load(name)
            except PromptUnderstandingError:
                continue
    return None


def _known(choice: str) -> str:
    if choice not in pipeline_choices():
        raise PromptUnderstandingError(
            f"The parser {choice!r} was asked for, but it is not installed. Choose one of "
            f"{', '.join(pipeline_choices())}, or install it into ComfyUI's Python with: python -m spacy download "
            f"{choice}"
        )
    return choice


@lru_cache(maxsize=2)
def _load(name: str) -> tuple[Language, str]:
    spacy = _spacy()
    try:
        language = spacy.load(BUNDLED_PATH if name == BUNDLED else name, exclude=["ner"])
    except Exception as error:  # spaCy raises many kinds: missing files, other versions, missing components
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise PromptUnderstandingError(
            f"The parser {name!r} does not load with spaCy {spacy.__version__} ({reason}). Choose 'bundled', or "
            "reinstall Prompt Understanding's requirements."
        ) from error
    if name == BUNDLED:
        open_lexicon.teach(language)
    if not language.has_pipe("parser"):
        raise PromptUnderstandingError(
            f"The parser {name!r} has no dependency parser (it has: {', '.join(language.pipe_names)}), so it cannot "
            "tell which word belongs to which. Choose 'bundled'."
        )
    return language, f"{name} {language.meta.get('version', '')}".strip()


def _spacy():  # noqa: ANN202  (the module, whose type is not importable where it is missing)
    try:
        import spacy
    except Exception as error:  # a half-installed spaCy fails with more than ImportError
        raise PromptUnderstandingError(
            f"Prompt Understanding reads prompts with spaCy, which cannot be imported ({type(error).__name__}: "
            f"{error}). Install it into ComfyUI's Python with: python -m pip install 'spacy>=3.7,<4'"
        ) from error
    return spacy
