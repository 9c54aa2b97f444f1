"""The pack's own socket types. Their names are written into saved workflows: add, never rename."""

from comfy_api.latest import io

ParsedPromptSocket = io.Custom("PU_PARSED_PROMPT")
EditSocket = io.Custom("PU_EDIT")
InversionSocket = io.Custom("PU_INVERSION")
"""The way of real images through the noise levels, from Invert Image."""
CompositionSocket = io.Custom("PU_COMPOSITION")
LayoutSocket = io.Custom("PU_LAYOUT")
"""What stands where: a layouts.types.Layout."""
ObjectsSocket = io.Custom("PU_OBJECTS")
"""The objects of a layout, each drawn alone, from Generate Objects."""
