"""Layouts: what stands where, before anything is drawn."""

from __future__ import annotations

from .canvas import Link, Node, Sheet

WIDE = {"width": 768, "height": 512}
PLANNED = "two cats to the left of a dog, a red balloon at the top right, no birds"
ASKED = "공원 벤치 오른쪽에 개 두 마리, 왼쪽에 빨간 우산"
"""Two dogs right of a park bench, left of it a red umbrella."""
PASTED = """Sure, here is the layout:
```json
{
  "canvas": {"width": 768, "height": 512},
  "background": "a realistic photo of a park",
  "negative": "",
  "objects": [
    {"caption": "a red umbrella", "x": 40, "y": 130, "width": 170, "height": 220},
    {"caption": "a park bench", "x": 230, "y": 240, "width": 250, "height": 180},
    {"caption": "a dog", "x": 500, "y": 280, "width": 120, "height": 150},
    {"caption": "a dog", "x": 640, "y": 270, "width": 115, "height": 160},
  ]
}
```"""

PLANNER_NOTE = """### From a sentence to boxes, without a language model
*Plan Layout* counts ("two cats"), places ("to the left of", "at the top right") and leaves out ("no birds" goes
into the negative prompt). Change the **text** and run; with the run button on **Run (On Change)** the drawing
follows as you type. Another **seed** puts things elsewhere wherever the text leaves it open.

The report says what was assumed and what could not be placed. On the right the same layout as a prompt for Ideogram
4, FLUX.3 Klein or MOSS-Image: choose the **form**."""

PASTED_NOTE = """### Any language model, by hand
1. Write what you want to see into *Layout Instructions*, in any language. Run, and copy the text it shows into a
chat.
2. Paste the whole reply into *Read Layout*. Prose, code fences, single quotes and trailing commas do no harm; which
number is which is found out, and the report says it.

The reply here is an example to the Korean prompt on the left: two dogs right of a park bench, left of it a red
umbrella. Nothing of it is ever run as code: the worst a reply can do is to be refused, with the line that is wrong."""

SERVER_NOTE = """### A language model on this computer
Start llama.cpp (`http://127.0.0.1:8080/v1`), Ollama (`http://127.0.0.1:11434/v1`) or any other OpenAI-compatible
server, and write its address and the **model**'s name into *Ask LLM for Layout*. Which models count well is not
measured here; the report says where one did not.

A reply that cannot be read is shown to the model once, with what was wrong. The same question is not asked twice:
answers are kept on disk. Other computers must be allowed by whoever starts ComfyUI; the help page says how."""


def layout_planner() -> Sheet:
    sheet = Sheet("layout_planner")
    sheet.note((0, -300), (560, 250), "What to look at", PLANNER_NOTE)
    planned = sheet.add("PUPlanLayout", (0, 0), (400, 420), text=PLANNED, **WIDE, seed=0)
    _shown(sheet, planned, (460, 0))
    prompt = sheet.add("PULayoutToPrompt", (1020, 0), (420, 420), layout=planned[0], form="Ideogram 4")
    sheet.add("PreviewAny", (1020, 500), (420, 300), "The layout as a prompt", source=prompt[0])
    return sheet


def layout_pasted() -> Sheet:
    sheet = Sheet("layout_pasted")
    sheet.note((0, -330), (620, 280), "What to do", PASTED_NOTE)
    asked = sheet.add("PULayoutInstructions", (0, 0), (420, 420), text=ASKED, **WIDE)
    sheet.add("PreviewAny", (0, 500), (420, 420), "Copy this into a chat", source=asked[0])
    read = sheet.add("PUReadLayout", (480, 0), (440, 520), "Read Layout: paste the reply", text=PASTED, **WIDE)
    _shown(sheet, read, (980, 0))
    return sheet


def layout_server() -> Sheet:
    sheet = Sheet("layout_server")
    sheet.note((0, -310), (560, 260), "What to do", SERVER_NOTE)
    asked = sheet.add("PUAskLayout", (0, 0), (420, 620), text=ASKED, model="qwen3:8b", **WIDE, seed=0)
    _shown(sheet, asked, (480, 0))
    sheet.add("PreviewAny", (1040, 0), (420, 420), "What the model wrote", source=asked[2])
    return sheet


def _shown(sheet: Sheet, layout: Node, at: tuple[int, int]) -> Link:
    preview = sheet.add("PUPreviewLayout", at, (500, 460), layout=layout[0])
    return preview[0]


SHEETS = (layout_planner, layout_pasted, layout_server)
