"""What a detector says of one thing in a picture, whatever model made the picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Detection:
    """One thing. `noun` is None for what looks like none of the nouns. `box` is left, top, right, bottom in 0…1;
    `likeness` 0…1 is how near it comes to the best of the detector's examples; `paint` is its red, green, blue,
    0…255."""

    noun: str | None
    colour: str
    box: tuple[float, float, float, float]
    likeness: float
    paint: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) in 0…1."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2
