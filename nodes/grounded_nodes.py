"""From a layout to the picture: the pull of boxes on the attention, and LLM-grounded Diffusion as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ..attention_hooks.host.conditioning.gligen import ground
from ..attention_hooks.host.install import with_composed_objects, with_guidance
from ..attention_hooks.host.objects.compose import compose
from ..attention_hooks.host.objects.draw import Drawing, DrawnObjects, ObjectPrompt, Sampling, draw_objects
from ..attention_hooks.losses.box_energy import BoxEnergy
from ..attention_hooks.optimize.schedule import IteratedSchedule, Schedule, parse_iterations
from ..layouts.forms import whole_prompt
from ..layouts.types import Layout, LayoutObject
from .encoding import encode, encode_prompt
from .guidance_nodes import engine_inputs, first_inputs, guidance_of, loss_inputs
from .node import Node
from .sockets import LayoutSocket, ObjectsSocket

PAPER = IteratedSchedule()
TEMPLATE = "{background} with {object}"
ALONE_NEGATIVE = "two, many, a group, a collage, cropped, hidden behind something, blurry, distorted"
"""In the words of the authors' list: it is to be one whole thing."""
NEVER_WAITED_FOR = 2.0
"""The largest value that attention transfer can have: the boxes alone say when a picture is good enough."""


class PULayoutGuidance(Node, name="Layout Guidance", room="layout"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Puts each thing into its box: with boxes for 'a cat to the left of a dog', the cat comes left "
            "and the dog right. In the first part of sampling each word is drawn into its box and kept out of the rest "
            "of the picture. The picture takes two to three times as long; memory as for one more picture. It chains "
            "with the other guidance nodes.",
            search_aliases=["boxes", "bounding boxes", "regions", "llm-grounded diffusion", "backward guidance"],
            inputs=[
                *first_inputs(PAPER.until),
                LayoutSocket.Input("layout", tooltip="What stands where, for example from Plan Layout."),
                *_schedule_inputs(),
                *loss_inputs(BoxEnergy),
                *engine_inputs(),
            ],
            outputs=[
                io.Model.Output(
                    tooltip="The guided model. Give it to the sampler, or chain more guidance: all of it shares one "
                    "pass."
                )
            ],
            hidden=[io.Hidden.unique_id],
        )  # fmt: skip

    @classmethod
    def execute(cls, model: Any, prompt: Any, **knobs: Any) -> io.NodeOutput:
        node_id = cls.hidden.unique_id if cls.hidden else None
        return io.NodeOutput(with_guidance(model, guidance_of(BoxEnergy, schedule_of(knobs), prompt, knobs, node_id)))


def _schedule_inputs() -> list[Any]:
    return [
        io.Float.Input(
            "step_size", default=PAPER.step_size, min=0.0, max=1000.0, step=0.5, advanced=True,
            tooltip="Length of one update at strength 1. 40 is the paper's on Stable Diffusion 1.5; Small World takes "
            "10.",
        ),
        io.String.Input(
            "iterations", default=", ".join(map(str, PAPER.iterations)), advanced=True,
            tooltip="At most so many updates a step: each number is for an equal part of the guided time. Fewer is "
            "faster. '1' is one update a step.",
        ),
        io.Float.Input(
            "enough", default=PAPER.enough, min=0.0, max=25.0, step=0.025, advanced=True,
            tooltip="A picture whose energy has come down to this is left alone from then on, which saves time. 0: "
            "never.",
        ),
    ]  # fmt: skip


def schedule_of(knobs: dict[str, Any]) -> IteratedSchedule:
    return IteratedSchedule(
        step_size=knobs["strength"] * knobs["step_size"],
        until=knobs["until"],
        iterations=parse_iterations(knobs["iterations"]),
        enough=knobs["enough"],
    )


