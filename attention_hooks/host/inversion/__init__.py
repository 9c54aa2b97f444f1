"""Sampling of our own: from an image to its noise, and what brings it back. In: a MODEL, conditionings, a latent. Out:
an inversion, embeddings, a MODEL that samples with them.

May not know: the nodes. Stands above `install`, for it takes settings off a MODEL before it samples.
"""
