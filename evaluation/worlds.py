"""The models that the tables are made on: how each is loaded and sampled, its prompts, its detector, and what its
guidance nodes need set otherwise than their defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..demo import known
from ..demo import prompts as shapes_prompts
from ..demo.known import Known
from ..demo.prompts import Prompt
from ..demo.small_world import prompts as small_world_prompts
from . import methods
from .methods import Registry


@dataclass(frozen=True)
class Recipe:
    """How every picture is sampled, whatever the method. `size` in pixels."""

    steps: int = 20
    cfg: float = 3.0
    sampler: str = "euler"
    scheduler: str = "normal"
    size: int = 64


@dataclass(frozen=True)
class World:
    """One of our own models and what belongs to it."""

    name: str
    title: str
    weights: Path
    load: Callable[[Path], tuple[Any, Any, Any]]
    recipe: Recipe
    sets: Mapping[str, Sequence[Prompt]]
    known: Known
    methods: Registry


def _load_shapes(file: Path) -> tuple[Any, Any, Any]:
    from ..demo.model import load_shapes

    return load_shapes(file)


def _load_small_world(file: Path) -> tuple[Any, Any, Any]:
    from ..demo.small_world.model import load_small_world

    return load_small_world(file)


_WEIGHTS = Path(__file__).resolve().parents[1] / "demo" / "weights"
SHAPES = World(
    "shapes", "the Shapes model", _WEIGHTS / "shapes.safetensors", _load_shapes, Recipe(), shapes_prompts.SETS,
    known.SHAPES, methods.ON_SHAPES,
)  # fmt: skip
SMALL_WORLD = World(
    "small-world", "Small World", _WEIGHTS / "small_world.safetensors", _load_small_world,
    Recipe(steps=12, cfg=3.0, size=128), small_world_prompts.SETS, known.SMALL_WORLD,
    methods.ON_SMALL_WORLD,
)  # fmt: skip
WORLDS = {world.name: world for world in (SMALL_WORLD, SHAPES)}
"""The first is what a table is made on when none is named."""
