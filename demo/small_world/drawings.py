"""The drawings that Small World was trained on and that its detector knows, and how they are painted.

`drawings.png` holds one drawing of every noun (across) in every manner (down), made by `training/small_world/icons.py`;
their licences are in NOTICE.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from .words import COLOURS, NOUNS, PALETTE, STYLES

FILE = Path(__file__).with_name("drawings.png")
SIDE = 96
TWO_HUES = {"frog": 2.2}
"""How far from its main hue (radians) a thing's body reaches, where 1.15 is not enough."""


@cache
def drawings() -> np.ndarray:
    """[styles nouns SIDE SIDE 4] uint8, straight alpha, as drawn."""
    with Image.open(FILE) as sheet:
        pixels = np.asarray(sheet.convert("RGBA"))
    return pixels.reshape(len(STYLES), SIDE, len(NOUNS), SIDE, 4).swapaxes(1, 2)


def save_drawings(art: np.ndarray) -> None:
    """Writes FILE from an array such as `drawings` gives."""
    sheet = art.swapaxes(1, 2).reshape(len(STYLES) * SIDE, len(NOUNS) * SIDE, 4)
    Image.fromarray(sheet).save(FILE, optimize=True)


def painted(noun: str, style: str, colour: str | None) -> np.ndarray:
    """[SIDE SIDE 4] uint8: as drawn, or in a colour of the palette."""
    art = drawings()[list(STYLES).index(style), NOUNS.index(noun)]
    return recolour(art, colour, TWO_HUES.get(noun, 1.15)) if colour else art


def cutouts(styles: tuple[str, ...] = tuple(STYLES)) -> np.ndarray:
    """[styles nouns colours+1 SIDE SIDE 4] uint8; the first of a noun is as drawn, then one of each colour."""
    paints = (None, *COLOURS)
    return np.stack([[[painted(noun, style, paint) for paint in paints] for noun in NOUNS] for style in styles])


def resized(art: np.ndarray, size: int) -> np.ndarray:
    """[n SIDE SIDE 4] straight alpha -> [n size size 4] uint8, colours multiplied by alpha."""
    images = (Image.fromarray(a).convert("RGBa").resize((size, size), Image.Resampling.LANCZOS) for a in art)
    return np.stack([np.asarray(image) for image in images])


def recolour(art: np.ndarray, colour: str, reach: float = 1.15) -> np.ndarray:
    """The body takes the paint and keeps its shading; eyes, outlines and parts of clearly another hue stay."""
    rgb, alpha = art[..., :3].astype(np.float32) / 255, art[..., 3:]
    hsv = np.array(Image.fromarray(art[..., :3]).convert("HSV")).astype(np.float32) / 255
    luma = rgb @ np.array([0.3, 0.59, 0.11], np.float32)
    inside, chroma = alpha[..., 0] > 127, hsv[..., 1] * hsv[..., 2]
    weight = _body(hsv[..., 0] * 2 * np.pi, chroma, luma, inside, reach)
    body = inside & (weight > 0.5)
    if body.sum() < 30:
        body, weight = inside, np.ones_like(luma)
    ratio = np.clip(luma / max(np.quantile(luma[body], 0.6), 0.05), 0.35, 1.7)[..., None]
    paint = np.array(PALETTE[colour], np.float32) / 255
    shade, shine = 1 - (1 - ratio) * 0.75, np.clip(ratio - 1, 0, 1) * (0.35 if colour == "black" else 0.55)
    painted = np.where(ratio <= 1, paint * shade, paint + (1 - paint) * shine)
    out = rgb + weight[..., None] * (painted - rgb)
    return np.concatenate([np.clip(out * 255, 0, 255).astype(np.uint8), alpha], -1)


def _body(hue: np.ndarray, chroma: np.ndarray, luma: np.ndarray, inside: np.ndarray, reach: float) -> np.ndarray:
    strong = inside & (chroma > 0.25)
    if strong.sum() <= 0.4 * inside.sum():  # a grey thing: elephant, rabbit, mouse
        return np.clip((0.5 - chroma) / 0.15, 0, 1) * np.clip((luma - 0.12) / 0.1, 0, 1)
    main = np.angle((np.exp(1j * hue) * chroma)[strong].sum())
    away = np.abs(np.angle(np.exp(1j * (hue - main))))
    return np.clip((reach - away) / 0.35, 0, 1) * np.clip((chroma - 0.10) / 0.12, 0, 1)
