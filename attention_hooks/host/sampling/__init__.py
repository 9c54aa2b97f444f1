"""One run of a stock sampler, and where its latent can be moved. In: settings, a guider, parts. Out: the latent, and a
record in the MODEL's log.

May not know: any technique. What a run does is in its parts (`part.py`), which come from above.
"""
