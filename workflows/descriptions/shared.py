"""What most workflows have in common: prompt, guidance, capture, stock sampler, decode, and the nodes that look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .canvas import Link, Node, Sheet

SHAPES = {"steps": 20, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}
SMALL_WORLD = {"steps": 12, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}
REAL = {"steps": 50, "cfg": 7.5, "sampler_name": "euler", "scheduler": "normal"}
SD15 = "v1-5-pruned-emaonly.safetensors"
SHAPES_ATTEND_AND_EXCITE: dict[str, Any] = {"step_size": 10.0, "sharpness": 10.0, "max_refinements": 4}
SHAPES_SYNGEN: dict[str, Any] = {"step_size": 10.0}
SHAPES_A_STAR: dict[str, Any] = {"step_size": 10.0}
"""Inputs for the Shapes model where they differ from the nodes' defaults, as the quality table uses them
(evaluation/methods.py says why)."""

SMALL_WORLD_ATTEND_AND_EXCITE: dict[str, Any] = {"step_size": 12.0, "sharpness": 10.0, "max_refinements": 4}
SMALL_WORLD_SYNGEN: dict[str, Any] = {"step_size": 5.0}
SMALL_WORLD_A_STAR: dict[str, Any] = {"step_size": 2.5}
SMALL_WORLD_AUTO: dict[str, Any] = {**SMALL_WORLD_ATTEND_AND_EXCITE, "binding": 0.4, "apart": 0.2}
"""The same for Small World."""

Chain = Sequence[tuple[str, Mapping[str, Any]]]
"""Guidance nodes from the loader to the sampler: (node id, inputs that differ from the defaults)."""


@dataclass
class Sampled:
    """What the nodes on the right take."""

    model: Link
    samples: Link
    prompt: Link
    image: Link


def shapes_loader(sheet: Sheet) -> Node:
    return sheet.add("PULoadShapesModel", (0, 0), (300, 130))


def small_world_loader(sheet: Sheet) -> Node:
    return sheet.add("PULoadSmallWorld", (0, 0), (300, 130))


def sd15_loader(sheet: Sheet) -> Node:
    return sheet.add("CheckpointLoaderSimple", (0, 0), (380, 110), ckpt_name=SD15)


def sampled(
    sheet: Sheet, loader: Node, text: str, sampling: dict[str, Any], chain: Chain, side: int, batch: int
) -> Sampled:
    """Each guidance node below the one before, capture last."""
    prompt = sheet.add("PUEncodePrompt", (0, 200), (380, 260), clip=loader[1], text=text)
    negative = sheet.add("CLIPTextEncode", (0, 530), (380, 120), "Negative prompt", clip=loader[1], text="")
    latent = sheet.add("EmptyLatentImage", (0, 720), (300, 130), width=side, height=side, batch_size=batch)
    model, top = loader[0], 0
    for node_id, knobs in chain:
        model = sheet.add(node_id, (440, top), (360, 500), model=model, prompt=prompt[1], **knobs)[0]
        top += 570
    captured = sheet.add("PUCaptureAttention", (440, top), (360, 200), model=model)
    sampler = sheet.add(
        "KSampler", (860, 0), (320, 330), model=captured[0], positive=prompt[0], negative=negative[0],
        latent_image=latent[0], seed=1, **sampling,
    )  # fmt: skip
    decoded = sheet.add("VAEDecode", (860, 400), (240, 60), samples=sampler[0], vae=loader[2])
    return Sampled(captured[0], sampler[0], prompt[1], decoded[0])


def heat_map(sheet: Sheet, at: tuple[int, int], run: Sampled, **knobs: Any) -> Node:
    inputs = {"model": run.model, "samples": run.samples, "prompt": run.prompt, "image": run.image}
    return sheet.add("PUAttentionHeatMap", at, (420, 820), **inputs, **knobs)


def show_run(sheet: Sheet, run: Sampled, prefix: str, left: int = 1240, **heat: Any) -> None:
    """The picture, the heat of every subject, and the losses, from `left` on."""
    sheet.add("SaveImage", (left, 0), (420, 440), images=run.image, filename_prefix=prefix)
    heat_map(sheet, (left, 510), run, **heat)
    report = sheet.add("PUGuidanceReport", (left + 480, 0), (620, 700), model=run.model, samples=run.samples)
    sheet.add("PreviewAny", (left + 480, 770), (620, 460), "The report as text", source=report[1])
