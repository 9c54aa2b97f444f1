"""Where a run stands, in ComfyUI's own measure, and how the user hears of it."""

from __future__ import annotations

from typing import Any

HALVINGS = 20


def progress_of(model_sampling: Any, sigma: float) -> float:
    """0 at the noisiest level, 1 at none: the inverse of ComfyUI's `percent_to_sigma`, so that our windows mean the
    same as the start and end percent of its own nodes. Found by halving; good to 1e-6."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if float(model_sampling.percent_to_sigma(middle)) > sigma:
            low = middle
        else:
            high = middle
    # The noisiest level itself is not reached from below; call it 0 as the papers do.
    return 0.0 if high <= 2.0**-HALVINGS else high


def say(text: str, node_id: str | None) -> None:
    """Show `text` under a node while it works. Silent without a server (tests, scripts)."""
    if node_id is None:
        return
    try:
        from server import PromptServer
    except ImportError:
        return
    server = getattr(PromptServer, "instance", None)
    if server is not None and hasattr(server, "send_progress_text"):
        server.send_progress_text(text, node_id)
