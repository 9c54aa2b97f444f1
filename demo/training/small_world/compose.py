"""Scenes -> pictures, on the device that trains: cut-outs are pasted by index, nothing is drawn in Python."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...small_world.drawings import resized
from ...small_world.grounds import GROUNDS, draw_grounds
from ...small_world.words import COLOURS, NOUNS, STYLES
from .scenes import CELL, PICTURE, SIZES, SLOTS, Example, make_example

WORDS_MOST = 28
NOUN_SHARE, COLOUR_SHARE = 0.50, 0.20
"""Share of the attention inside a thing's mask that its noun and its colour word are asked to hold."""
MAP = PICTURE // CELL
GROUND_BANK = 48


@dataclass
class Scenes:
    """Examples as tensors; the first dimension of each is the example."""

    cutout: Tensor
    """[n SLOTS] int16: number in the bank, -1 where there is no thing."""
    box: Tensor
    """[n SLOTS 3] uint8: left, top, index into SIZES."""
    ground: Tensor
    """[n] uint8."""
    rows: Tensor
    """[n WORDS_MOST] int16: rows of the compact vocabulary."""
    length: Tensor
    """[n] uint8: start mark and words."""
    names: Tensor
    """[n WORDS_MOST SLOTS] bool: which things each position names."""
    share: Tensor
    """[n WORDS_MOST] float16: attention asked for where they are; 0 for words that name nothing."""

    def to(self, device: torch.device) -> Scenes:
        return Scenes(**{key: value.to(device) for key, value in vars(self).items()})

    def __len__(self) -> int:
        return len(self.cutout)


def vocabulary(pieces: dict[str, list[int]]) -> list[int]:
    return sorted({49406, *(token for tokens in pieces.values() for token in tokens)})


def bank_index(noun: str, colour: str | None, style: str) -> int:
    paint = COLOURS.index(colour) + 1 if colour else 0
    return (list(STYLES).index(style) * len(NOUNS) + NOUNS.index(noun)) * (len(COLOURS) + 1) + paint


def draw_scenes(seed: int, count: int, pieces: dict[str, list[int]]) -> dict[str, np.ndarray]:
    """The fields of `Scenes` as arrays: a job for one process."""
    rng = random.Random(seed)
    rows_of = {token: row + 1 for row, token in enumerate(vocabulary(pieces))}
    out = {
        "cutout": np.full((count, SLOTS), -1, np.int16),
        "box": np.zeros((count, SLOTS, 3), np.uint8),
        "ground": np.zeros(count, np.uint8),
        "rows": np.zeros((count, WORDS_MOST), np.int16),
        "length": np.zeros(count, np.uint8),
        "names": np.zeros((count, WORDS_MOST, SLOTS), bool),
        "share": np.zeros((count, WORDS_MOST), np.float16),
    }
    for index in range(count):
        _write(make_example(rng), {key: value[index : index + 1] for key, value in out.items()}, pieces, rows_of)
    return out


def _write(example: Example, row: dict[str, np.ndarray], pieces: dict[str, list[int]], rows_of: dict[int, int]) -> None:
    for slot, t in enumerate(example.things):
        row["cutout"][0, slot] = bank_index(t.noun, t.colour, example.style)
        row["box"][0, slot] = t.left, t.top, SIZES.index(t.size)
    row["ground"][0] = GROUNDS.index(example.place)
    tokens, spans = [49406], []
    for word in example.caption:
        spans.append((len(tokens), len(tokens) + len(pieces[word])))
        tokens += pieces[word]
    row["rows"][0, : len(tokens)] = [rows_of[token] for token in tokens]
    row["length"][0] = len(tokens)
    for word, is_noun, things in example.grounding:
        start, stop = spans[word]
        row["share"][0, start:stop] = (NOUN_SHARE if is_noun else COLOUR_SHARE) / (stop - start)
        row["names"][0, start:stop, list(things)] = True


class Composer:
    """Keeps the cut-outs at every size and a bank of grounds on the device."""

    def __init__(self, art: np.ndarray, device: torch.device, seed: int = 0) -> None:
        flat = art.reshape(-1, *art.shape[-3:])
        sized = [resized(flat, size) for size in SIZES]
        self.bank = torch.from_numpy(np.concatenate([s.reshape(-1, 4) for s in sized])).to(device)
        self.starts = torch.tensor(np.cumsum([0, *(len(flat) * s * s for s in SIZES[:-1])]), device=device)
        self.sizes = torch.tensor(SIZES, device=device)
        self.grounds = torch.from_numpy(draw_grounds(np.random.default_rng(seed), GROUND_BANK)).to(device)

    def layers(self, scenes: Scenes, at: Tensor) -> Tensor:
        """[b SLOTS 128 128 4] 0..1, premultiplied colours and alpha of each thing."""
        side = torch.arange(PICTURE, device=at.device)
        box = scenes.box[at].long()
        size = self.sizes[box[..., 2]][..., None, None]
        x = side[None, None, None, :] - box[..., 0, None, None]
        y = side[None, None, :, None] - box[..., 1, None, None]
        cutout = scenes.cutout[at].long()[..., None, None]
        inside = (x >= 0) & (x < size) & (y >= 0) & (y < size) & (cutout >= 0)
        index = self.starts[box[..., 2]][..., None, None] + (cutout.clamp(min=0) * size + y) * size + x
        pixels = self.bank[torch.where(inside, index, 0)]
        return torch.where(inside[..., None], pixels, torch.zeros((), dtype=torch.uint8, device=at.device)) / 255.0

    def pictures(self, scenes: Scenes, at: Tensor) -> tuple[Tensor, Tensor]:
        """[b 3 128 128] in -1..1 of the examples `at` [b], and each thing's mask [b SLOTS 16 16] in 0..1."""
        choice = torch.randint(GROUND_BANK, (len(at),), device=at.device)
        picture = self.grounds[scenes.ground[at].long(), choice].permute(0, 3, 1, 2) / 255.0
        picture = (picture + (torch.rand(len(at), 3, 1, 1, device=at.device) - 0.5) * 0.06).clamp(0, 1)
        layers = self.layers(scenes, at).permute(0, 1, 4, 2, 3)
        alpha = layers[:, :, 3:]
        shadow = F.avg_pool2d(alpha.sum(1), 9, 1, 4).roll((4, 1), (2, 3))
        picture = picture * (1 - 0.28 * shadow)
        # Boxes do not overlap, so the order of the things does not matter.
        picture = picture * (1 - alpha.sum(1)) + layers[:, :, :3].sum(1)
        return picture * 2 - 1, F.avg_pool2d(alpha[:, :, 0], CELL)


def load_art(path: Path) -> tuple[np.ndarray, str]:
    """Cut-outs [styles nouns colours+1 side side 4], and the table of word pieces as JSON."""
    with np.load(path) as file:
        return file["art"], str(file["words"])
