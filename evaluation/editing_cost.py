"""What Prompt-to-Prompt costs: a source and its edit against a plain batch of two, on a network in SD1.5's shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import comfy.sample
import comfy.samplers
import torch

from ..attention_hooks.edits.local_blend import LocalBlend
from ..attention_hooks.edits.prompt_edit import PromptEdit
from ..attention_hooks.edits.self_attention import SelfInjection
from ..attention_hooks.edits.windows import TokenWindows, Window
from ..attention_hooks.edits.word_swap import WordSwap
from ..attention_hooks.host.conditioning.marks import tag_edit
from ..attention_hooks.host.install import with_edit
from ..prompts.alignment import align, positions_in, token_map
from . import networks
from .networks import Size
from .steps import CFG, NEGATIVE_SEED
from .timing import alternate, timed

STEPS = 5
"""Of "normal" from start to end: word swap acts in four of them (tau 0.8), self-attention in two (0.4)."""


def measure(size: Size, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Ratios of whole runs to the plain batch of two."""
    model, edit = networks.network(size), word_swap()
    runs = {
        "plain batch of two": model,
        "word swap": with_edit(model, edit),
        "word swap and local blend": with_edit(model, replace(edit, blend=blend(edit))),
    }
    tasks = [timed(name, lambda patched=patched: _run(patched, edit, size)) for name, patched in runs.items()]
    _run(model, edit, size)
    timings = alternate(tasks, rounds, say)
    plain, *others = runs
    return {
        "network": str(size),
        "steps": STEPS,
        "rounds": rounds,
        **{f"{name} / plain": vars(timings.ratio({name: 1}, {plain: 1})) for name in others},
    }


def word_swap() -> PromptEdit:
    """ "a cat and a frog" -> "a dog and a frog", with the nodes' default windows."""
    source = networks.prompt()
    words = tuple(replace(word, text="dog") if word.text == "cat" else word for word in source.words)
    edited = replace(source, text=source.text.replace("cat", "dog"), words=words)
    alignment = align(source, edited)
    maps = token_map(alignment, source.length, swaps=True)[None]
    swap = WordSwap(maps, TokenWindows.of(1, source.length, Window(0.0, 0.8)))
    return PromptEdit(source, (alignment,), source.length, (swap,), (), (SelfInjection(Window(0.0, 0.4)),))


def blend(edit: PromptEdit) -> LocalBlend:
    rows = torch.stack([positions_in(prompt.words[:1], prompt, edit.length) for prompt in edit.prompts])
    return LocalBlend(rows, torch.zeros_like(rows))


@torch.inference_mode()
def _run(model: Any, edit: PromptEdit, size: Size) -> None:
    rows = torch.cat([networks.embeddings(seed) for seed in (1, 4)])
    noise = torch.randn(1, 4, size.latent, size.latent, generator=torch.Generator().manual_seed(3)).repeat(2, 1, 1, 1)
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "normal", STEPS)
    comfy.sample.sample_custom(
        model, noise, CFG, comfy.samplers.sampler_object("euler"), sigmas, tag_edit([[rows, {}]], edit),
        [[networks.embeddings(NEGATIVE_SEED), {}]], torch.zeros_like(noise), disable_pbar=True, seed=0,
    )  # fmt: skip
