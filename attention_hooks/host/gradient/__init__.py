"""Guidance: losses of maps -> a gradient with respect to the latent -> a moved latent. In: guidance settings, a step
that opens. Out: the latent of that step, and what the report says.

May not know: edits, captures, inversion. What an edited prompt means for an image is told by the parts before.
"""
