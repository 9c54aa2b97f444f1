"""One run of a stock sampler, where its latent can be moved, and which passes its calls are made of. In: settings, a
guider, parts. Out: the latent, and a record in the MODEL's log; a network as other packs had left it.

May not know: any technique. What a run does is in its parts (`part.py`), which come from above.
"""
