"""Real images: find the noise a picture would have been made from, and negative prompts that lead back to it."""

from __future__ import annotations

from typing import Any

import comfy.samplers
from comfy_api.latest import io

from ..attention_hooks.host.install import with_direct_inversion
from ..attention_hooks.host.inversion.invert import invert
from ..attention_hooks.host.inversion.negatives import Negatives, with_negatives
from ..attention_hooks.host.inversion.null_text import NullText, optimise
from ..attention_hooks.host.settings import Inversion
from ..attention_hooks.optimize.null_text import NullTextSchedule
from .node import Node, with_report
from .sockets import InversionSocket

NULL_TEXT, PROMPT, DIRECT = "null-text", "prompt as negative", "direct inversion"


class PUInvertImage(Node, name="Invert Image", room="edit"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Finds the noise from which the sampler makes this very picture again, so that a real image "
            "can be edited as if it had been generated. Sample the result with KSampler (Advanced): add_noise "
            "disable, euler or ddim, the same steps and scheduler. With cfg 1 the picture comes back; for a higher "
            "cfg put Bring Image Back in between. Takes about as long as sampling at cfg 1.",
            search_aliases=["ddim inversion", "real image", "unsample", "invert", "renoise"],
            inputs=[
                io.Model.Input("model", tooltip="Straight from the loader (LoRA is fine), without guidance."),
                io.Conditioning.Input(
                    "positive",
                    tooltip="What is on the picture, in words. The closer it fits, the better the picture comes back "
                    "and the better it can be edited.",
                ),
                io.Latent.Input("latent", tooltip="The picture, from VAE Encode. Several pictures are a batch."),
                io.Int.Input(
                    "steps", default=50, min=1, max=1000,
                    tooltip="As many as the sampler will take. More bring the picture back more exactly and take "
                    "longer.",
                ),
                io.Combo.Input(
                    "scheduler", options=list(comfy.samplers.SCHEDULER_NAMES), default="normal",
                    tooltip="The one that the sampler will use.",
                ),
                io.Int.Input(
                    "refinements", default=0, min=0, max=20, advanced=True,
                    tooltip="Looks at each step again so many times, to meet the picture more exactly. Each takes as "
                    "long again as the whole inversion; 2 is much. The noise found may be edited a little less "
                    "freely. 0 is the papers' inversion.",
                ),
            ],
            outputs=[
                io.Latent.Output(display_name="noisy latent", tooltip="For the sampler, with add_noise disabled."),
                InversionSocket.Output(display_name="inversion", tooltip="For Bring Image Back."),
                io.Sigmas.Output(
                    display_name="sigmas", tooltip="The noise levels, for SamplerCustomAdvanced (euler, DisableNoise)."
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, model: Any, positive: Any, latent: dict[str, Any], steps: int, scheduler: str, refinements: int = 0
    ) -> io.NodeOutput:
        noisy, inversion = invert(model, positive, latent["samples"], steps, scheduler, refinements, node_of(cls))
        return io.NodeOutput({**latent, "samples": noisy}, inversion, inversion.sigmas)


class PUNullTextOptimise(Node, name="Bring Image Back", room="edit"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        schedule = NullTextSchedule()
        return cls.schema(
            description="Lets an inverted picture come back at a real cfg, such as 7.5, where plain sampling drifts "
            "away from it. 'null-text' fits a negative prompt to every step; it takes many times as long as sampling, "
            "once for each picture, and an interrupted run is gone on with. 'prompt as negative' takes no time and "
            "comes back as exactly as the inversion itself. The MODEL brings its negative prompts with it: what is "
            "connected to the sampler's negative input is not used.",
            search_aliases=[
                "null-text optimise", "null text inversion", "negative prompt inversion", "direct inversion",
                "real image", "reconstruction",
            ],
            inputs=[
                io.Model.Input("model", tooltip="The one that Invert Image was given."),
                InversionSocket.Input("inversion", tooltip="From Invert Image."),
                io.Conditioning.Input(
                    "negative", tooltip="Where null-text begins: usually an empty prompt. The sampler's own negative "
                    "input can be the same.",
                ),
                io.Float.Input(
                    "cfg", default=7.5, min=0.0, max=100.0, step=0.1, round=0.01,
                    tooltip="The sampler's cfg. Set the same value there.",
                ),
                io.Combo.Input(
                    "method", options=[NULL_TEXT, PROMPT, DIRECT], default=NULL_TEXT,
                    tooltip="'null-text' is exact and slow (Mokady 2023). 'prompt as negative' takes the prompt of "
                    "the inversion as the negative prompt and costs nothing (Miyake 2023). 'direct inversion', for "
                    "Prompt-to-Prompt, shows the picture itself as the source, at no cost (Ju 2024).",
                ),
                io.Int.Input(
                    "rounds", default=schedule.rounds, min=1, max=100, advanced=True,
                    tooltip="Null-text: at most so many corrections a step. Fewer are faster and less exact.",
                ),
                io.Float.Input(
                    "learning_rate", default=schedule.learning_rate, min=0.0, max=1.0, step=0.001, round=False,
                    advanced=True,
                    tooltip="Null-text: length of one correction at the first step; half of it is left at the end.",
                ),
                io.Float.Input(
                    "enough", default=schedule.enough, min=0.0, max=1.0, step=0.000001, round=False, advanced=True,
                    tooltip="Null-text: a step that is as near as this is left early. Larger is faster and less "
                    "exact; later steps may be farther off, up to a hundred times.",
                ),
                io.Boolean.Input(
                    "save_memory", default=False, advanced=True,
                    tooltip="Null-text: keeps fewer intermediate results and takes longer, for when memory runs "
                    "out. The result stays the same.",
                ),
            ],
            outputs=[
                io.Model.Output(tooltip="For the sampler, or for Prompt-to-Prompt. It brings the negative prompts."),
                io.String.Output(display_name="report", tooltip="How near each step came."),
            ],
            hidden=[io.Hidden.unique_id],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, model: Any, inversion: Inversion, negative: Any, cfg: float, method: str, rounds: int = 10,
        learning_rate: float = 1e-2, enough: float = 1e-5, save_memory: bool = False,
    ) -> io.NodeOutput:  # fmt: skip
        if method == PROMPT:
            report = "The negative prompt is the prompt of the inversion, at every step and for any cfg."
            return with_report(report, with_negatives(model, Negatives(inversion, inversion.positive)))
        if method == DIRECT:
            report = "The source is led along the way of the inversion and ends in the picture itself, for any cfg."
            return with_report(report, with_direct_inversion(with_negatives(model, Negatives(inversion)), inversion))
        schedule = NullTextSchedule(rounds, learning_rate, enough)
        found = optimise(model, inversion, negative, cfg, schedule, save_memory, node_of(cls))
        negatives = Negatives(inversion, negative, found.embeddings, cfg)
        return with_report(report_of(found, inversion), with_negatives(model, negatives))


def report_of(found: NullText, inversion: Inversion) -> str:
    head = f"{inversion.steps} steps, {sum(found.rounds)} gradients. Mean squared error each step was left with:"
    lines = [
        f"{i + 1:4d}  noise {sigma:8.3f}  rounds {rounds:2d}  error {', '.join(f'{loss:.1e}' for loss in losses)}"
        for i, (sigma, rounds, losses) in enumerate(
            zip(inversion.sigmas.tolist(), found.rounds, found.losses, strict=False)
        )
    ]
    return "\n".join([head, *lines])


def node_of(cls: Any) -> str | None:
    return cls.hidden.unique_id if cls.hidden else None


NODES = [PUInvertImage, PUNullTextOptimise]
