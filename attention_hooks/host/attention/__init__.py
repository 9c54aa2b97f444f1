"""One attention layer in one model call, whatever the network. In: which sites to read, which to edit, and the options
of the call. Out: probabilities to whoever listens, edited ones in the layer's output.

May not know: runs, steps, losses, settings. `families/` has an adapter for each kind of network.
"""
