"""LLM-grounded Diffusion as a whole: every object of a layout is sampled alone, then all go into one picture. In: a
layout, a prompt of each object. Out: what was drawn of each, and a MODEL that begins with them.
"""
