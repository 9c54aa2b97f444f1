"""Load Small World: the model of real things that comes with the pack."""

from __future__ import annotations

from comfy_api.latest import io

from ..demo.small_world.model import load_small_world
from .node import Node


class PULoadSmallWorld(Node, name="Load Small World", room="small world"):
    """Small World for the stock nodes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="A small model that comes with this pack and draws animals and things in eleven colours, as "
            "stickers on plain scenes, 128 x 128 pixels, in seconds on any computer: 'a bear and a turtle', 'a pink "
            "sunflower and a yellow flamingo', 'three rabbits in snow'. It forgets things and mixes up colours as "
            "large models do, so that every technique of the pack can be seen at work without a download. Use it with "
            "the stock KSampler (cfg 3, 12 to 20 steps) and VAE Decode.",
            outputs=[io.Model.Output(), io.Clip.Output(), io.Vae.Output()],
            search_aliases=["demo model", "toy model", "animals", "small world"],
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        return io.NodeOutput(*load_small_world())


NODES = [PULoadSmallWorld]
