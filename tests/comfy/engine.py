"""What the engine tests share: a hand-made prompt and one call of the stock sampler, in ComfyUI's inference mode."""

from __future__ import annotations

import comfy.sample
import torch
from pack.attention_hooks.host.conditioning.marks import tag
from pack.attention_hooks.host.install import with_guidance
from pack.attention_hooks.host.settings import Guidance
from pack.attention_hooks.losses.attend_and_excite import AttendAndExcite
from pack.attention_hooks.optimize.schedule import Schedule
from pack.prompts.types import ParsedPrompt, Subject, Token, TokenSpan, Word
from tiny import conditioning

HW = (16, 24)
ONE_UPDATE = Schedule(refinements=())


def prompt(*positions: int, length: int = 77, text: str = "w1 w2 w3 w4 w5 w6 w7 w8") -> ParsedPrompt:
    """Words w1…w8 at positions 1…8; subjects at `positions` (2 and 5 when none are given)."""
    kinds = ["start", *["word"] * 8, "end", *["pad"] * (length - 10)]
    tokens = tuple(Token(i, f"w{i}" if kind == "word" else "", kind) for i, kind in enumerate(kinds))
    words = tuple(Word(f"w{i}", 3 * i - 3, 3 * i - 1, (TokenSpan(f"w{i}", i, i + 1),)) for i in range(1, 9))
    subjects = tuple(Subject(words[i - 1]) for i in positions or (2, 5))
    return ParsedPrompt(text, text, "l", length, tokens, words, subjects)


def positive(length: int = 77, **options) -> list:
    return tag(conditioning(length, **options), prompt(length=length))


def with_pooled(conditioned: list) -> list:
    """What SDXL needs beside the text: a pooled vector."""
    return [[tensor, {**options, "pooled_output": torch.ones(1, 1280)}] for tensor, options in conditioned]


def guided(model, schedule: Schedule = ONE_UPDATE, loss=None, parsed: ParsedPrompt | None = None, **options):
    return with_guidance(model, Guidance(loss or AttendAndExcite(), schedule, parsed or prompt(), **options))


@torch.inference_mode()
def sample(
    model, sampler: str = "euler", steps: int = 8, batch: int = 1, hw: tuple[int, int] = HW, cfg: float = 3.0,
    seed: int = 0, pos=None, neg=None, scheduler: str = "normal", latent=None, start_noise=None,
    **options,
) -> torch.Tensor:  # fmt: skip
    """Latents [batch 4 *hw] through comfy.sample.sample, as the KSampler node does it."""
    if start_noise is not None:
        latent = torch.zeros_like(start_noise) if latent is None else latent
    latent = torch.zeros(batch, 4, *hw) if latent is None else latent
    noise = comfy.sample.prepare_noise(latent, seed) if start_noise is None else start_noise
    pos = positive() if pos is None else pos
    neg = conditioning(seed=2) if neg is None else neg
    return comfy.sample.sample(
        model, noise, steps, cfg, sampler, scheduler, pos, neg, latent, seed=seed, disable_pbar=True, **options
    )
