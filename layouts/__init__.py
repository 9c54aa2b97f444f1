"""Layouts: from a prompt, or from what a language model or a user says, to boxes. Knows no network and no ComfyUI.

Enters: a ParsedPrompt, or text. Leaves: a Layout. Boxes are fractions of the canvas, (left, top, right, bottom).

    prompt -> asked -> planner (sizes, rules, solver) -> Layout
"""
