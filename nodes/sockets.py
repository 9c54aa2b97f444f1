"""The pack's own socket types. Their names are written into saved workflows: add, never rename."""

from comfy_api.latest import io

ParsedPromptSocket = io.Custom("PU_PARSED_PROMPT")
CompositionSocket = io.Custom("PU_COMPOSITION")
