"""Trains the bundled pipeline and writes it to prompts/pipeline: python prompts/training/build.py

A few minutes on one core, no network, the same result for the same seed and library versions. Plain spaCy components
only (tok2vec, tagger, parser, attribute_ruler, lemmatizer), so that any spaCy 3.7+ loads it.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import random
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VERSION = "1.2.0"
WIDTH = 64
BATCH = 64
TAG_TO_POS = {
    "NN": "NOUN", "NNS": "NOUN", "NNP": "PROPN", "JJ": "ADJ", "VBN": "VERB", "VBG": "VERB", "VBZ": "VERB",
    "VBP": "VERB", "VBD": "VERB", "VB": "VERB", "PRP": "PRON", "TO": "PART", "RP": "ADP", "DT": "DET",
    "CD": "NUM", "IN": "ADP", "CC": "CCONJ", "RB": "ADV", "PRP$": "PRON", "POS": "PART", "WDT": "PRON", "WP$": "DET",
    "EX": "PRON", "MD": "AUX", "HYPH": "PUNCT", ",": "PUNCT", ".": "PUNCT", ":": "PUNCT",
}  # fmt: skip
BE = ("is", "are", "was", "were", "be", "been", "being", "am")
PLURAL_RULES = [["ves", "f"], ["ves", "fe"], ["ies", "y"], ["es", ""], ["s", ""]]

CONFIG = {
    "nlp": {"lang": "en", "pipeline": ["tok2vec", "tagger", "parser"]},
    "components": {
        "tok2vec": {
            "factory": "tok2vec",
            "model": {
                "@architectures": "spacy.Tok2Vec.v2",
                "embed": {
                    "@architectures": "spacy.MultiHashEmbed.v2",
                    "width": WIDTH,
                    "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
                    "rows": [6000, 1000, 1500, 300],
                    "include_static_vectors": False,
                },
                "encode": {
                    "@architectures": "spacy.MaxoutWindowEncoder.v2",
                    "width": WIDTH,
                    "depth": 4,
                    "window_size": 1,
                    "maxout_pieces": 3,
                },
            },
        },
        "tagger": {
            "factory": "tagger",
            "model": {
                "@architectures": "spacy.Tagger.v2",
                "tok2vec": {"@architectures": "spacy.Tok2VecListener.v1", "width": WIDTH},
            },
        },
        "parser": {
            "factory": "parser",
            "min_action_freq": 20,
            "model": {
                "@architectures": "spacy.TransitionBasedParser.v2",
                "state_type": "parser",
                "extra_state_tokens": False,
                "hidden_width": 64,
                "maxout_pieces": 2,
                "use_upper": True,
                "tok2vec": {"@architectures": "spacy.Tok2VecListener.v1", "width": WIDTH},
            },
        },
    },
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--prompts", type=int, default=28_000, help="generated prompts to learn from")
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--out", type=Path, default=ROOT / "prompts" / "pipeline")
    wanted = options.parse_args()
    language = train(wanted.prompts, wanted.epochs, wanted.seed)
    add_rules(language)
    save(language, wanted.out)


def train(prompts: int, epochs: int, seed: int) -> Any:
    """Tagger and parser on generated prompts. Prints the loss and the score on fresh prompts after each epoch."""
    import spacy
    from spacy.util import fix_random_seed, minibatch

    from .. import open_lexicon

    fix_random_seed(seed)
    language = spacy.blank("en").from_config(CONFIG)
    open_lexicon.teach(language)
    examples = list(_examples(language, prompts, seed))
    fresh = list(_examples(language, 500, seed + 1))
    optimizer = language.initialize(lambda: examples[:4000])
    rng = random.Random(seed)
    steps, begun = 0, time.monotonic()
    total = epochs * (len(examples) // BATCH + 1)
    for epoch in range(epochs):
        rng.shuffle(examples)
        losses: dict[str, float] = {}
        for batch in minibatch(examples, BATCH):
            # A straight line down to a tenth: the last prompts polish, the first ones teach.
            optimizer.learn_rate = 0.002 * (1 - 0.9 * steps / total)
            language.update(batch, sgd=optimizer, losses=losses, drop=0.1)
            steps += 1
        scores = language.evaluate(fresh)
        shown = {name: f"{scores[name]:.4f}" for name in ("tag_acc", "dep_uas", "dep_las")}
        print(f"epoch {epoch + 1}/{epochs}", {name: round(loss) for name, loss in losses.items()}, shown,
              f"{time.monotonic() - begun:.0f} s", flush=True)  # fmt: skip
    return language


def _examples(language: Any, count: int, seed: int) -> Iterator[Any]:
    from spacy.tokens import Doc
    from spacy.training import Example

    from .sentences import corpus

    for sentence in corpus(count, seed):
        plain = Doc(language.vocab, words=sentence.words, spaces=sentence.spaces)
        gold = Doc(
            language.vocab, words=sentence.words, spaces=sentence.spaces, tags=sentence.tags, deps=sentence.deps,
            heads=sentence.heads,
        )  # fmt: skip
        yield Example(plain, gold)


def add_rules(language: Any) -> None:
    """Part of speech from the tag, and lemmas of plurals from a list and a few endings."""
    from spacy.lookups import Lookups

    ruler = language.add_pipe("attribute_ruler")
    for tag, pos in TAG_TO_POS.items():
        # The lemmatizer leaves singular nouns alone, so it has to be told which they are.
        number = {"NN": {"MORPH": "Number=Sing"}, "NNS": {"MORPH": "Number=Plur"}}.get(tag, {})
        ruler.add([[{"TAG": tag}]], {"POS": pos, **number})
    for word in BE:
        ruler.add([[{"LOWER": word}]], {"POS": "AUX"})
    lookups = Lookups()
    lookups.add_table("lemma_rules", {"noun": PLURAL_RULES})
    lookups.add_table("lemma_exc", {"noun": dict(_irregular())})
    lookups.add_table("lemma_index", {"noun": sorted(_nouns())})
    language.add_pipe("lemmatizer", config={"mode": "rule"}).initialize(lookups=lookups)


def _irregular() -> Iterable[tuple[str, list[str]]]:
    from .vocabulary import IRREGULAR

    return ((plural, [singular]) for singular, plural in IRREGULAR.items())


def _nouns() -> set[str]:
    from .phrases import CONCRETE
    from .vocabulary import COMPOUNDS, MATERIALS, MEDIA

    return {*CONCRETE, *COMPOUNDS, *MATERIALS, *MEDIA}


def save(language: Any, path: Path) -> None:
    language.meta.update(
        name="prompt_understanding", version=VERSION, license="GPL-3.0-or-later", author="Prompt Understanding",
        description="Reads English image prompts: tags, dependencies, lemmas. Trained on generated prompts only.",
        spacy_version=">=3.7.0,<4.0.0",
    )  # fmt: skip
    shutil.rmtree(path, ignore_errors=True)
    language.to_disk(path)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    print(f"{path}: {size / 1e6:.1f} MB")


def _as_part_of_the_pack() -> None:
    """Relative imports need the pack around them, whatever its folder is called."""
    spec = importlib.util.spec_from_file_location("pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert spec and spec.loader
    sys.modules["pack"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]
    importlib.import_module("pack.prompts.training.build").main()


if __name__ == "__main__":
    _as_part_of_the_pack()
