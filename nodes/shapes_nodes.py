"""Load Shapes Model: the small model that comes with the pack."""

from __future__ import annotations

from comfy_api.latest import io

from ..demo.model import load_shapes


class LoadShapesModel(io.ComfyNode):
    """The Shapes model for the stock nodes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="PULoadShapesModel",
            display_name="Load Shapes Model",
            category="prompt understanding/shapes",
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


NODES = [LoadShapesModel]
