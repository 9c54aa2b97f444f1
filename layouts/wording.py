"""A layout as a prompt for the whole picture: "a meadow with three frogs". What it leaves out is not in it."""

from __future__ import annotations

from collections import Counter

from .nouns import NUMBER_WORDS, plural, with_article, without_article
from .types import Layout


def picture_prompt(layout: Layout) -> str:
    """Things of one caption are counted together, in the order in which they are first named."""
    counts = Counter(without_article(thing.caption.strip()) for thing in layout.objects)
    things = [_counted(caption, count) for caption, count in counts.items()]
    listed = f"{', '.join(things[:-1])} and {things[-1]}" if len(things) > 1 else "".join(things)
    return " with ".join(filter(None, (layout.background.strip(), listed)))


def _counted(caption: str, count: int) -> str:
    if count > 1:
        return f"{NUMBER_WORDS.get(count, str(count))} {plural(caption)}"
    # "glasses" and "scissors" take no article.
    return caption if plural(caption) == caption else with_article(caption)
