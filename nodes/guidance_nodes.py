"""A node for each attention loss. Its own knobs come from the fields of the loss; the rest is the same for all."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from comfy_api.latest import io

from ..attention_hooks import losses  # noqa: F401  (importing it registers every loss)
from ..attention_hooks.capture.sites import CHOICES
from ..attention_hooks.host.install import with_guidance
from ..attention_hooks.host.settings import Guidance
from ..attention_hooks.losses.base import REGISTRY
from ..attention_hooks.optimize.schedule import Schedule, parse_refinements
from .node import Node
from .sockets import ParsedPromptSocket


@dataclass(frozen=True)
class GuidanceText:
    """What a guidance node says about itself, and the schedule its paper uses."""

    node_id: str
    display_name: str
    description: str
    search_aliases: tuple[str, ...]
    schedule: Schedule


ATTEND_AND_EXCITE = GuidanceText(
    "PUAttendAndExcite",
    "Attend-and-Excite",
    "Brings back things the model forgets: with 'a bear and a turtle', both appear. While the first half of the "
    "picture is sampled, the weakest subject is strengthened step by step. Takes roughly a third more time, more "
    "where a subject resists. Put it between the model loader and the sampler, and give the sampler the conditioning "
    "of the same prompt.",
    ("attend and excite", "missing object", "forgotten subject", "prompt adherence"),
    Schedule(),
)

SYNGEN = GuidanceText(
    "PUSynGen",
    "SynGen",
    "Puts colours and other attributes on the right thing: with 'a pink sunflower and a yellow flamingo', the "
    "sunflower is pink. In the first half of sampling each modifier is drawn to its noun, and both away from every "
    "other word. Takes roughly a third more time. It binds; to bring back missing things, chain Attend-and-Excite.",
    ("syngen", "linguistic binding", "attribute binding", "colour leak", "color bleeding"),
    Schedule(decay=1.0, refinements=()),
)

A_STAR = GuidanceText(
    "PUAStar",
    "A-STAR",
    "Keeps several things apart and alive: each stays out of the others' place, and holds the place it had one step "
    "before. Helps where things melt into one or fade away while the picture forms. Takes roughly a third more time.",
    ("a-star", "astar", "attention segregation", "attention retention", "merged subjects"),
    Schedule(decay=1.0, refinements=()),
)


def guidance_node(loss_name: str, text: GuidanceText) -> type[io.ComfyNode]:
    """A V3 node class that adds the registered loss `loss_name` to a MODEL."""
    loss_type = REGISTRY[loss_name]

    class GuidanceNode(Node, name=text.display_name, room="guide", id=text.node_id):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return cls.schema(
                description=text.description,
                search_aliases=list(text.search_aliases),
                inputs=[
                    *first_inputs(text.schedule.until),
                    *_schedule_inputs(text.schedule),
                    *loss_inputs(loss_type),
                    *engine_inputs(),
                ],
                outputs=[
                    io.Model.Output(
                        tooltip="The guided model. Give it to the sampler, or chain more guidance: all of it shares "
                        "one pass."
                    )
                ],
                hidden=[io.Hidden.unique_id],
            )

        @classmethod
        def execute(cls, model: Any, prompt: Any, **knobs: Any) -> io.NodeOutput:
            node_id = cls.hidden.unique_id if cls.hidden else None
            return io.NodeOutput(with_guidance(model, guidance_of(loss_type, _schedule(knobs), prompt, knobs, node_id)))

    GuidanceNode.__name__ = GuidanceNode.__qualname__ = text.node_id
    return GuidanceNode


def guidance_of(
    loss_type: type, schedule: Schedule, prompt: Any, knobs: dict[str, Any], node_id: str | None, note: str = ""
) -> Guidance:
    """What a node's knobs ask for; a knob of the loss that the node does not have keeps its default. Raises
    PromptUnderstandingError when the loss cannot work on this prompt."""
    loss = loss_type(**{f.name: knobs[f.name] for f in fields(loss_type) if f.name in knobs})
    loss.check(prompt)
    return Guidance(
        loss,
        schedule,
        prompt,
        sites=knobs["sites"],
        checkpointing=knobs["save_memory"],
        node_id=node_id,
        note=note,
    )


def first_inputs(until: float) -> list[Any]:
    return [
        io.Model.Input("model", tooltip="The model to guide. Put this node after other model patches."),
        ParsedPromptSocket.Input(
            "prompt", tooltip="From Encode & Parse Prompt (or Pick Subjects): which words are the subjects."
        ),
        io.Float.Input(
            "strength", default=1.0, min=0.0, max=10.0, step=0.05,
            tooltip="How hard the picture is pushed. 1 is the paper's strength, 0 leaves the picture exactly as it "
            "was; too much gives blotches of saturated colour.",
        ),
        io.Float.Input(
            "until", default=until, min=0.0, max=1.0, step=0.05,
            tooltip="Where guidance stops: 0.5 is half of the way. The layout is decided early, so later costs time "
            "and changes little.",
        ),
    ]  # fmt: skip


def _schedule_inputs(schedule: Schedule) -> list[Any]:
    moments = ", ".join(f"{r.progress:g}" for r in schedule.refinements)
    thresholds = ", ".join(f"{r.threshold:g}" for r in schedule.refinements)
    return [
        io.Float.Input(
            "start", default=schedule.start, min=0.0, max=1.0, step=0.05, advanced=True,
            tooltip="Where guidance begins, 0 to 1. Later than 0 keeps more of the picture's own layout.",
        ),
        io.Float.Input(
            "step_size", default=schedule.step_size, min=0.0, max=1000.0, step=0.5, advanced=True,
            tooltip="Length of one step at strength 1. 20 in the paper, for latent models at 512 pixels.",
        ),
        io.Float.Input(
            "decay", default=schedule.decay, min=0.0, max=1.0, step=0.05, advanced=True,
            tooltip="What is left of the (squared) step at the end of sampling. 1 keeps it the same all the way.",
        ),
        io.String.Input(
            "refine_at", default=moments, advanced=True,
            tooltip="Moments (0 to 1) at which a picture that is behind is worked on repeatedly. Empty: never, which "
            "is faster.",
        ),
        io.String.Input(
            "refine_to", default=thresholds, advanced=True,
            tooltip="How far the weakest subject must have come at each of these moments, 0 to 1.",
        ),
        io.Int.Input(
            "max_refinements", default=schedule.max_refinements, min=0, max=100, advanced=True,
            tooltip="At most so many extra passes at each of these moments. Each costs about one guided step.",
        ),
        io.Float.Input(
            "enough", default=schedule.enough, min=0.0, max=1.0, step=0.05, advanced=True,
            tooltip="A picture whose loss has come down to this is left alone from then on, which saves time. 0: "
            "never.",
        ),
    ]  # fmt: skip


def loss_inputs(loss_type: type) -> list[Any]:
    """Widgets of the loss's own knobs, advanced. What is no knob comes through a socket."""
    return [_widget(f.name, f.default, dict(f.metadata)) for f in fields(loss_type) if f.metadata]


