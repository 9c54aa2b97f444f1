"""Which places of the network are read."""

from collections.abc import Sequence
from typing import NamedTuple

from ...errors import PromptUnderstandingError
from ..types import AttentionSite

DEPTHS = {"half": 2, "quarter": 4, "eighth": 8}
"""Name -> latent pixels per map pixel. "quarter" is the 16x16 that the papers read at 512 px."""

CHOICES = ("quarter", "half", "eighth", "all")


class ModelSite(NamedTuple):
    """A cross-attention layer of a model, in the order the forward pass meets them."""

    site: AttentionSite
    down: int
    """Latent pixels per map pixel, per side."""
    heads: int


def choose_sites(model_sites: Sequence[ModelSite], choice: str) -> tuple[ModelSite, ...]:
    """`choice` is "quarter", "half", "eighth", "all", or addresses such as "input.7.0, output.3.0". Where all maps are
    of one size, as in transformers, any of the sizes means all of them.

    Raises PromptUnderstandingError when the model has no such site, naming those it has.
    """
    choice = choice.strip().lower()
    if choice == "all" or (one_size(model_sites) and choice in DEPTHS):
        chosen = tuple(model_sites)
    elif choice in DEPTHS:
        chosen = tuple(site for site in model_sites if site.down == DEPTHS[choice])
    else:
        chosen = _by_address(model_sites, choice)
    if not chosen:
        raise PromptUnderstandingError(
            f"This model has no cross-attention at {choice} of the latent's size. It has it at: "
            f"{_depths_of(model_sites)}. Choose one of these, or 'all'."
        )
    return chosen


def one_size(model_sites: Sequence[ModelSite]) -> bool:
    return len({site.down for site in model_sites}) == 1


def _by_address(model_sites: Sequence[ModelSite], choice: str) -> tuple[ModelSite, ...]:
    wanted = {part.strip() for part in choice.split(",") if part.strip()}
    known = {str(entry.site): entry for entry in model_sites}
    unknown = sorted(wanted - known.keys())
    if unknown or not wanted:
        raise PromptUnderstandingError(
            f"Attention site {', '.join(unknown) or '(none)'} was asked for, but this model has only: "
            f"{', '.join(known)}. Use these addresses, or one of: {', '.join(CHOICES)}."
        )
    return tuple(entry for entry in model_sites if str(entry.site) in wanted)


def _depths_of(model_sites: Sequence[ModelSite]) -> str:
    names = {depth: name for name, depth in DEPTHS.items()}
    return ", ".join(names.get(down, f"1/{down}") for down in sorted({entry.down for entry in model_sites}))
