"""Rasterises the pictograms: `python -m demo.training.small_world.icons PACKS` writes `demo/small_world/drawings.png`.

PACKS holds the unpacked npm packages named in `SETS` (see NOTICE for their licences). Needs resvg-py. Done once: the
file is in the repository.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from ...small_world.drawings import SIDE, save_drawings
from ...small_world.words import NOUNS

SETS = {
    "3d": "lobehub-fluent-emoji-3d-1.1.0",
    "flat": "iconify-json-fluent-emoji-flat-1.2.6",
    "cartoon": "iconify-json-noto-1.2.9",
}
ICONS = {
    "cat": ("cat-face", "1f431"), "dog": ("dog-face", "1f436"), "bird": ("bird", "1f426"), "bear": ("bear", "1f43b"),
    "lion": ("lion", "1f981"), "horse": ("horse", "1f40e"), "elephant": ("elephant", "1f418"),
    "monkey": ("monkey-face", "1f435"), "frog": ("frog", "1f438"), "turtle": ("turtle", "1f422"),
    "rabbit": ("rabbit-face", "1f430"), "mouse": ("mouse-face", "1f42d"), "backpack": ("backpack", "1f392"),
    "glasses": ("glasses", "1f453"), "crown": ("crown", "1f451"), "suitcase": ("luggage", "1f9f3"),
    "chair": ("chair", "1fa91"), "balloon": ("balloon", "1f388"), "bow": ("ribbon", "1f380"),
    "car": ("automobile", "1f697"), "clock": ("alarm-clock", "23f0"), "apple": ("red-apple", "1f34e"),
    "sunflower": ("sunflower", "1f33b"), "flamingo": ("flamingo", "1f9a9"), "strawberry": ("strawberry", "1f353"),
    "bicycle": ("bicycle", "1f6b2"), "house": ("house", "1f3e0"), "tree": ("deciduous-tree", "1f333"),
    "star": ("star", "2b50"), "cake": ("shortcake", "1f370"), "cup": ("teacup-without-handle", "1f375"),
    "hat": ("top-hat", "1f3a9"), "fish": ("tropical-fish", "1f420"),
}  # fmt: skip
BENCH = """<g fill="#4a4a52">
<rect x="9" y="34" width="5" height="24" rx="1.5"/>
<rect x="50" y="34" width="5" height="24" rx="1.5"/>
<rect x="10" y="12" width="4" height="26"/>
<rect x="50" y="12" width="4" height="26"/>
</g>
<g fill="#d0342c">
<rect x="3" y="11" width="58" height="7" rx="2"/>
<rect x="3" y="21" width="58" height="7" rx="2"/>
</g>
<rect x="1" y="33" width="62" height="5" rx="2" fill="#d0342c"/>
<rect x="1" y="38" width="62" height="5" rx="2" fill="#a3221c"/>"""
BOWL = """<path d="M3 26 C4 46 16 55 24 56 h16 C48 55 60 46 61 26 z" fill="#d0342c"/>
<path d="M40 56 C48 55 60 46 61 26 h-10 C50 44 44 53 34 56 z" fill="#a3221c"/>
<rect x="21" y="54" width="22" height="5" rx="2" fill="#a3221c"/>
<ellipse cx="32" cy="26" rx="29" ry="8" fill="#e86058"/>
<ellipse cx="32" cy="27" rx="24" ry="5.2" fill="#a3221c"/>"""
BALL = """<circle cx="32" cy="32" r="29" fill="#d0342c"/>
<path d="M32 3 A29 29 0 0 1 32 61 A42 42 0 0 0 32 3" fill="#a3221c"/>
<path d="M8 16 Q32 30 56 16 M8 48 Q32 34 56 48" fill="none" stroke="#fff" stroke-width="4"/>"""
OURS = {"bench": BENCH, "bowl": BOWL, "ball": BALL}
"""Drawn by us: there is no emoji of a bench, and a bowl's food and a basketball's lines take no colour."""

def _raster(svg: str, side: int = 192) -> np.ndarray:
    import resvg_py

    data = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side))
    return np.array(Image.open(io.BytesIO(data)).convert("RGBA"))


def _svg(body: str, box: tuple[float, ...]) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{" ".join(map(str, box))}">{body}</svg>'
    )


def _fit(art: np.ndarray) -> np.ndarray:
    """Cut to what is not transparent, then centred in a square of SIDE pixels."""
    rows, columns = np.where(art[..., 3] > 20)
    art = art[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = SIDE / max(art.shape[:2])
    size = tuple(max(1, round(n * scale)) for n in (art.shape[1], art.shape[0]))
    image = Image.fromarray(art).convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    square = Image.new("RGBA", (SIDE, SIDE))
    square.paste(image, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return np.array(square)


def drawing(packs: Path, noun: str, style: str, icons: dict[str, dict]) -> np.ndarray:
    """[SIDE SIDE 4] uint8, straight alpha."""
    if noun in OURS:
        return _fit(_raster(_svg(OURS[noun], (0, 0, 64, 64))))
    name, code = ICONS[noun]
    if style == "3d":
        files = [packs / SETS["3d"] / "package" / "assets" / f"{c}.webp" for c in (code, f"{code}-fe0f")]
        with Image.open(next(file for file in files if file.is_file())) as image:
            return _fit(np.array(image.convert("RGBA")))
    pack = icons[style]
    icon = pack["icons"].get(name) or pack["icons"][pack["aliases"][name]["parent"]]
    width, height = (icon.get(k, pack.get(k, 16)) for k in ("width", "height"))
    return _fit(_raster(_svg(icon["body"], (icon.get("left", 0), icon.get("top", 0), width, height))))


def main() -> None:
    packs = Path(sys.argv[1])
    icons = {s: json.loads((packs / SETS[s] / "package/icons.json").read_text()) for s in ("flat", "cartoon")}
    save_drawings(np.stack([[drawing(packs, noun, style, icons) for noun in NOUNS] for style in SETS]))


if __name__ == "__main__":
    main()
