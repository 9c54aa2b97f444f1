"""Prompt Understanding: make text-to-image models in ComfyUI do what the prompt says.

Nothing of ComfyUI is imported here: the unit tests, the bench and the Registry's tools load this file without a host.
"""

import logging

WEB_DIRECTORY = "./web"


async def comfy_entrypoint():
    try:
        from .nodes import PromptUnderstandingExtension
    except Exception:
        # ComfyUI prints a failing entrypoint as one line without a traceback; users cannot report a bug from that.
        logging.exception("Prompt Understanding could not be loaded.")
        raise
    return PromptUnderstandingExtension()
