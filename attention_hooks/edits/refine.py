"""Refine: the words both prompts share keep their attention, added and changed ones bring their own.

Hertz et al. 2022 (arXiv 2208.01626), section 4, "Adding a New Phrase".
"""

from .injection import Injection


class Refine(Injection):
    """`maps` connect kept words and no others."""
