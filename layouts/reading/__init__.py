"""From a reply of a language model, or what a person pasted, to a Layout. Text is read, never evaluated.

text -> sections, values (with the line of each) -> claims: a caption and its numbers
     -> coordinates: which order, which unit -> checks: what is repaired, what is refused
"""
