"""Maps of ordinary model calls, for viewers. In: capture settings, the model calls that open a step. Out: averaged
maps in the run's record.

May not know: gradients, and may not change the picture by a bit.
"""
