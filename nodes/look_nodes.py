"""Look at what happened while sampling: heat maps, masks, losses, tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from comfy_api.latest import io, ui
from torch import Tensor

from ..attention_hooks.capture.heat import WordHeat, check_prompt, word_heat
from ..attention_hooks.capture.record import RunRecord
from ..attention_hooks.capture.report import images_of, report, subject_names, summary, techniques_of
from ..attention_hooks.capture.sites import CHOICES
from ..attention_hooks.host.sampling.progress import say
from ..attention_hooks.host.settings import run_log, settings_of
from ..errors import PromptUnderstandingError
from ..plots.canvas import stack
from ..plots.colours import word_colours
from ..plots.curves import LossCurve, loss_curves
from ..plots.heat import PER_WORD, SHARED, heat_tiles, normalise, resize, soften, strip, to_mask
from ..plots.tokens import token_strip
from ..prompts.types import ParsedPrompt, Word
from ..prompts.words import find_words
from .node import Node
from .sockets import ParsedPromptSocket

OVERLAY, PLAIN = "overlay", "plain"
MEAN, EACH = "mean over the steps", "each step"
STRIP, SEPARATE = "strip", "one picture a word"
EACH_WORD, MERGED = "one a word", "all words in one"
LISTED = "listed"


def find_run(model: Any, samples: dict[str, Any], wanted: str) -> RunRecord:
    """The run on `model` that made the latent `samples`. `wanted` says for what, for the error.

    Raises PromptUnderstandingError when there is none, with the reason and the cure.
    """
    log = run_log(model)
    if log is None:
        raise PromptUnderstandingError(
            f"{wanted} was asked for, but this MODEL keeps no record: no node of Prompt Understanding has patched it. "
            "Put Capture Attention (for heat maps) or a guidance node such as Attend-and-Excite between the model "
            "loader and the sampler, and connect its MODEL to the sampler and to this node."
        )
    record = log.find(samples["samples"])
    if record is not None:
        return record
    if len(log) == 0:
        raise PromptUnderstandingError(
            f"{wanted} was asked for, but nothing has been sampled with this MODEL yet. Connect the same MODEL to the "
            "sampler and to this node; a node that changes the MODEL in between makes another one."
        )
    raise PromptUnderstandingError(
        f"{wanted} was asked for, but the connected LATENT comes from none of the last {len(log)} runs of this MODEL. "
        "Connect the LATENT output of the sampler that uses this MODEL, before anything changes it (upscale, blend, "
        "crop, load)."
    )


def captured_run(model: Any, samples: dict[str, Any]) -> RunRecord:
    """As `find_run`, but the run must have kept maps."""
    record = find_run(model, samples, "A heat map")
    if record.maps is not None:
        return record
    if record.maps_missing:
        raise PromptUnderstandingError(f"A heat map was asked for, but none was captured: {record.maps_missing}")
    settings = settings_of(model)
    if settings is None or settings.capture is None:
        raise PromptUnderstandingError(
            "A heat map was asked for, but this MODEL keeps no attention maps. Put Capture Attention after the "
            "guidance nodes, and connect its MODEL to the sampler and to this node."
        )
    capture = settings.capture
    raise PromptUnderstandingError(
        f"A heat map was asked for, but none was captured: none of the run's {record.total_steps} steps lies between "
        f"progress {capture.start:g} and {capture.until:g}, the range of Capture Attention. Widen that range. "
        "(Sampling with a denoise below 1 starts late: at denoise 0.5 no step lies before about 0.5.)"
    )


def words_of(prompt: ParsedPrompt, words: str) -> list[Word]:
    """The words named in `words`, or the nouns of all subjects when it is empty."""
    if words.strip():
        return find_words(prompt, words)
    if not prompt.subjects:
        raise PromptUnderstandingError(
            f"No words were named and no subject was found in the prompt {prompt.plain!r}. Write the words to look at "
            f"into 'words'. The prompt has: {', '.join(word.text for word in prompt.words) or 'no words'}."
        )
    return [subject.noun for subject in prompt.subjects]


def picture_size(model: Any, latent_hw: tuple[int, int], image: Tensor | None, batch: int) -> tuple[int, int]:
    """Height and width of the decoded picture. Raises PromptUnderstandingError when `image` is not of this run."""
    if image is None:
        factor = int(model.get_model_object("latent_format").spacial_downscale_ratio)
        return latent_hw[0] * factor, latent_hw[1] * factor
    if len(image) != batch:
        raise PromptUnderstandingError(
            f"The run made {batch} images, but {len(image)} are connected to 'image'. Connect the whole batch as VAE "
            "Decode gives it, or leave 'image' empty for plain maps."
        )
    return image.shape[1], image.shape[2]


class PUAttentionHeatMap(Node, name="Attention Heat Map", room="look"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Shows where in the picture each word of the prompt went, and turns that place into a mask for "
            "inpainting or any other mask node. It reads what Capture Attention kept, so it samples nothing and takes "
            "a moment.",
            search_aliases=["attention map", "daam", "word mask", "mask from prompt", "segmentation by word"],
            is_output_node=True,
            inputs=[
                io.Model.Input("model", tooltip="The MODEL that the sampler used, with Capture Attention on it."),
                io.Latent.Input("samples", tooltip="The sampler's LATENT, unchanged: it tells which run to look at."),
                ParsedPromptSocket.Input("prompt", tooltip="From Encode & Parse Prompt: the positive prompt."),
                io.Image.Input(
                    "image", optional=True,
                    tooltip="The decoded picture, to draw the heat over it and to give the mask its size. Without it: "
                    "plain maps.",
                ),
                io.String.Input(
                    "words", default="",
                    tooltip="Words to look at, separated by commas: 'turtle, red'. 'turtle#2' is the second turtle. "
                    "Empty: every thing the parser found.",
                ),
                io.Combo.Input(
                    "mode", options=[OVERLAY, PLAIN], default=OVERLAY,
                    tooltip="Draw the heat over the picture, or alone on black.",
                ),
                io.Combo.Input(
                    "normalise", options=[PER_WORD, SHARED], default=PER_WORD,
                    tooltip="'per word' shows each word at full strength, even a weak one. 'shared' uses one scale, so "
                    "that a word the model neglected stays dark. It decides what the threshold means, too.",
                ),
                io.Float.Input(
                    "threshold", default=0.5, min=0.0, max=1.0, step=0.01,
                    tooltip="What share of the strongest heat belongs to the mask. Higher: smaller mask. 0: a soft "
                    "mask that is the heat itself.",
                ),
                io.Int.Input(
                    "grow", default=0, min=-512, max=512,
                    tooltip="Pixels to add around the mask; negative takes away. Inpainting likes some room.",
                ),
                io.Float.Input(
                    "blur", default=0.0, min=0.0, max=128.0, step=0.5,
                    tooltip="Softens the mask's edge, in pixels.",
                ),
                io.Combo.Input(
                    "combine", options=[MEAN, EACH], default=MEAN,
                    tooltip="One map for the whole range of steps, or one for each step, to watch the picture take "
                    "shape. The second needs 'each step' at Capture Attention.",
                ),
                io.Combo.Input(
                    "arrange", options=[STRIP, SEPARATE], default=STRIP, advanced=True,
                    tooltip="All words side by side in one picture, or a picture for each.",
                ),
                io.Combo.Input(
                    "masks", options=[EACH_WORD, MERGED], default=EACH_WORD, advanced=True,
                    tooltip="A mask for each word, or one that covers all the words. In a batch they follow each other "
                    "image by image.",
                ),
                io.Combo.Input(
                    "sites", options=[*CHOICES, LISTED], default="quarter", advanced=True,
                    tooltip="Which captured layers to average. 'quarter' (16x16 at 512 px) shows objects best; 'half' "
                    "is finer and noisier.",
                ),
                io.String.Input(
                    "site_list", default="", advanced=True,
                    tooltip="With sites 'listed': addresses such as 'input.7.0, output.3.0'.",
                ),
                io.Float.Input(
                    "start", default=0.0, min=0.0, max=1.0, step=0.05, advanced=True,
                    tooltip="First part of sampling to look at, 0 to 1. Needs 'each step' at Capture Attention unless "
                    "it covers all.",
                ),
                io.Float.Input(
                    "until", default=1.0, min=0.0, max=1.0, step=0.05, advanced=True,
                    tooltip="Last part of sampling to look at, 0 to 1. Early steps show where things are put, late "
                    "ones their detail.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="heat maps", tooltip="The drawn maps, one picture an image (or step)."),
                io.Mask.Output(display_name="masks", tooltip="Masks at the picture's size, for any mask node."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        model: Any,
        samples: dict[str, Any],
        prompt: ParsedPrompt,
        words: str,
        mode: str,
        normalise: str,
        threshold: float,
        grow: int,
        blur: float,
        combine: str,
        arrange: str,
        masks: str,
        sites: str,
        site_list: str,
        start: float,
        until: float,
        image: Tensor | None = None,
    ) -> io.NodeOutput:
        maps = captured_run(model, samples).maps
        assert maps is not None
        chosen = words_of(prompt, words)
        check_prompt(maps, prompt, chosen)
        found = word_heat(maps, chosen, site_list if sites == LISTED else sites, start, until, combine == EACH)
        hw = picture_size(model, maps.latent_hw, image, maps.batch)
        pictures = draw_heat(found, prompt, chosen, hw, image, mode == OVERLAY, normalise, arrange == STRIP)
        mask = heat_masks(found, hw, normalise, masks == MERGED, threshold, grow, blur)
        return io.NodeOutput(pictures, mask, ui=ui.PreviewImage(pictures, cls=cls))


def draw_heat(
    found: WordHeat,
    prompt: ParsedPrompt,
    words: Sequence[Word],
    hw: tuple[int, int],
    image: Tensor | None,
    overlay: bool,
    scale: str,
    as_strip: bool,
) -> Tensor:
    """IMAGE: images first, then frames, then (unless in a strip) words."""
    level = normalise(found.heat, scale)
    colours, pictures = word_colours(prompt, words), []
    for index, frames in enumerate(level):
        ends = _ends(found.heat[index], scale)
        for frame, one in enumerate(frames):
            shown = resize(one, hw).clamp(0, 1)
            picture = None if image is None else image[index]
            tiles = heat_tiles(
                shown, [w.text for w in words], colours, ends, picture, overlay, _note(found, frame, len(frames))
            )
            # Apart, the picture itself is no word's and is left out: it is at hand anyway.
            pictures += [strip(tiles)] if as_strip else [strip([tile]) for tile in tiles[-len(words) :]]
    return stack(pictures)


def _ends(heat: Tensor, scale: str) -> list[tuple[float, float]]:
    """Probabilities that dark and bright stand for, word by word. `heat` [frames words height width]"""
    if scale == SHARED:
        return [(float(heat.min()), float(heat.max()))] * heat.shape[1]
    return [(float(word.min()), float(word.max())) for word in heat.transpose(0, 1)]


def _note(found: WordHeat, frame: int, frames: int) -> str:
    return "" if frames == 1 else f"progress {found.progress[frame][0]:.2f}"


def heat_masks(
    found: WordHeat, hw: tuple[int, int], scale: str, merged: bool, threshold: float, grow: int, blur: float
) -> Tensor:
    """MASK [masks height width]: images first, then frames, then (unless merged) words."""
    level = normalise(found.heat, scale)  # [images frames words height width]
    masks = to_mask(resize(level.flatten(0, 2), hw).clamp(0, 1), threshold, grow)
    if merged:
        masks = masks.unflatten(0, (-1, level.shape[2])).amax(1)
    return soften(masks, blur)


class PUGuidanceReport(Node, name="Guidance Report", room="look"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Shows what guidance did: how the loss fell step by step, which subject was weakest, and what "
            "it cost in extra passes and seconds. It changes nothing and takes no noticeable time.",
            search_aliases=["loss curve", "attend and excite report", "guidance cost"],
            is_output_node=True,
            inputs=[
                io.Model.Input("model", tooltip="The guided MODEL that the sampler used."),
                io.Latent.Input("samples", tooltip="The sampler's LATENT, unchanged: it tells which run to look at."),
            ],
            outputs=[
                io.Image.Output(
                    display_name="curves", tooltip="Loss over the steps, one picture an image of the batch."
                ),
                io.String.Output(display_name="report", tooltip="The same as text, with the cost and any notes."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, model: Any, samples: dict[str, Any]) -> io.NodeOutput:
        record = find_run(model, samples, "A guidance report")
        pictures, text = draw_losses(record), report(record)
        say("\n".join(summary(record)), cls.hidden.unique_id if cls.hidden else None)
        shown = {**ui.PreviewImage(pictures, cls=cls).as_dict(), **ui.PreviewText(text).as_dict()}
        return io.NodeOutput(pictures, text, ui=shown)


def draw_losses(record: RunRecord) -> Tensor:
    """IMAGE [images height width 3]. A run without guidance gives one picture that says so."""
    images = images_of(record)
    text = record.prompt.plain if record.prompt else ""
    if images == 0:
        return stack([loss_curves([], record.total_steps, "No step of this run was guided. " + text)])
    titles = [text if images == 1 else f"image {i + 1}: {text}" for i in range(images)]
    return stack([loss_curves(curves_of(record, i), record.total_steps, titles[i]) for i in range(images)])


def curves_of(record: RunRecord, image: int) -> list[LossCurve]:
    """One curve a technique."""
    return [_curve(record, name, image) for name in techniques_of(record)]


def _curve(record: RunRecord, name: str, image: int) -> LossCurve:
    steps = [step for step in record.steps if name in step.losses]
    values = [step.subjects[name][image] for step in steps if name in step.subjects and step.subjects[name].ndim == 2]
    per_subject = torch.stack(values, 1).tolist() if len(values) == len(steps) else []
    return LossCurve(
        technique=name.replace("_", " "),
        steps=[step.step for step in steps],
        loss=[float(step.losses[name][image]) for step in steps],
        subjects=dict(zip(subject_names(record, len(per_subject)), per_subject, strict=True)),
        refinements=[int(step.refinements[image]) for step in steps],
    )


class PUTokenStrip(Node, name="Token Strip", room="look"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Draws the prompt as the text encoder sees it: its pieces, their positions, and the subjects "
            "in colour. Useful when a word does not do what it should. Takes no noticeable time.",
            search_aliases=["tokens", "tokenizer", "token positions"],
            is_output_node=True,
            inputs=[ParsedPromptSocket.Input("prompt", tooltip="From Encode & Parse Prompt.")],
            outputs=[io.Image.Output(display_name="strip", tooltip="A box a token, its position below it.")],
        )

    @classmethod
    def execute(cls, prompt: ParsedPrompt) -> io.NodeOutput:
        picture = stack([token_strip(prompt)])
        return io.NodeOutput(picture, ui=ui.PreviewImage(picture, cls=cls))


NODES = [PUAttentionHeatMap, PUGuidanceReport, PUTokenStrip]
