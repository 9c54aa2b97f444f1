"""Load Shapes Model, Load Shapes Upscaler: the small models that come with the pack."""

from __future__ import annotations

from comfy_api.latest import io

from ..demo.model import load_shapes
from ..demo.upscaler_model import load_upscaler
from .node import Node


class LoadShapesModel(Node, name="Load Shapes Model", room="shapes", id="PULoadShapesModel"):
    """The Shapes model for the stock nodes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="A small model that comes with this pack: coloured shapes on a dark ground, 64 x 64 pixels, in "
            "seconds on any computer. It forgets objects and mixes up colours as large models do, so that every "
            "technique of the pack can be tried without a download. Prompts: 'a red circle and a blue star'. Use it "
            "with the stock KSampler and VAE Decode.",
            outputs=[io.Model.Output(), io.Clip.Output(), io.Vae.Output()],
            search_aliases=["demo model", "toy model", "shapes"],
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        return io.NodeOutput(*load_shapes())


class PULoadShapesUpscaler(Node, name="Load Shapes Upscaler", room="shapes"):
    """The second stage of the Shapes cascade."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="A small super-resolution model that comes with this pack: pictures of the Shapes model from "
            "64 x 64 to 128 x 128, in seconds on any computer. Put Super-Resolution Stage behind it; it reads no "
            "prompt, so set the sampler's cfg to 1.",
            outputs=[io.Model.Output(), io.Vae.Output()],
            search_aliases=["demo model", "upscale", "super resolution", "shapes"],
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        return io.NodeOutput(*load_upscaler())


NODES = [LoadShapesModel, PULoadShapesUpscaler]
