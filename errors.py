"""The one exception users see. Its text is shown as it is in ComfyUI's dialog, so it is written as sentences."""


class PromptUnderstandingError(ValueError):
    """What was asked, what was found, what to do, with the choices. Raised before sampling where possible."""
