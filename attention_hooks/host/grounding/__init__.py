"""Objects of a layout in one run. In: what was drawn of each alone, laid together. Out: a picture that begins so.

May not know: how they were drawn (`host/objects`), guidance.
"""
