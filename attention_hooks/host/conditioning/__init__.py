"""What is told to a model besides the latent. In: texts through a CLIP, CONDITIONING, a run's guider. Out: tokens and
where they stand, marked conditionings, the entries and rows that belong to a prompt or an image.

May not know: sampling, attention, the parser. Texts come and go as tokens; who parses them is the nodes' to say.
"""