class PUGenerateObjects(Node, name="Generate Objects", room="layout"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Draws every object of a layout alone, for LLM-grounded Diffusion: two things cannot melt into "
            "one when each was drawn by itself. Each takes as long as a guided picture (twice a plain one; 'until' 0.5 "
            "halves that); the latents of all steps are kept in RAM, 3 MB an object at 512 pixels and 50 steps.",
            search_aliases=["llm-grounded diffusion", "lmd", "layout to objects", "per-box generation"],
            inputs=[
                io.Model.Input("model", tooltip="The model that draws. Guidance on it is not used here."),
                io.Clip.Input("clip", tooltip="Its text encoder."),
                LayoutSocket.Input("layout", tooltip="What stands where. Its canvas is the size of the picture."),
                io.Sampler.Input("sampler", tooltip="The sampler of the whole picture, from KSamplerSelect."),
                io.Sigmas.Input(
                    "sigmas", tooltip="The noise levels of the whole picture, for example from BasicScheduler. A "
                    "KSampler with the same scheduler and steps has the same.",
                ),
                io.Int.Input(
                    "seed", default=0, min=0, max=0xFFFFFFFFFFFFFFFF, control_after_generate=True,
                    tooltip="The noise around the objects is this seed's; each object has one of its own beside it. "
                    "Give the sampler of the whole picture the same.",
                ),
                io.Float.Input(
                    "cfg", default=7.5, min=0.0, max=100.0, step=0.1,
                    tooltip="How closely each object follows its prompt. Small World takes 4.",
                ),
                io.Float.Input(
                    "until", default=1.0, min=0.1, max=1.0, step=0.05,
                    tooltip="How far each object is drawn. 0.5 takes half the time and is all that LLM-grounded "
                    "Diffusion needs; 1 gives pictures that a segmenter can look at.",
                ),
                io.String.Input(
                    "template", default=TEMPLATE, advanced=True,
                    tooltip="The prompt of each object. Without a background in the layout it is the object alone.",
                ),
                io.String.Input(
                    "negative", default=ALONE_NEGATIVE, multiline=True, advanced=True,
                    tooltip="What no object's picture shall show; what the layout leaves out comes first.",
                ),
                io.Float.Input(
                    "strength", default=1.0, min=0.0, max=10.0, step=0.05, advanced=True,
                    tooltip="How hard each object is pushed into its box. 1 is the paper's.",
                ),
                *_schedule_inputs(),
                io.Float.Input(
                    "own_noise", default=Drawing.own_noise, min=0.0, max=1.0, step=0.01, advanced=True,
                    tooltip="How much noise of its own an object starts from. 0.01 as in the paper: much of one whole.",
                ),
                io.Float.Input(
                    "mask_threshold", default=Drawing.threshold, min=0.05, max=0.95, step=0.05, advanced=True,
                    tooltip="How much of the picture around an object goes with it: lower takes more.",
                ),
                engine_inputs()[0],
            ],
            outputs=[
                ObjectsSocket.Output(display_name="objects", tooltip="For LLM-grounded Diffusion."),
                io.Latent.Output(
                    display_name="pictures", tooltip="The single pictures, one for each object: decode them to look at "
                    "them, or to segment them.",
                ),
                io.Mask.Output(
                    display_name="masks", tooltip="Where each object is in its single picture, as its attention says."
                ),
                io.String.Output(
                    display_name="prompt", tooltip="The layout as a prompt for the whole picture, without what it "
                    "leaves out: for Encode & Parse Prompt.",
                ),
                io.String.Output(
                    display_name="negative", tooltip="What the layout leaves out: for the negative prompt."
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, model: Any, clip: Any, layout: Layout, sampler: Any, sigmas: Any, seed: int, cfg: float, until: float,
        template: str, negative: str, own_noise: float, mask_threshold: float, sites: str, **knobs: Any,
    ) -> io.NodeOutput:  # fmt: skip
        node_id = cls.hidden.unique_id if cls.hidden else None
        prompts = [ObjectPrompt(*encode_prompt(clip, object_text(template, layout, one))) for one in layout.objects]
        unwanted, _ = encode(clip, ", ".join(filter(None, (layout.negative, negative))))
        sampling = Sampling(sampler, sigmas, cfg, seed, until)
        drawing = Drawing(schedule_of({**knobs, "until": PAPER.until}), sites, own_noise, mask_threshold)
        drawn = draw_objects(model, layout, prompts, unwanted, sampling, drawing, node_id)
        pictures = {"samples": model.model.process_latent_out(drawn.latents)}
        return io.NodeOutput(drawn, pictures, drawn.masks, whole_prompt(layout), layout.negative)


def object_text(template: str, layout: Layout, thing: LayoutObject) -> str:
    """The prompt of one object alone."""
    if not layout.background.strip():
        return thing.caption
    return template.replace("{background}", layout.background).replace("{object}", thing.caption)


class PULLMGroundedDiffusion(Node, name="LLM-grounded Diffusion", room="layout"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Draws the whole picture around objects that were drawn alone: the right number of things, "
            "each in its place. The picture begins with their noise, keeps them until it has taken shape, and each "
            "word is held in its box. Two to three times the time of a plain picture, beside that of Generate Objects.",
            search_aliases=["lmd", "layout", "count", "spatial", "numeracy", "bounding boxes"],
            inputs=[
                *first_inputs(PAPER.until),
                ObjectsSocket.Input("objects", tooltip="From Generate Objects, with the same noise levels."),
                io.Mask.Input(
                    "masks", optional=True,
                    tooltip="Where each object is in its single picture, one mask each, from any segmenter. Without it "
                    "the attention to the object's word says.",
                ),
                io.Float.Input(
                    "keep_objects_until", default=0.5, min=0.0, max=1.0, step=0.05,
                    tooltip="How long the objects stay as they were drawn alone. 0.5 as in the paper; less blends them "
                    "into the picture better, more keeps them as they were. 0 gives them only their noise.",
                ),
                io.Float.Input(
                    "transfer", default=0.25, min=0.0, max=10.0, step=0.05, advanced=True,
                    tooltip="How closely each word looks as it did when its object was alone. 0.25 is the paper's 2 "
                    "next to sums over eight heads. 0 turns it off.",
                ),
                *_schedule_inputs(),
                *loss_inputs(BoxEnergy),
                engine_inputs()[1],
            ],
            outputs=[io.Model.Output(tooltip="For the sampler, or for more guidance.")],
            hidden=[io.Hidden.unique_id],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, model: Any, prompt: Any, objects: DrawnObjects, keep_objects_until: float, transfer: float,
        masks: Any = None, **knobs: Any,
    ) -> io.NodeOutput:  # fmt: skip
        node_id = cls.hidden.unique_id if cls.hidden else None
        knobs |= {"layout": objects.layout, "sites": objects.sites}
        composed, alike = compose(objects, keep_objects_until, masks)
        schedule = schedule_of(knobs)
        boxes = guidance_of(BoxEnergy, schedule, prompt, knobs, node_id)
        model = with_guidance(with_composed_objects(model, composed), boxes)
        if transfer:
            alike.check(prompt)
            step = transfer * schedule.step_size
            follows = Schedule(step, schedule.decay, until=schedule.until, refinements=(), enough=NEVER_WAITED_FOR)
            model = with_guidance(model, replace(boxes, loss=alike, schedule=follows))
        return io.NodeOutput(model)


class PUGroundLayoutGLIGEN(Node, name="Ground Layout (GLIGEN)", room="layout"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Gives all boxes of a layout to a GLIGEN adapter at once: it was trained to draw things where "
            "boxes are, on Stable Diffusion 1.x. With Layout Guidance behind it, or LLM-grounded Diffusion, it is the "
            "paper's LMD+, and the guidance sees the boxes. A tenth more time while it acts, 400 MB more memory.",
            search_aliases=["gligen", "lmd+", "boxes", "grounded generation"],
            inputs=[
                io.Conditioning.Input("positive", tooltip="From Encode & Parse Prompt."),
                io.Conditioning.Input(
                    "negative", tooltip="The negative prompt. It gets no boxes, so that they are not pulled both ways."
                ),
                io.Clip.Input("clip", tooltip="The text encoder of the model: the boxes' captions go through it."),
                io.Gligen.Input("gligen", tooltip="From GLIGENLoader: the text box adapter."),
                LayoutSocket.Input("layout", tooltip="What stands where. Its canvas is the size of the picture."),
                io.Float.Input(
                    "until", default=0.4, min=0.0, max=1.0, step=0.05,
                    tooltip="Where the boxes end. 0.4 as in the paper; later holds them harder and looks stiffer.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive", tooltip="For the sampler's positive."),
                io.Conditioning.Output(display_name="negative", tooltip="For the sampler's negative."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, positive: Any, negative: Any, clip: Any, gligen: Any, layout: Layout, until: float
    ) -> io.NodeOutput:
        return io.NodeOutput(*ground(positive, negative, clip, gligen, layout, until))


NODES = [PULayoutGuidance, PUGenerateObjects, PULLMGroundedDiffusion, PUGroundLayoutGLIGEN]
