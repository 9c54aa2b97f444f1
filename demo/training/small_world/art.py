"""What the trainer takes along to a bare machine: `python -m demo.training.small_world.art cutouts.npz`.

The drawings in every colour, and the table of word pieces, for which ComfyUI's CLIP tokenizer is needed here, so that
the trainer needs neither pillow's recolouring nor the tokenizer.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from ...small_world.drawings import cutouts
from .scenes import vocabulary_words


def word_pieces() -> dict[str, list[int]]:
    """CLIP's ids of every word that a caption can hold."""
    from comfy.sd1_clip import SDTokenizer

    tokenizer = SDTokenizer().tokenizer
    return {word: list(tokenizer(word)["input_ids"][1:-1]) for word in vocabulary_words()}


def main() -> None:
    from ..host import use_comfyui

    out = Path(sys.argv.pop(1))
    use_comfyui()
    np.savez_compressed(out, art=cutouts(), words=json.dumps(word_pieces()))
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
