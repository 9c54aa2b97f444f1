"""Scenes -> pictures, on the device that trains: cut-outs are pasted by index, nothing is drawn in Python."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ...small_world.words import COLOURS, NOUNS, PLACES, STYLES
from .scenes import CELL, PICTURE, SIZES, SLOTS, Example, make_example

WORDS_MOST = 28
NOUN_SHARE, COLOUR_SHARE = 0.50, 0.20
"""Share of the attention inside a thing's mask that its noun and its colour word are asked to hold."""
MAP = PICTURE // CELL
GROUNDS = (None, *PLACES.values())
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
        sized = [_resized(flat, size) for size in SIZES]
        self.bank = torch.from_numpy(np.concatenate([s.reshape(-1, 4) for s in sized])).to(device)
        self.starts = torch.tensor(np.cumsum([0, *(len(flat) * s * s for s in SIZES[:-1])]), device=device)
        self.sizes = torch.tensor(SIZES, device=device)
        self.grounds = torch.from_numpy(_grounds(np.random.default_rng(seed))).to(device)

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


def _resized(art: np.ndarray, size: int) -> np.ndarray:
    images = (Image.fromarray(a).convert("RGBa").resize((size, size), Image.Resampling.LANCZOS) for a in art)
    return np.stack([np.asarray(image) for image in images])


def _noise(rng: np.random.Generator, cells: int) -> np.ndarray:
    small = Image.fromarray(rng.uniform(0, 255, (cells, cells)).astype(np.uint8))
    return np.asarray(small.resize((PICTURE, PICTURE), Image.Resampling.BICUBIC), np.float32)[..., None] / 255 - 0.5


_FADES = {
    "grass": ((150, 205, 110), (96, 160, 74), 22, 16),
    "snow": ((206, 222, 240), (240, 245, 252), 12, 7),
    "sand": ((240, 208, 146), (216, 168, 100), 16, 6),
    "sea": ((90, 180, 214), (30, 110, 168), 20, 9),
    "night": ((18, 22, 56), (40, 44, 92), 6, 4),
    "city": ((176, 190, 206), (202, 208, 214), 6, 4),
    "table": ((226, 214, 196), (216, 202, 182), 8, 3),
}
"""Colour above, colour below, strength of the grain, cells of the grain."""


def _ground(rng: np.random.Generator, kind: str | None) -> np.ndarray:
    down = np.linspace(0, 1, PICTURE, dtype=np.float32)[:, None, None]
    if kind is None:
        base = np.array([222, 216, 206]) + rng.uniform(-14, 14, 3)
        return base + (down - 0.5) * rng.uniform(-16, 16) + _noise(rng, 3) * 8
    above, below, grain, cells = _FADES[kind]
    ground = np.array(above) + (np.array(below) - np.array(above)) * down + _noise(rng, cells) * grain
    if kind == "night":
        for x, y in rng.integers(2, PICTURE - 2, (14, 2)):
            ground[y : y + 2, x : x + 2] = (250, 244, 200)
    elif kind == "city":
        _skyline(rng, ground)
    elif kind == "table":
        wood = np.array([150, 100, 62]) + _noise(rng, 8) * np.array([20, 14, 10])
        ground[80:] = wood[80:] * (0.92 + 0.08 * np.sin(np.arange(80, PICTURE) / 2.3))[:, None, None]
        ground[80:82] = (112, 72, 44)
    return ground


def _skyline(rng: np.random.Generator, ground: np.ndarray) -> None:
    left = -8
    while left < PICTURE:
        width, top = int(rng.integers(14, 26)), int(rng.integers(24, 72))
        grey = np.array([118, 128, 142]) + rng.uniform(-14, 14)
        ground[top:108, max(left, 0) : left + width] = grey
        for y in range(top + 4, 102, 9):
            for x in range(left + 3, left + width - 4, 7):
                if x >= 0 and rng.random() < 0.7:
                    ground[y : y + 4, x : x + 3] = (226, 214, 150)
        left += width + 1
    ground[108:] = np.array([92, 94, 100]) + _noise(rng, 9)[108:] * 8
    ground[117:119, ::1] = np.where((np.arange(PICTURE) % 24 < 14)[None, :, None], (220, 214, 190), ground[117:119])


def _grounds(rng: np.random.Generator) -> np.ndarray:
    """[kinds GROUND_BANK 128 128 3] uint8."""
    bank = [np.stack([_ground(rng, kind) for _ in range(GROUND_BANK)]) for kind in GROUNDS]
    return np.clip(np.stack(bank), 0, 255).astype(np.uint8)


def load_art(path: Path) -> tuple[np.ndarray, str]:
    """Cut-outs [styles nouns colours+1 side side 4], and the table of word pieces as JSON."""
    with np.load(path) as file:
        return file["art"], str(file["words"])
