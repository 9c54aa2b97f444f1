"""Word swap: the new word looks where the old one looked, so the layout stays and the thing changes.

Hertz et al. 2022 (arXiv 2208.01626), section 4, "Word Swap". Differs from the authors' code: swaps and insertions may
be mixed, and what follows a swap of unequal token counts moves with it (theirs reads the source at the target's place).
"""

from .injection import Injection


class WordSwap(Injection):
    """`maps` connect kept and swapped words."""
