"""What becomes of our nodes and other packs' patches on one MODEL: the expectations of test_works_with.py, and the
table of them in WORKS_WITH.md. `python tests/comfy/works_with.py` writes that table anew."""

from __future__ import annotations

from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "WORKS_WITH.md"

WORKS, NO_MAPS, REFUSED = "works", "no maps, and says so", "refused"
"""Both act; the picture is drawn and a heat map of it is refused in a sentence; refused in a sentence, by name."""

OURS = {
    "guidance": "Guidance",
    "capture": "Heat maps",
    "edit": "Prompt-to-Prompt",
    "structured": "Structured Diffusion",
    "composition": "Composable Diffusion",
    "threshold": "Thresholding",
    "schedule": "Guidance Schedule",
    "direct": "Direct inversion",
    "negatives": "Null-text",
}
"""The nodes that patch a MODEL: column of the table -> its heading."""

THEIRS = {
    "listed": "patches of ComfyUI's lists (most packs)",
    "replaced": "another attention in a block (IPAdapter)",
    "attention_overridden": "another attention function (Sage attention nodes)",
    "object_patched": "another forward on a cross-attention, for as long as the MODEL is loaded",
    "swapped_inside": "another forward on a cross-attention, within a call (ComfyUI-NAG)",
    "more_keys": "more rows of text than of picture (ComfyUI-NAG)",
    "wrapped": "wrappers around the network and around ComfyUI's call of it",
    "regions": "rows repeated for regions (Attention Couple)",
    "own_tokens": "tokens of its own in the conditioning (CLIP NegPip)",
    "merged_places": "fewer places in the cross-attention (token merging there)",
    "token_merging": "fewer places in the self-attention (TomePatchModel)",
    "hyper_tile": "self-attention in tiles (HyperTile)",
    "no_grad": "layers without gradients (Token Perturbation Guidance)",
    "perturbed": "a further pass with other attention (PerturbedAttentionGuidance)",
    "windows": "further passes over crops (Sliding Window Guidance)",
    "other_level": "a further pass at another noise level",
    "other_level_first": "the same before the picture's own pass",
    "tiled": "the picture in tiles, never as a whole (tiled diffusion)",
    "free_u": "FreeU",
    "free_u_v2": "FreeU_V2, which writes into what it is given",
    "deep_shrink": "smaller layers for a part of sampling (PatchModelAddDownscale)",
    "easy_cache": "skipped calls (EasyCache)",
    "lazy_cache": "skipped steps (LazyCache)",
    "answered": "another pack's cache of the network's answers",
}
"""Stand-in of neighbours.py -> what it does, and who does so."""

EXCEPTIONS = {
    "object_patched": {"edit": REFUSED},
    "swapped_inside": {"edit": REFUSED},
    "more_keys": {"edit": REFUSED, "structured": REFUSED},
    "regions": dict.fromkeys(("guidance", "capture", "edit", "structured"), REFUSED),
    "own_tokens": dict.fromkeys(("guidance", "capture", "edit", "structured"), REFUSED),
    "merged_places": dict.fromkeys(("guidance", "capture", "edit"), REFUSED),
    "no_grad": {"guidance": REFUSED},
    "tiled": {"capture": NO_MAPS},
    "answered": {"guidance": REFUSED},
}
"""Everything else works."""


def expected(theirs: str, ours: str) -> str:
    return EXCEPTIONS.get(theirs, {}).get(ours, WORKS)


def table() -> str:
    rows = [["Another pack's", *OURS.values()], ["---"] * (len(OURS) + 1)]
    rows += [[text, *(expected(theirs, ours) for ours in OURS)] for theirs, text in THEIRS.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def document(before: str) -> str:
    """The file with today's table in it."""
    head = before[: before.index("| Another pack's")] if "| Another pack's" in before else before
    tail = before[before.index("\n\n", len(head)) :] if len(before) > len(head) else "\n"
    return head + table() + tail


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
