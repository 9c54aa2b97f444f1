"""One word's heat as a picture and as a mask. Heat is [... height width]; drawing wants it in 0…1."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from .canvas import GREY, INK, RGB, beside, blank, enlarge, enlargement, framed, shorten, text_width, to_pil, write

PER_WORD, SHARED = "per word", "shared"
TILE_LEAST = 256
"""Shorter side of a picture in a strip, in pixels: below this its label cannot be read."""


def normalise(heat: Tensor, mode: str) -> Tensor:
    """`heat` [images frames words height width] probabilities -> the same in 0…1.

    "per word": each word of each image fills 0…1 over its frames, so that a weak word can be seen at all. "shared": one
    scale for all words of an image, so that a weak word looks weak. A flat map stays 0: it has no place to show.
    """
    over = (1, 3, 4) if mode == PER_WORD else (1, 2, 3, 4)
    low, high = heat.amin(over, keepdim=True), heat.amax(over, keepdim=True)
    scale = high - low
    return torch.where(scale > 0, (heat - low) / scale.clamp_min(torch.finfo(heat.dtype).tiny), torch.zeros_like(heat))


def resize(heat: Tensor, hw: tuple[int, int]) -> Tensor:
    """[... height width] -> [... *hw], smoothly; never below zero, which bicubic alone would give at sharp spots."""
    flat = heat.reshape(-1, 1, *heat.shape[-2:]).float()
    if flat.shape[-2:] != hw:
        flat = F.interpolate(flat, size=hw, mode="bicubic", align_corners=False).clamp_min(0)
    return flat.reshape(*heat.shape[:-2], *hw)


def to_mask(heat: Tensor, threshold: float = 0.5, grow: int = 0, blur: float = 0.0) -> Tensor:
    """`heat` [masks height width] in 0…1 -> mask of the same shape.

    `threshold` 0 keeps the heat as a soft mask, else what reaches it becomes 1. Then `grow` pixels are added all round
    (taken away if negative), then the edge is blurred with a Gaussian of `blur` pixels.
    """
    mask = (heat >= threshold).to(heat.dtype) if threshold > 0 else heat.clamp(0, 1)
    return soften(spread(mask, grow), blur)


def spread(mask: Tensor, pixels: int) -> Tensor:
    """Grown by a square of `pixels` on every side; shrunk if negative. What lies outside the picture neither feeds the
    mask nor eats it. [masks height width]"""
    if pixels == 0:
        return mask
    sign = 1 if pixels > 0 else -1
    reach = abs(pixels)
    # Rows, then columns: the largest value in a square is the largest of the rows' largest, at a fraction of the work.
    rows = F.max_pool2d(sign * mask[:, None], (1, 2 * reach + 1), stride=1, padding=(0, reach))
    return sign * F.max_pool2d(rows, (2 * reach + 1, 1), stride=1, padding=(reach, 0))[:, 0]


def soften(mask: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, `sigma` in pixels. Edges repeat, so that a mask at the border stays full there."""
    if sigma <= 0:
        return mask
    reach = math.ceil(3 * sigma)
    offsets = torch.arange(-reach, reach + 1, dtype=mask.dtype, device=mask.device)
    weights = torch.softmax(-(offsets**2) / (2 * sigma**2), 0)
    padded = F.pad(mask[:, None], (reach, reach, reach, reach), mode="replicate")
    return F.conv2d(F.conv2d(padded, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))[:, 0]


def draw_plain(heat: Tensor, colour: RGB) -> Tensor:
    """`heat` [height width] in 0…1 -> [height width 3]: black, the word's colour, white."""
    tint = torch.tensor(colour, dtype=torch.float32) / 255
    level = heat.float().cpu().clamp(0, 1)[..., None]
    return torch.where(level < 0.7, tint * level / 0.7, tint + (1 - tint) * (level - 0.7) / 0.3)


def draw_overlay(picture: Tensor, heat: Tensor, colour: RGB) -> Tensor:
    """`picture` [height width 3], `heat` [height width], both in 0…1 -> [height width 3].

    The picture loses its own colours and some of its light, or a red word's heat could not be told from a red object.
    """
    picture = picture[..., :3].float().cpu()
    tint = torch.tensor(colour, dtype=torch.float32) / 255
    level = heat.float().cpu().clamp(0, 1)[..., None]
    light = picture.mean(-1, keepdim=True)
    ground = (0.3 * picture + 0.7 * light) * (0.45 + 0.35 * level)
    return ground * (1 - 0.72 * level) + tint * 0.72 * level + 0.12 * level**4


