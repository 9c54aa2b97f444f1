"""Puts settings on a MODEL, and with them the run that acts on them: where the techniques are named, and nowhere below.

One wrapper a MODEL, made for its latest settings: that is how stacked nodes join in one run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfy.patcher_extension import WrappersMP

from ...errors import PromptUnderstandingError
from ..capture.record import RunLog
from ..edits.prompt_edit import PromptEdit
from .editing.direct_inversion import direct_inversion_part
from .editing.edit_run import edit_part
from .gradient import memory
from .gradient.guidance_run import guidance_part
from .grounding.objects_in_place import objects_part
from .reading.capture import capture_part
from .reading.first_call import first_call_part
from .reading.others import others_part
from .reading.trajectory import trajectory_part
from .sampling import seam
from .sampling.part import MakePart
from .settings import KEY, Capture, ComposedObjects, Guidance, Inversion, Settings, settings_of

PARTS: tuple[MakePart, ...] = (
    direct_inversion_part, edit_part, objects_part, trajectory_part, guidance_part, capture_part, first_call_part,
    others_part,
)  # fmt: skip
"""In the order they act: sources stand on their way before edits are blended with them, objects are put in and kept
before the whole is guided, and what is guided is read. Then what all others count on is checked, once, and what was
met is told."""


def with_guidance(model: Any, guidance: Guidance) -> Any:
    """A clone of `model` guided by one more loss. Stacked guidance shares one forward and one backward."""
    known = settings_of(model) or Settings()
    # Sorted, so that the order of the nodes cannot change the picture.
    guidances = tuple(sorted((*known.guidances, guidance), key=lambda g: g.order))
    return _attach(model, replace(known, guidances=guidances, log=RunLog()))


def with_capture(model: Any, capture: Capture) -> Any:
    """A clone of `model` that keeps heat maps. A second Capture on the same MODEL replaces the first."""
    return _attach(model, replace(settings_of(model) or Settings(), capture=capture, log=RunLog()))


def with_edit(model: Any, edit: PromptEdit) -> Any:
    """A clone of `model` that samples a source and its edits. Raises when the MODEL has an edit already."""
    known = settings_of(model) or Settings()
    if known.edit is not None:
        raise PromptUnderstandingError(
            f"This MODEL already has Prompt-to-Prompt on it, for {known.edit.source.text!r}. One sampling run "
            "edits one source; write several edited prompts into one Encode Edit node, or connect the MODEL from "
            "before that node."
        )
    return _attach(model, replace(known, edit=edit, log=RunLog()))


def with_direct_inversion(model: Any, inversion: Inversion | None) -> Any:
    """A clone of `model` whose sources are led along the way of `inversion`; None takes that off again."""
    known = settings_of(model) or Settings()
    if known.direct_inversion is inversion:
        return model.clone()  # and the viewers' log with it: nothing of the run changes
    return _attach(model, replace(known, direct_inversion=inversion, log=RunLog()))


def with_composed_objects(model: Any, composed: ComposedObjects) -> Any:
    """A clone of `model` that begins with these objects. Raises when the MODEL has some already."""
    known = settings_of(model) or Settings()
    if known.composed is not None:
        raise PromptUnderstandingError(
            "This MODEL already has the objects of an LLM-grounded Diffusion node on it. Connect the MODEL from before "
            "that node."
        )
    return _attach(model, replace(known, composed=composed, log=RunLog()))


def with_kept_trajectory(model: Any) -> Any:
    """A clone of `model` whose runs keep the latent of every step in their record."""
    return _attach(model, replace(settings_of(model) or Settings(), keep_trajectory=True, log=RunLog()))


def to_draw_alone(model: Any, guidance: Guidance, sites: str) -> Any:
    """A clone of `model` for one object: with this guidance and no other, keeping its maps and latents of each step."""
    capture = Capture(sites=sites, each_step=True, prompt=guidance.prompt)
    return with_kept_trajectory(_attach(model, Settings(guidances=(guidance,), capture=capture)))


def _attach(model: Any, settings: Settings) -> Any:
    clone = model.clone()
    clone.set_attachments(KEY, settings)
    for wrapper_type, wrapper in (
        (WrappersMP.SAMPLER_SAMPLE, seam.wrapper(settings, PARTS)),
        (WrappersMP.PREPARE_SAMPLING, memory.wrapper(settings)),
    ):
        clone.remove_wrappers_with_key(wrapper_type, KEY)
        clone.add_wrapper_with_key(wrapper_type, KEY, wrapper)
    return clone
