"""Pictures by changed attention, beside their source or alone. In: edits, an inversion, other values for a prompt.
Out: model options with patches for single calls, and latents put together from a source and its edits.

May not know: gradients, viewers, how a conditioning was made.
"""
