"""Heat maps put to use."""

from __future__ import annotations

from .canvas import Sheet
from .guide import TEXT
from .shared import SHAPES, SHAPES_ATTEND_AND_EXCITE, heat_map, sampled, shapes_loader

MASK_NOTE = """### A mask from a word
*Attention Heat Map* turns the place of **one word** into a MASK, at the size of the picture. Here it cuts out what the
word `star` made; any node that takes a mask can use it: inpainting, *Set Latent Noise Mask*, compositing.

Change **words** to `circle`. **threshold** decides how much of the heat belongs to the mask, **grow** adds room around
it, **blur** softens the edge."""


def heat_map_mask_shapes() -> Sheet:
    sheet = Sheet("heat_map_mask_shapes")
    sheet.note((0, -330), (380, 280), "What to look at", MASK_NOTE)
    chain = [("PUAttendAndExcite", SHAPES_ATTEND_AND_EXCITE)]
    run = sampled(sheet, shapes_loader(sheet), TEXT, SHAPES, chain, side=64, batch=1)
    heat = heat_map(sheet, (1240, 0), run, words="star", threshold=0.4, grow=1, blur=1.0)
    mask = sheet.add("MaskToImage", (1240, 900), (240, 40), mask=heat[1])
    sheet.add("PreviewImage", (1720, 0), (340, 360), "The mask", images=mask[0])
    ground = sheet.add("EmptyImage", (860, 540), (300, 160), width=64, height=64, batch_size=1, color=0)
    cut = sheet.add(
        "ImageCompositeMasked", (1240, 1010), (300, 190), destination=ground[0], source=run.image, mask=heat[1]
    )
    sheet.add(
        "SaveImage", (1720, 430), (340, 400), "What the word made", images=cut[0], filename_prefix="heat_map_mask"
    )
    return sheet


SHEETS = (heat_map_mask_shapes,)
