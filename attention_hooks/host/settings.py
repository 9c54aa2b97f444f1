"""What our nodes have asked of a MODEL. Settings live on the patched MODEL, which ComfyUI keeps for hours; the state of
a run lives in `run.py` and dies with it. The one exception is the log of finished runs, which the viewers read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from comfy.patcher_extension import WrappersMP

from ...errors import PromptUnderstandingError
from ...prompts.types import ParsedPrompt
from ..capture.record import RunLog
from ..edits.prompt_edit import PromptEdit
from ..losses.base import AttentionLoss
from ..optimize.schedule import Schedule

if TYPE_CHECKING:
    from .inversion import Inversion

KEY = "prompt_understanding"


@dataclass(frozen=True)
class Guidance:
    """One guidance node's share: a loss, when and how far it pulls, and what it reads."""

    loss: AttentionLoss
    schedule: Schedule
    prompt: ParsedPrompt
    sites: str = "quarter"
    checkpointing: bool = False
    """Forget activations between the sites and compute them again on the way back: less memory, slower."""
    node_id: str | None = None
    """Where the live text is shown."""
    note: str = field(default="", compare=False)
    """A sentence for the report, for example why this loss was chosen."""

    @property
    def name(self) -> str:
        return self.loss.name  # type: ignore[attr-defined]  # given by the registry

    @property
    def order(self) -> str:
        """A key that does not depend on the order of the nodes."""
        return repr((self.name, self.loss, self.schedule, self.prompt.fingerprint, self.sites))


@dataclass(frozen=True)
class Capture:
    """Which heat maps to keep."""

    sites: str = "quarter"
    start: float = 0.0
    until: float = 1.0
    each_step: bool = False
    prompt: ParsedPrompt | None = None
    """None: whatever the positive conditioning is."""


@dataclass(frozen=True)
class Settings:
    guidances: tuple[Guidance, ...] = ()
    capture: Capture | None = None
    edit: PromptEdit | None = None
    known_way: Inversion | None = None
    """The way that the sources of a batch are led along."""
    log: RunLog = field(default_factory=RunLog, compare=False)


def settings_of(model: Any) -> Settings | None:
    return model.get_attachment(KEY)


def run_log(model: Any) -> RunLog | None:
    """The log of the runs of this patched MODEL, or None when no node of ours has patched it."""
    settings = settings_of(model)
    return settings.log if settings else None


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


def with_known_way(model: Any, inversion: Inversion | None) -> Any:
    """A clone of `model` whose sources are led along the way of `inversion`; None takes that off again."""
    known = settings_of(model) or Settings()
    if known.known_way is inversion:
        return model.clone()  # and the viewers' log with it: nothing of the run changes
    return _attach(model, replace(known, known_way=inversion, log=RunLog()))


def _attach(model: Any, settings: Settings) -> Any:
    from . import memory, sampler  # they need the run, and the run needs these settings

    clone = model.clone()
    clone.set_attachments(KEY, settings)
    for wrapper_type, wrapper in (
        (WrappersMP.SAMPLER_SAMPLE, sampler.wrapper(settings)),
        (WrappersMP.PREPARE_SAMPLING, memory.wrapper(settings)),
    ):
        # One wrapper a MODEL, made for its latest settings: that is how stacked nodes join.
        clone.remove_wrappers_with_key(wrapper_type, KEY)
        clone.add_wrapper_with_key(wrapper_type, KEY, wrapper)
    return clone
