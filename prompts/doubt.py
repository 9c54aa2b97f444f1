"""Which words the pipeline's tagger is not sure of: the report says so.

Measured on the fresh prompts (evaluation/results/parser.md): where it is sure of every word, the bundled pipeline reads
98 of 100 prompts rightly, else 81. Handing those others to en_core_web_md or sm gets fewer of them right, at every
threshold, so that `auto` does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

SURE = 0.97
"""Probability of the tag."""


def unsure_words(language: Language, docs: Sequence[Doc]) -> list[str]:
    """In the order of the text; none where the pipeline's tagger gives no probabilities."""
    if not docs or not {"tagger", "tok2vec"} <= set(language.pipe_names):
        return []
    tagger = language.get_pipe("tagger")
    found = []
    for doc, scores in zip(docs, tagger.model.predict(docs), strict=True):  # pyright: ignore[reportAttributeAccessIssue]
        sure = _softmax(scores).max(axis=1)
        found += [token.text for token in doc if token.is_alpha and sure[token.i] < SURE]
    return list(dict.fromkeys(found))


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
