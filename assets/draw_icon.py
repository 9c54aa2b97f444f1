"""Draws icon.png: a red circle and a blue star, each in the glow of its own word. Needs Pillow."""

import math
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIDE, FINE = 400, 4
"""The Registry takes at most 800 x 400 pixels. Drawn four times as large and shrunk, so that edges are smooth."""
BACKGROUND = (24, 26, 34)


def star(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    turns = ((i * math.pi / 5 - math.pi / 2, radius if i % 2 == 0 else 0.44 * radius) for i in range(10))
    return [(x + r * math.cos(angle), y + r * math.sin(angle)) for angle, r in turns]


def disc(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return (x - radius, y - radius, x + radius, y + radius)


def glow(size: int, centre: tuple[float, float], colour: tuple[int, int, int]) -> Image.Image:
    light = Image.new("RGB", (size, size))
    ImageDraw.Draw(light).ellipse(disc(*centre, 0.17 * size), fill=colour)
    return light.filter(ImageFilter.GaussianBlur(0.075 * size))


def icon() -> Image.Image:
    size = SIDE * FINE
    left, right = (0.33 * size, 0.62 * size), (0.68 * size, 0.38 * size)
    page = Image.new("RGB", (size, size), BACKGROUND)
    for centre, colour in ((left, (190, 60, 40)), (right, (40, 90, 220))):
        page = ImageChops.add(page, glow(size, centre, colour))
    draw = ImageDraw.Draw(page)
    draw.ellipse(disc(*left, 0.16 * size), fill=(236, 64, 52))
    draw.polygon(star(*right, 0.2 * size), fill=(72, 132, 255))
    mask = Image.new("L", (size, size))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size - 1, size - 1), radius=0.18 * size, fill=255)
    page.putalpha(mask)
    return page.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    icon().save(Path(__file__).with_name("icon.png"), optimize=True)
