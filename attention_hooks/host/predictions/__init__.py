"""What is done to the predictions of a step, around the attention. In: a MODEL and a pure function of `predictions/`.
Out: a clone with ComfyUI's own hooks on it.

May not know: maps, runs, parts: no state is kept between the steps.
"""
