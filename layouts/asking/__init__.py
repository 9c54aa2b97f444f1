"""A layout from a language model behind a URL, with the standard library's HTTP only.

ask: question -> [cache] -> conversation (client, address) -> reply -> Read Layout -> once more if it was wrong
"""
