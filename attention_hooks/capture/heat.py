"""From the maps of a run to the heat of one word: which sites, which steps, averaged how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ...errors import PromptUnderstandingError
from ...prompts.types import ParsedPrompt, Word
from ..types import AttentionSite
from .record import CapturedMaps
from .sites import CHOICES, DEPTHS
from .sizes import of_one_size

SLACK = 1e-4
"""Progress is found by halving, so a step at the edge of a range may miss it by a hair."""


class WordHeat(NamedTuple):
    """`heat` [batch frames words height width] probabilities: how much of a place's attention goes to the word."""

    heat: Tensor
    progress: tuple[tuple[float, float], ...]
    """First and last progress of each frame."""
    sites: tuple[AttentionSite, ...]


def word_heat(
    maps: CapturedMaps,
    words: Sequence[Word],
    sites: str = "quarter",
    start: float = 0.0,
    until: float = 1.0,
    each_step: bool = False,
) -> WordHeat:
    """Heat of `words`, the pieces of a word added (as the losses do), the sites averaged, and the frames too unless
    `each_step`.

    `sites`: "quarter", "half", "eighth", "all", or addresses. `start`, `until`: progress 0…1, both ends included.
    Raises PromptUnderstandingError when no captured site or step fits, naming those there are.
    """
    chosen = choose_captured(maps, sites)
    frames = frames_within(maps, start, until)
    total = torch.stack(of_one_size([_heat_at(maps.probs[site][frames], words) for site in chosen])).mean(0)
    progress = tuple(maps.progress[frame] for frame in frames)
    if not each_step:
        total, progress = total.mean(0, keepdim=True), ((progress[0][0], progress[-1][1]),)
    return WordHeat(total.transpose(0, 1), progress, chosen)


def _heat_at(probs: Tensor, words: Sequence[Word]) -> Tensor:
    """[frames batch tokens height width] -> [frames batch words height width]"""
    return torch.stack([probs[:, :, list(word.positions)].sum(2) for word in words], 2)


def choose_captured(maps: CapturedMaps, choice: str) -> tuple[AttentionSite, ...]:
    """Those of the captured sites that `choice` names (see `word_heat`)."""
    choice = choice.strip().lower()
    if choice == "all" or (maps.one_size and choice in DEPTHS):
        return tuple(sorted(maps.probs))
    if choice in DEPTHS:
        wanted = map_hw(maps.latent_hw, DEPTHS[choice])
        chosen = tuple(sorted(site for site, probs in maps.probs.items() if probs.shape[-2:] == wanted))
    else:
        chosen = _by_address(maps, choice)
    if not chosen:
        raise PromptUnderstandingError(
            f"Heat was asked for at {choice} of the latent's size, but it was not captured there. Captured were: "
            f"{_listing(maps)}. Choose 'all', or set the sites of Capture Attention to {choice}."
        )
    return chosen


def map_hw(latent_hw: tuple[int, int], down: int) -> tuple[int, int]:
    """Height and width of a map. Each halving rounds up, as the network's strided convolutions do."""
    height, width = latent_hw
    return -(-height // down), -(-width // down)


def _by_address(maps: CapturedMaps, choice: str) -> tuple[AttentionSite, ...]:
    wanted = {part.strip() for part in choice.split(",") if part.strip()}
    unknown = sorted(wanted - {str(site) for site in maps.probs})
    if unknown or not wanted:
        raise PromptUnderstandingError(
            f"Heat was asked for at site {', '.join(unknown) or '(none)'}. Captured were: {_listing(maps)}. "
            f"Use these addresses, separated by commas, or one of: {', '.join(CHOICES)}."
        )
    return tuple(sorted(site for site in maps.probs if str(site) in wanted))


def _listing(maps: CapturedMaps) -> str:
    return ", ".join(f"{site} ({probs.shape[-2]}x{probs.shape[-1]})" for site, probs in sorted(maps.probs.items()))


def frames_within(maps: CapturedMaps, start: float, until: float) -> list[int]:
    """Frames that lie wholly in start…until. A mean over more steps than these cannot be taken apart again."""
    if not 0 <= start <= until <= 1:
        raise PromptUnderstandingError(
            f"The range of steps goes from {start:g} until {until:g}. Both are progress between 0 (the first step) and "
            "1 (the last), and the first must not be larger than the second."
        )
    inside = [i for i, (a, b) in enumerate(maps.progress) if start - SLACK <= a and b <= until + SLACK]
    if inside:
        return inside
    first, last = maps.progress[0][0], maps.progress[-1][1]
    if len(maps.progress) == 1 and first < last:
        raise PromptUnderstandingError(
            f"Heat was asked for from progress {start:g} until {until:g}, but the maps were averaged over {first:.2f} "
            f"to {last:.2f} while sampling. Set 'keep' of Capture Attention to 'each step', or widen the range to "
            "cover that."
        )
    raise PromptUnderstandingError(
        f"Heat was asked for from progress {start:g} until {until:g}, but no captured step lies there: the "
        f"{len(maps.progress)} captured go from {first:.2f} to {last:.2f}. Widen the range."
    )


def check_prompt(maps: CapturedMaps, prompt: ParsedPrompt, words: Sequence[Word]) -> None:
    """Raises PromptUnderstandingError when `words` of `prompt` cannot be read from these maps."""
    if maps.fingerprints and prompt.fingerprint not in maps.fingerprints:
        raise PromptUnderstandingError(
            f"The heat maps were captured for the prompt {maps.text!r}, and the connected prompt is {prompt.text!r}"
            f"{_otherwise_encoded(maps, prompt)}. Connect the PARSED_PROMPT of the same Encode & Parse Prompt node "
            "whose CONDITIONING goes to the sampler's positive input; where several go there, connect the one you want "
            "to see to Capture Attention as well."
        )
    # What Conditioning (Concat) lays behind our tokens leaves them where they are.
    lengthened = len(maps.fingerprints) == 1 and maps.tokens > prompt.length
    if maps.tokens != prompt.length and not lengthened:
        raise PromptUnderstandingError(
            f"The heat maps were captured for a conditioning of {maps.tokens} tokens, but the connected prompt "
            f"{prompt.plain!r} has {prompt.length}. Connect the PARSED_PROMPT of the same Encode & Parse Prompt node "
            "whose CONDITIONING goes to the sampler's positive input."
        )
    lost = [word.text for word in words if not word.positions]
    if lost:
        raise PromptUnderstandingError(
            f"The text encoder gave no token to {', '.join(map(repr, lost))}, so there is no heat map for it. Leave it "
            "out, or write it differently. The words of the prompt are: "
            f"{', '.join(word.text for word in prompt.words)}."
        )


def _otherwise_encoded(maps: CapturedMaps, prompt: ParsedPrompt) -> str:
    if maps.text != prompt.text:
        return ""
    return f", encoded to {maps.tokens} tokens there and {prompt.length} here"
