"""Paper, ink and letters: what every picture of this package is drawn with. Needs PIL only, and no font file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

RGB = tuple[int, int, int]

PAPER: RGB = (252, 252, 250)
INK: RGB = (32, 34, 38)
FAINT: RGB = (206, 208, 212)
GREY: RGB = (112, 116, 124)

# PIL's built-in letters cover western European text only; these are the wider fonts that systems have by these names.
WIDE_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "malgun.ttf",
    "AppleSDGothicNeo.ttc",
    "msyh.ttc",
    "msgothic.ttc",
    "DejaVuSans.ttf",
)
LAST_BUILT_IN = 0xFF


@lru_cache(maxsize=64)
def _font(size: int, wide: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if wide:
        for name in WIDE_FONTS:
            try:
                return ImageFont.truetype(name, size)
            except OSError:
                continue
    return ImageFont.load_default(size)


def font_for(text: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font that has the letters of `text` where this system has one; else missing letters are drawn as boxes."""
    return _font(size, any(ord(letter) > LAST_BUILT_IN for letter in text))


def text_width(text: str, size: int) -> int:
    return round(font_for(text, size).getlength(_one_line(text)))


def shorten(text: str, size: int, width: int) -> str:
    """`text` cut at the end, with dots, so that it is at most `width` pixels wide."""
    if text_width(text, size) <= width:
        return text
    fitting = bisect_right(range(len(text)), width, key=lambda letters: text_width(text[:letters] + "...", size))
    return text[: max(0, fitting - 1)].rstrip() + "..."


def write(
    draw: ImageDraw.ImageDraw, xy: tuple[float, float], text: str, size: int, colour: RGB = INK, anchor: str = "la"
) -> None:
    """`anchor` as in PIL: "la" left and top, "mm" middle, "ra" right and top."""
    draw.text(xy, _one_line(text), fill=colour, font=font_for(text, size), anchor=anchor)


def _one_line(text: str) -> str:
    # PIL refuses most anchors for text with line breaks, and lone surrogates cannot be shaped at all.
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())


def blank(width: int, height: int, colour: RGB = PAPER) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (max(1, width), max(1, height)), colour)
    return image, ImageDraw.Draw(image)


def to_pil(picture: Tensor) -> Image.Image:
    """`picture` [height width 3 or more] in 0…1; further channels (alpha) are left out."""
    pixels = picture[..., :3].detach().float().nan_to_num().clamp(0, 1).mul(255).round().to("cpu", torch.uint8)
    return Image.fromarray(pixels.contiguous().numpy())


def to_tensor(image: Image.Image) -> Tensor:
    """[height width 3] float32 in 0…1, as ComfyUI's IMAGE without its batch."""
    return torch.from_numpy(np.asarray(image.convert("RGB"), dtype=np.float32) / 255)


def enlargement(hw: tuple[int, int], least: int) -> int:
    """Whole factor that brings the shorter side to at least `least` pixels."""
    return max(1, -(-least // max(1, min(hw))))


def enlarge(image: Image.Image, factor: int) -> Image.Image:
    """Nearest neighbour: small pictures are shown as they are, pixel for pixel, not smoothed into prettier ones."""
    return (
        image if factor == 1 else image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    )


def beside(images: Sequence[Image.Image], gap: int = 8, colour: RGB = PAPER) -> Image.Image:
    """Left to right, tops aligned."""
    row, _ = blank(sum(i.width for i in images) + gap * (len(images) - 1), max(i.height for i in images), colour)
    left = 0
    for image in images:
        row.paste(image, (left, 0))
        left += image.width + gap
    return row


def below(images: Sequence[Image.Image], gap: int = 8, colour: RGB = PAPER) -> Image.Image:
    """Top to bottom, left edges aligned."""
    column, _ = blank(max(i.width for i in images), sum(i.height for i in images) + gap * (len(images) - 1), colour)
    top = 0
    for image in images:
        column.paste(image, (0, top))
        top += image.height + gap
    return column


def framed(image: Image.Image, margin: int, colour: RGB = PAPER) -> Image.Image:
    page, _ = blank(image.width + 2 * margin, image.height + 2 * margin, colour)
    page.paste(image, (margin, margin))
    return page


def stack(images: Sequence[Image.Image]) -> Tensor:
    """[images height width 3]; smaller ones get paper at the right and the bottom, for an IMAGE has one size."""
    width, height = max(i.width for i in images), max(i.height for i in images)
    pages = []
    for image in images:
        page, _ = blank(width, height)
        page.paste(image, (0, 0))
        pages.append(to_tensor(page))
    return torch.stack(pages)
