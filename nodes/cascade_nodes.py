"""Super-Resolution Stage: the next stage of a cascade."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..attention_hooks.host.conditioning.cascade import super_resolution_stage
from .node import Node


class PUSuperResolutionStage(Node, name="Super-Resolution Stage", room="condition"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Paints a larger version of a picture with a super-resolution model, as the stages of Imagen "
            "do. The picture is first made noisy by a chosen amount, and the model is told how much: a little noise "
            "lets it repair what the stage before did badly, more lets it repaint. For Stable Diffusion's x4 upscaler "
            "and the Shapes upscaler. Give all four outputs to one KSampler.",
            search_aliases=["upscale", "x4 upscaler", "imagen", "cascade", "noise augmentation", "super resolution"],
            inputs=[
                io.Model.Input("model", tooltip="Stable Diffusion's x4 upscaler, or the Shapes upscaler."),
                io.Conditioning.Input("positive", tooltip="The prompt. The Shapes upscaler does not read it."),
                io.Conditioning.Input("negative", tooltip="What to keep away from. Not read at cfg 1."),
                io.Image.Input("image", tooltip="The picture to enlarge, at its own size: do not scale it before."),
                io.Float.Input(
                    "noise_level", default=0.2, min=0.0, max=1.0, step=0.01,
                    tooltip="How much the picture is doubted. 0: enlarged as it is, faults too. 0.1 to 0.3: edges and "
                    "small faults are repaired. Towards 1: the model invents, and the picture is lost. Costs nothing.",
                ),
                io.Int.Input(
                    "seed", default=0, min=0, max=0xFFFFFFFFFFFFFFFF, control_after_generate=True, advanced=True,
                    tooltip="Of the noise that is put on the picture; apart from the sampler's, so that either can "
                    "be changed alone.",
                ),
            ],
            outputs=[
                io.Model.Output(tooltip="Give it to the sampler of this stage."),
                io.Conditioning.Output(display_name="positive"),
                io.Conditioning.Output(display_name="negative"),
                io.Latent.Output(tooltip="Empty, of the size this stage paints."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, model: Any, positive: Any, negative: Any, image: Any, noise_level: float, seed: int
    ) -> io.NodeOutput:
        return io.NodeOutput(*super_resolution_stage(model, positive, negative, image, noise_level, seed))


NODES = [PUSuperResolutionStage]