def _widget(name: str, default: Any, metadata: dict[str, Any]) -> Any:
    if "options" in metadata:
        return io.Combo.Input(name, options=list(metadata.pop("options")), default=default, advanced=True, **metadata)
    kinds = {bool: io.Boolean, int: io.Int, float: io.Float, str: io.String}
    return kinds[type(default)].Input(name, default=default, advanced=True, **metadata)


def engine_inputs() -> list[Any]:
    return [
        io.Combo.Input(
            "sites", options=list(CHOICES), default="quarter", advanced=True,
            tooltip="Which attention maps are read, by their size against the latent's. 'quarter' is the paper's "
            "16x16 at 512 pixels. 'half' sees finer detail and takes more time and memory.",
        ),
        io.Boolean.Input(
            "save_memory", default=False, advanced=True,
            tooltip="Keeps fewer intermediate results and takes longer while guiding, for when memory runs out at "
            "large sizes. On SD1.5 at 512x512 it saves next to nothing. The picture stays the same.",
        ),
    ]  # fmt: skip


def _schedule(knobs: dict[str, Any]) -> Schedule:
    return Schedule(
        step_size=knobs["strength"] * knobs["step_size"],
        decay=knobs["decay"],
        start=knobs["start"],
        until=knobs["until"],
        refinements=parse_refinements(knobs["refine_at"], knobs["refine_to"]),
        max_refinements=knobs["max_refinements"],
        enough=knobs["enough"],
    )


TEXTS = {"attend_and_excite": ATTEND_AND_EXCITE, "syngen": SYNGEN, "a_star": A_STAR}
"""Registered loss -> its node. The order is that of the menu."""

NODES = [guidance_node(loss_name, text) for loss_name, text in TEXTS.items()]
