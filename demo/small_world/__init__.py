"""Small World: a text-to-image model of our own that draws the things of the papers, as stickers on plain scenes."""
