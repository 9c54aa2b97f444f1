"""What Imagen does against oversaturation: thresholding of the denoised picture, and guidance that is not always the
same."""

from __future__ import annotations

from functools import partial
from typing import Any

from comfy_api.latest import io

from ..attention_hooks.host.predictions.denoised import has_pixel_values, with_guided_edit, with_pixel_edit
from ..attention_hooks.host.predictions.guidance_weight import with_guidance_weight
from ..attention_hooks.predictions.guidance_weight import SHAPES, GuidanceWeight
from ..attention_hooks.predictions.thresholding import (
    NO_CAP,
    check_cap,
    check_percentile,
    dynamic_threshold,
    rescale_channels,
    static_threshold,
)
from ..errors import PromptUnderstandingError
from .node import Node, with_report

DYNAMIC, STATIC, CHANNELS = "dynamic", "static", "per channel"


class PUDynamicThresholding(Node, name="Dynamic Thresholding", room="condition"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Keeps colours natural at high cfg: at every step, values that strong guidance drove out of "
            "range are brought back. On models that work on pixels (Shapes) this is Imagen's percentile clamp; on "
            "latent models (SD1.x, SD2.x, SDXL) each channel is brought to the range a lower cfg would give it. The "
            "node says which it does. Takes no measurable time, and chains with other nodes.",
            search_aliases=["cfg fix", "oversaturation", "mimic cfg", "clamp", "imagen"],
            inputs=[
                io.Model.Input("model", tooltip="The model to sample with."),
                io.Combo.Input(
                    "method", options=[DYNAMIC, STATIC, CHANNELS], default=DYNAMIC,
                    tooltip="'dynamic' brings the whole picture back into range and keeps its detail; 'static' cuts "
                    "off what lies beyond, for pixel models only; 'per channel' shrinks each channel around its own "
                    "mean, so that a dark ground stays dark, and is what 'dynamic' means on latent models.",
                ),
                io.Float.Input(
                    "percentile", default=0.995, min=0.5, max=1.0, step=0.001, round=0.0001,
                    tooltip="Which share of the values sets the range; the rest is clipped. Lower is milder in colour "
                    "and flatter. 0.995 is Imagen's, 0.95 DeepFloyd's.",
                ),
                io.Float.Input(
                    "mimic", default=7.0, min=1.0, max=100.0, step=0.5,
                    tooltip="Latent models, and 'per channel': the cfg whose range of values is taken. At or above the "
                    "sampler's cfg nothing changes.",
                ),
                io.Float.Input(
                    "cap", default=0.0, min=0.0, max=100.0, step=0.1, advanced=True,
                    tooltip="Pixel models only: the picture is divided by at most this, against grey pictures. 0 is no "
                    "cap, 1.5 DeepFloyd's.",
                ),
            ],
            outputs=[
                io.Model.Output(tooltip="For the sampler."),
                io.String.Output(display_name="report", tooltip="Which form this model gets."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, model: Any, method: str, percentile: float, mimic: float, cap: float) -> io.NodeOutput:
        check_percentile(percentile)
        pixels = has_pixel_values(model) and method != CHANNELS
        patched, report = (_on_pixels if pixels else _by_channel)(model, method, percentile, mimic, cap)
        return with_report(report, patched)


def _on_pixels(model: Any, method: str, percentile: float, mimic: float, cap: float) -> tuple[Any, str]:
    if method == STATIC:
        return with_pixel_edit(model, static_threshold), "Pixel model: values are clipped to -1…1 at every step."
    highest = cap or NO_CAP
    check_cap(highest)
    edit = partial(dynamic_threshold, percentile=percentile, cap=highest)
    limit = f", divided by at most {cap:g}" if cap else ""
    report = f"Pixel model: Imagen's clamp at the {100 * percentile:g} % percentile of each picture{limit}."
    return with_pixel_edit(model, edit), report


def _by_channel(model: Any, method: str, percentile: float, mimic: float, cap: float) -> tuple[Any, str]:
    if method == STATIC:
        raise PromptUnderstandingError(
            "Static thresholding clips pixels to -1…1, but this model works on a latent, whose values have no such "
            "range. Use 'dynamic', which takes the range from a lower cfg."
        )
    edit = partial(rescale_channels, mimic=mimic, percentile=percentile)
    kind = "Pixel" if has_pixel_values(model) else "Latent"
    report = f"{kind} model: each channel is brought to the range that cfg {mimic:g} would give it."
    return with_guided_edit(model, edit, above=mimic), report


class PUGuidanceSchedule(Node, name="Guidance Schedule", room="condition"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Lets cfg change while the picture is sampled, so that a high cfg acts where it helps and does "
            "not oversaturate elsewhere. The sampler's own cfg is the highest weight. Steps whose weight is 1 skip the "
            "negative prompt and take half the time.",
            search_aliases=["cfg schedule", "dynamic cfg", "guidance interval", "limited interval"],
            inputs=[
                io.Model.Input("model", tooltip="The model to sample with."),
                io.Combo.Input(
                    "shape", options=list(SHAPES), default="interval",
                    tooltip="'interval': the sampler's cfg between start and until, else 'low'. 'down': from cfg to "
                    "'low'; 'up': from 'low' to cfg. 'constant' changes nothing.",
                ),
                io.Float.Input(
                    "low", default=1.0, min=0.0, max=100.0, step=0.1,
                    tooltip="The weaker cfg. 1 is no guidance, which takes half the time.",
                ),
                io.Float.Input(
                    "start", default=0.0, min=0.0, max=1.0, step=0.05,
                    tooltip="Where the interval or ramp begins; 0 is the first step, 1 the end.",
                ),
                io.Float.Input(
                    "until", default=0.6, min=0.0, max=1.0, step=0.05, tooltip="Where the interval or ramp ends."
                ),
            ],
            outputs=[io.Model.Output(tooltip="For the sampler. Put it anywhere among other model patches.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, model: Any, shape: str, low: float, start: float, until: float) -> io.NodeOutput:
        return io.NodeOutput(with_guidance_weight(model, GuidanceWeight(shape, low, start, until)))


NODES = [PUDynamicThresholding, PUGuidanceSchedule]
