"""Training batches, drawn without end in a process of their own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from ..network import LATENT_MEAN, LATENT_SCALE, POSITIONS
from ..scenes import render
from .captions import Example, make_example, vocabulary_texts

WORDS_MOST = 24
NOUN_SHARE, COLOUR_SHARE = 0.60, 0.25
"""Share of the attention inside an object's mask that its noun and its colour word are asked to hold."""
MAP = 16


@cache
def tokenizer():
    from comfy.sd1_clip import SDTokenizer

    return SDTokenizer().tokenizer


@cache
def tokenize(text: str) -> tuple[int, ...]:
    return tuple(tokenizer()(text)["input_ids"][1:-1])


def vocabulary() -> list[int]:
    """CLIP ids of every word piece a caption can hold, and the start mark."""
    return sorted({49406, *(token for text in vocabulary_texts() for token in tokenize(text))})


def word_positions(caption: str) -> list[tuple[str, range]]:
    """Each word with its places in the encoder's sequence (0 is the start mark). Commas are words."""
    place, words = 1, []
    for word in caption.replace(",", " ,").split():
        pieces = len(tokenize(word))
        words.append((word, range(place, place + pieces)))
        place += pieces
    return words


def encode_caption(caption: str, rows: dict[int, int]) -> tuple[list[int], int]:
    """Rows of the compact vocabulary, filled up to the model's length, and how many of them are not filling."""
    tokens = [49406, *(token for word in caption.replace(",", " ,").split() for token in tokenize(word))]
    return [rows.get(token, 0) for token in tokens] + [0] * (POSITIONS - len(tokens)), len(tokens)


def to_latent(image: np.ndarray) -> Tensor:
    """[height width 3] 0..1 -> [3 height width] as the network sees it."""
    mean = torch.tensor(LATENT_MEAN)[:, None, None]
    return (torch.from_numpy(image).permute(2, 0, 1) * 2 - 1 - mean) * LATENT_SCALE


def attention_target(example: Example, masks: np.ndarray) -> Tensor:
    """[WORDS_MOST MAP MAP]: the share of attention each position should hold; what is left belongs to the rest."""
    target = torch.zeros(WORDS_MOST, MAP, MAP)
    cells = torch.from_numpy(masks).reshape(len(masks), MAP, masks.shape[1] // MAP, MAP, -1).mean((2, 4))
    places: dict[str, list[range]] = {}
    for word, span in word_positions(example.caption):
        places.setdefault(word, []).append(span)
    nouns = {word for word, _, _ in example.grounding if word in _noun_words()}
    for word, occurrence, named in example.grounding:
        span = places[word][occurrence]
        if named:
            share = (NOUN_SHARE if word in nouns else COLOUR_SHARE) / len(span)
            target[span.start : span.stop] += share * cells[list(named)].sum(0).clamp(max=1)
    return target


@cache
def _noun_words() -> frozenset[str]:
    from ..scenes import SHAPES
    from .captions import plural

    return frozenset({*SHAPES, *map(plural, SHAPES)})


def grounded_positions(example: Example) -> Tensor:
    """[WORDS_MOST] bool: positions of the words that name something, present or missing."""
    flags = torch.zeros(WORDS_MOST, dtype=torch.bool)
    named = {word for word, _, _ in example.grounding}
    for word, span in word_positions(example.caption):
        if word in named:
            flags[span.start : span.stop] = True
    return flags


class Batches(IterableDataset):
    """Dicts of: latent [b 3 64 64], rows [b 77], lengths [b], target [b WORDS_MOST 16 16], grounded [b WORDS_MOST]."""

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        self.rows = {token: row + 1 for row, token in enumerate(vocabulary())}

    def _one(self, rng: np.random.Generator) -> tuple:
        example = make_example(rng)
        image, masks = render(example.scene, rng)
        rows, length = encode_caption(example.caption, self.rows)
        return (
            to_latent(image),
            torch.tensor(rows),
            length,
            attention_target(example, masks),
            grounded_positions(example),
        )

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        torch.set_num_threads(1)
        while True:
            latents, rows, lengths, targets, flags = zip(*(self._one(rng) for _ in range(self.size)), strict=True)
            yield {
                "latent": torch.stack(latents),
                "rows": torch.stack(rows),
                "lengths": torch.tensor(lengths),
                "target": torch.stack(targets),
                "grounded": torch.stack(flags),
            }


def batches(size: int, seed: int) -> Iterator[dict[str, Tensor]]:
    return iter(DataLoader(Batches(size, seed), batch_size=None, num_workers=1, prefetch_factor=4))
