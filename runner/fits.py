"""Does the pack work on this ComfyUI? The tests that can tell, and what their result means for a person."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from .host import NEWEST, OLDEST, Host

PROVES = {
    "test_import_guard": "the names of ComfyUI that the pack uses",
    "test_todays_core": "sharing the attention with ComfyUI and other packs",
    "test_seam": "following the samplers",
    "test_families": "heat maps and guidance on SD 1.x, 2.x and SDXL",
    "test_transformers": "heat maps and guidance on SD3, PixArt, Z-Image and Qwen-Image",
    "test_prompt_to_prompt": "Prompt-to-Prompt",
}
"""Test file of the comfy tier -> what does not work where it fails. Minutes, where the whole tier takes an hour."""


def tried(report: Path) -> Mapping[str, int]:
    """Test file that ran -> how many of its tests failed, by pytest's own report."""
    failed: Counter[str] = Counter()
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.find("skipped") is None:
            failed[_file_of(case)] += any(case.find(kind) is not None for kind in ("failure", "error"))
    return failed


def _file_of(case: ElementTree.Element) -> str:
    """A file that could not even be loaded is named where others have their test's name."""
    name = case.get("classname") or case.get("name") or ""
    return next((part for part in name.split(".") if part in PROVES), name)


def verdict(host: Host, report: Path) -> list[str]:
    """Lines for the person whose ComfyUI it is."""
    here = f"ComfyUI {host.version} in {host.comfyui}"
    try:
        found = tried(report)
    except (OSError, ElementTree.ParseError):
        found = {}
    if not found:
        return [f"The tests ended before they had a result, so it is not known whether the pack works on {here}."]
    broken = [f"  - {PROVES.get(file, file)} (failed tests: {count})" for file, count in found.items() if count]
    fine = [words for file, words in PROVES.items() if found.get(file) == 0]
    if fine and not broken:
        return [f"Yes: Prompt Understanding works on {here}. Tried were: {', '.join(fine)}."]
    lines = [f"No, not all of Prompt Understanding works on {here}. What does not:", *broken]
    if fine:
        lines.append(f"What does: {', '.join(fine)}.")
    lines.append(
        f"Tested by its authors are ComfyUI {OLDEST} to {NEWEST}. Please send what is printed above with the "
        "version of your ComfyUI; updating the pack, or ComfyUI, may be all that is needed."
    )
    return lines
