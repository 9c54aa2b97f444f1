"""The engine in ComfyUI: the one package of the engine that imports it. Rooms from the ground up: settings,
conditioning, sampling, attention, then the techniques (gradient, reading, editing, predictions), install,
inversion.
"""