def labelled(tile: Image.Image, label: str, colour: RGB, low: float, high: float, overlay: bool = False) -> Image.Image:
    """The tile under its word, over a bar that says which probabilities its dark and bright ends stand for."""
    size = _letters(tile.width)
    head, foot = round(size * 1.7), round(size * 1.5)
    page, draw = blank(tile.width, tile.height + head + foot)
    swatch = round(size * 0.75)
    draw.rounded_rectangle((0, (head - swatch) // 2, swatch, (head + swatch) // 2), radius=swatch // 4, fill=colour)
    left = swatch + size // 2
    write(draw, (left, head / 2), shorten(label, size, tile.width - left), size, INK, "lm")
    page.paste(tile, (0, head))
    _scale_bar(page, head + tile.height, foot, _ramp(colour, overlay), (low, high))
    return page


def titled(tile: Image.Image, title: str) -> Image.Image:
    """The tile under a title, as high as a labelled one."""
    size = _letters(tile.width)
    head, foot = round(size * 1.7), round(size * 1.5)
    page, draw = blank(tile.width, tile.height + head + foot)
    write(draw, (0, head / 2), shorten(title, size, tile.width), size, GREY, "lm")
    page.paste(tile, (0, head))
    return page


def _letters(width: int) -> int:
    return max(13, min(40, width // 16))


def _ramp(colour: RGB, overlay: bool) -> Tensor:
    """[1 256 3] what 0…1 look like."""
    levels = torch.linspace(0, 1, 256)[None]
    return draw_overlay(torch.full((1, 256, 3), 0.8), levels, colour) if overlay else draw_plain(levels, colour)


def _scale_bar(page: Image.Image, top: int, height: int, ramp: Tensor, ends: tuple[float, float]) -> None:
    draw, size, middle = ImageDraw.Draw(page), max(11, round(height * 0.5)), top + height / 2
    low_text, high_text = (f"{end:.3f}" for end in ends)
    write(draw, (0, middle), low_text, size, GREY, "lm")
    write(draw, (page.width, middle), high_text, size, GREY, "rm")
    left, right = text_width(low_text, size) + 8, page.width - text_width(high_text, size) - 8
    if right - left >= 16:
        bar = to_pil(ramp).resize((right - left, max(4, height // 4)))
        page.paste(bar, (left, round(middle - bar.height / 2)))


def heat_tile(heat: Tensor, colour: RGB, picture: Tensor | None = None, factor: int = 1) -> Image.Image:
    """Heat over the picture, or plain when there is none, enlarged by a whole factor. `heat` [height width] in 0…1
    has the picture's size; it is drawn at the enlarged size, so that it stays smooth over big pixels."""
    if picture is None:
        return to_pil(draw_plain(_grown(heat, factor), colour))
    big = picture[..., :3].repeat_interleave(factor, 0).repeat_interleave(factor, 1)
    return to_pil(draw_overlay(big, _grown(heat, factor), colour))


def _grown(heat: Tensor, factor: int) -> Tensor:
    return resize(heat, (heat.shape[0] * factor, heat.shape[1] * factor)).clamp(0, 1)


def heat_tiles(
    heat: Tensor,
    labels: Sequence[str],
    colours: Sequence[RGB],
    ranges: Sequence[tuple[float, float]],
    picture: Tensor | None = None,
    overlay: bool = True,
    note: str = "",
) -> list[Image.Image]:
    """The picture itself (when given, under `note`), then one labelled tile a word.

    `heat` [words height width] in 0…1; `ranges` are the probabilities that 0 and 1 stand for, word by word.
    """
    factor = enlargement((heat.shape[-2], heat.shape[-1]), TILE_LEAST)
    ground = picture if overlay else None
    words = [
        labelled(heat_tile(one, colour, ground, factor), label, colour, *ends, overlay=ground is not None)
        for one, label, colour, ends in zip(heat, labels, colours, ranges, strict=True)
    ]
    return words if picture is None else [titled(enlarge(to_pil(picture), factor), note), *words]


def strip(tiles: Sequence[Image.Image]) -> Image.Image:
    """Tiles side by side on paper."""
    gap = max(8, tiles[0].width // 32)
    return framed(beside(tiles, gap), gap)
