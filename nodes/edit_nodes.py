"""Prompt-to-Prompt: edit a picture by editing its prompt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfy_api.latest import io, ui

from ..attention_hooks.edits.local_blend import LocalBlend
from ..attention_hooks.edits.prompt_edit import PromptEdit
from ..attention_hooks.edits.refine import Refine
from ..attention_hooks.edits.reweight import Reweight
from ..attention_hooks.edits.windows import Window
from ..attention_hooks.edits.word_swap import WordSwap
from ..attention_hooks.host.conditioning.marks import tag_edit
from ..attention_hooks.host.conditioning.source_and_edits import edit_latent, stack_conditionings
from ..attention_hooks.host.install import with_edit
from ..errors import PromptUnderstandingError
from ..prompts.alignment import align
from ..prompts.pipelines import AUTO, pipeline_choices
from .edit_words import (
    changed_places,
    check_changed,
    check_pair,
    edit_report,
    named_places,
    scales,
    token_maps,
    token_windows,
    with_self_attention,
)
from .encoding import encode_alike
from .look_nodes import find_run
from .node import Node, with_report
from .sockets import EditSocket, ParsedPromptSocket

SELF_SITES = ("quarter", "eighth", "half", "all")


class PUEncodeEdit(Node, name="Encode Edit", room="edit"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Encodes a prompt and edited versions of it, and finds out word by word what was changed. The "
            "pictures then share everything that was not edited: one source and one picture for each edit come out of "
            "one sampling. Takes a few milliseconds.",
            search_aliases=["prompt to prompt", "p2p", "edit prompt", "clip text encode", "word swap"],
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder of the model that draws the picture."),
                io.String.Input(
                    "source", multiline=True, dynamic_prompts=True,
                    tooltip="The prompt of the picture to start from: 'a cat on a bench'. Weights such as (red:1.3) "
                    "work as always.",
                ),
                io.String.Input(
                    "edited", multiline=True, dynamic_prompts=True, default="",
                    tooltip="The prompt as it should be after the edit: 'a dog on a bench'. Each line is an edit of "
                    "its own and adds a picture, and its time. Empty: no second picture, for Re-weight alone.",
                ),
                io.Combo.Input(
                    "parser", options=pipeline_choices(), default=AUTO, advanced=True, optional=True,
                    tooltip="Who reads the sentences, to tell nouns from other words. 'auto' takes the best English "
                    "spaCy model that is installed, else the one that comes with this pack.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(tooltip="For the sampler's positive input. Its rows are source and edits."),
                EditSocket.Output(display_name="edit", tooltip="For Word Swap, Refine, Re-weight and Local Blend."),
                ParsedPromptSocket.Output(
                    display_name="prompt", tooltip="The source prompt, for guidance and heat maps."
                ),
                io.String.Output(display_name="report", tooltip="What was changed, word by word."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, clip: Any, source: str, edited: str = "", parser: str = AUTO) -> io.NodeOutput:
        texts = [source, *(line.strip() for line in edited.splitlines() if line.strip())]
        conditionings, prompts = zip(*encode_alike(clip, texts, parser), strict=True)
        conditioning, length = stack_conditionings(conditionings)
        edit = PromptEdit(prompts[0], tuple(align(prompts[0], prompt) for prompt in prompts[1:]), length)
        text = edit_report(edit)
        return with_report(text, tag_edit(conditioning, edit), edit, prompts[0])


class PUWordSwap(Node, name="Word Swap", room="edit"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="A new word takes the old one's place in the picture: 'a cat on a bench' becomes 'a dog on a "
            "bench', on the same bench. Changed words look where the words they replace looked. Takes a few per cent "
            "more time.",
            search_aliases=["prompt to prompt", "replace word", "attention replace"],
            inputs=[*_edit_input(), *_window_inputs(0.8), *_own_window_input(), *_self_inputs(0.4)],
            outputs=[_edit_output()],
        )

    @classmethod
    def execute(cls, edit: PromptEdit, **knobs: Any) -> io.NodeOutput:
        check_changed(edit, "Word Swap")
        return _injected(edit, WordSwap(token_maps(edit, swaps=True), token_windows(edit, knobs)), knobs)


class PURefine(Node, name="Refine", room="edit"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Adds to a picture and keeps the rest: 'a bench' becomes 'a bench with a cat', or 'a bench in "
            "the snow'. Words that both prompts share keep their places, new ones find their own. Takes a few per cent "
            "more time.",
            search_aliases=["prompt to prompt", "add phrase", "attention refine", "global edit", "style"],
            inputs=[*_edit_input(), *_window_inputs(0.8), *_own_window_input(), *_self_inputs(0.4)],
            outputs=[_edit_output()],
        )

    @classmethod
    def execute(cls, edit: PromptEdit, **knobs: Any) -> io.NodeOutput:
        check_changed(edit, "Refine")
        return _injected(edit, Refine(token_maps(edit, swaps=False), token_windows(edit, knobs)), knobs)


class PUReweight(Node, name="Re-weight", room="edit"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="More or less of a word, from much more to less than nothing: 'fluffy: 2' is twice as fluffy, "
            "'snow: -1' pushes snow out. Unlike prompt weights it leaves the other words as they are. With an edited "
            "prompt the layout of the source is kept; without one it acts on the source's own picture. Takes a few per "
            "cent more time.",
            search_aliases=["prompt to prompt", "attention reweight", "emphasis", "slider", "negative weight"],
            inputs=[
                *_edit_input(),
                io.String.Input(
                    "words", multiline=True, default="",
                    tooltip="Words and weights: 'fluffy: 2, red hat: -0.5'. 1 changes nothing, 0 is as if the word "
                    "were not looked at, below 0 pushes it away. Useful from about -2 to 4. 'cat#2' is the second cat.",
                ),
                *_window_inputs(0.8),
                *_self_inputs(0.4),
            ],
            outputs=[_edit_output()],
        )  # fmt: skip

    @classmethod
    def execute(cls, edit: PromptEdit, words: str, **knobs: Any) -> io.NodeOutput:
        window = Window(knobs["start"], knobs["until"])
        weighted = replace(edit, weights=(*edit.weights, Reweight(scales(edit, words), window)))
        if edit.alignments and not edit.injections:
            # The paper scales the source's maps; a swap or a refinement before or after this node brings them anyway.
            keep = Refine(token_maps(edit, swaps=False), token_windows(edit, knobs))
            weighted = with_self_attention(replace(weighted, injections=(keep,)), knobs)
        return io.NodeOutput(weighted)


class PULocalBlend(Node, name="Local Blend", room="edit"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Only the place of the edited thing may change; everywhere else the picture stays that of the "
            "source. The place is found from what the words looked at while sampling; Blend Mask shows it. Takes a few "
            "per cent more time.",
            search_aliases=["prompt to prompt", "local edit", "mask", "keep background"],
            inputs=[
                *_edit_input(),
                io.String.Input(
                    "words", default="",
                    tooltip="Words whose place may change, in the source or the edited prompt: 'cat, dog'. Empty: the "
                    "things that were changed.",
                ),
                io.String.Input(
                    "subtract", default="",
                    tooltip="Words whose place must stay as it is, even where the others reach into it.",
                ),
                io.Float.Input(
                    "threshold", default=0.3, min=0.0, max=1.0, step=0.01,
                    tooltip="How strongly a place must belong to the words, 0 to 1. Higher: a smaller part may change.",
                ),
                io.Float.Input(
                    "start", default=0.2, min=0.0, max=1.0, step=0.05,
                    tooltip="From which part of sampling on the source is put in. Earlier keeps more of it; at the "
                    "very first steps places are not clear yet.",
                ),
                io.Float.Input(
                    "until", default=1.0, min=0.0, max=1.0, step=0.05, advanced=True,
                    tooltip="Up to which part of sampling. Below 1 the last steps smooth the border, and may change "
                    "the rest a little.",
                ),
                io.Float.Input(
                    "subtract_threshold", default=0.3, min=0.0, max=1.0, step=0.01, advanced=True,
                    tooltip="How strongly a place must belong to the words of 'subtract'.",
                ),
            ],
            outputs=[_edit_output()],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, edit: PromptEdit, words: str, subtract: str, threshold: float, start: float, until: float,
        subtract_threshold: float,
    ) -> io.NodeOutput:  # fmt: skip
        check_pair(edit, "Local Blend")
        blend = LocalBlend(
            named_places(edit, words) if words.strip() else changed_places(edit),
            named_places(edit, subtract),
            threshold,
            subtract_threshold,
            Window(start, until),
        )
        return io.NodeOutput(replace(edit, blend=blend))


class PUPromptToPrompt(Node, name="Prompt-to-Prompt", room="edit"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Puts the edit on the model. The sampler then makes the source and its edits side by side; the "
            "source is exactly the picture that it would be without the edit. Works with KSampler and "
            "SamplerCustomAdvanced, and with guidance nodes. Takes the time of a batch of as many pictures, and a few "
            "per cent more.",
            search_aliases=["p2p", "prompt to prompt", "image editing", "attention control"],
            inputs=[
                io.Model.Input("model", tooltip="Put this node after LoRAs and other model patches."),
                EditSocket.Input("edit", tooltip="From Word Swap, Refine, Re-weight or Local Blend."),
            ],
            outputs=[io.Model.Output(tooltip="For the sampler, and for Blend Mask.")],
        )

    @classmethod
    def execute(cls, model: Any, edit: PromptEdit) -> io.NodeOutput:
        if not edit.cross_edits and not edit.self_attention:
            raise PromptUnderstandingError(
                f"The edit of {edit.source.text!r} says what was changed, but not how to keep the rest. Put Word Swap, "
                "Refine or Re-weight between Encode Edit and Prompt-to-Prompt."
            )
        return io.NodeOutput(with_edit(model, edit))


class PUEditLatent(Node, name="Edit Latent", room="edit"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Makes room for the source and its edits, all with the same noise: the picture of the source "
            "first, then its edits, for every latent that comes in. Takes no time.",
            search_aliases=["prompt to prompt", "repeat latent", "same noise"],
            inputs=[
                io.Latent.Input("samples", tooltip="From Empty Latent Image, or an encoded picture. A batch gives "
                                "several sources."),
                EditSocket.Input("edit", tooltip="From Encode Edit: says how many edits there are."),
            ],
            outputs=[io.Latent.Output(tooltip="For the sampler.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, samples: dict[str, Any], edit: PromptEdit) -> io.NodeOutput:
        return io.NodeOutput(edit_latent(samples, len(edit.prompts)))


class PUBlendMask(Node, name="Blend Mask", room="edit"):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            description="Where Local Blend let the pictures change, as masks for any other node. It reads what the "
            "sampler kept, so it takes no time.",
            search_aliases=["prompt to prompt", "local blend", "edit mask"],
            is_output_node=True,
            inputs=[
                io.Model.Input("model", tooltip="The MODEL that the sampler used, from Prompt-to-Prompt."),
                io.Latent.Input("samples", tooltip="The sampler's LATENT, unchanged: it tells which run to look at."),
            ],
            outputs=[
                io.Mask.Output(
                    display_name="masks", tooltip="One for each picture of the batch, at the picture's size."
                )
            ],
        )

    @classmethod
    def execute(cls, model: Any, samples: dict[str, Any]) -> io.NodeOutput:
        mask = find_run(model, samples, "A blend mask").blend_mask
        if mask is None:
            raise PromptUnderstandingError(
                "A blend mask was asked for, but this run blended nothing. Put Local Blend between Encode Edit and "
                "Prompt-to-Prompt, and let its window hold some step of the run."
            )
        factor = int(model.get_model_object("latent_format").spacial_downscale_ratio)
        mask = mask.repeat_interleave(factor, -2).repeat_interleave(factor, -1)
        return io.NodeOutput(mask, ui=ui.PreviewMask(mask, cls=cls))


# --- inputs that several nodes share ---


def _edit_input() -> list[Any]:
    return [EditSocket.Input("edit", tooltip="From Encode Edit, or from another edit node: edits add up.")]


def _injected(edit: PromptEdit, injection: Any, knobs: dict[str, Any]) -> io.NodeOutput:
    return io.NodeOutput(with_self_attention(replace(edit, injections=(*edit.injections, injection)), knobs))


def _edit_output() -> Any:
    return EditSocket.Output(display_name="edit", tooltip="For another edit node, or Prompt-to-Prompt.")


def _window_inputs(until: float) -> list[Any]:
    return [
        io.Float.Input(
            "until", default=until, min=0.0, max=1.0, step=0.05,
            tooltip="How long the edit acts (the paper's tau): 1 keeps the source's layout to the end, 0.3 leaves the "
            "picture more freedom, 0 is plain sampling of the edited prompt.",
        ),
        io.Float.Input(
            "start", default=0.0, min=0.0, max=1.0, step=0.05, advanced=True,
            tooltip="Where the edit begins, 0 to 1. Later than 0 gives up most of the source's layout.",
        ),
    ]  # fmt: skip


def _own_window_input() -> list[Any]:
    return [
        io.String.Input(
            "words_until", default="", advanced=True,
            tooltip="Words of the edited prompt with an 'until' of their own: 'lion: 0.4'. Lower gives the new word "
            "more freedom in its shape, and leaves the rest in place.",
        )
    ]  # fmt: skip


def _self_inputs(until: float) -> list[Any]:
    return [
        io.Float.Input(
            "self_until", default=until, min=0.0, max=1.0, step=0.05,
            tooltip="How long shapes and outlines of the source are kept too. Higher for changes of colour and "
            "material, lower or 0 where the new thing has another shape.",
        ),
        io.Combo.Input(
            "self_sites", options=list(SELF_SITES), default="quarter", advanced=True,
            tooltip="Largest self-attention layers that are kept, by their size against the latent's. 'half' keeps "
            "finer outlines and takes more time and memory; 'all' much more.",
        ),
    ]  # fmt: skip


NODES = [
    PUEncodeEdit,
    PUWordSwap,
    PURefine,
    PUReweight,
    PULocalBlend,
    PUPromptToPrompt,
    PUEditLatent,
    PUBlendMask,
]
