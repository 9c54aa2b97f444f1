"""Nouns that are not things to be drawn, and words for numbers and places. Lemmas, lower case."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MEDIUM = words(
    """
    photo photograph photography picture image painting drawing sketch illustration rendering render portrait
    artwork art screenshot shot closeup close-up view watercolor watercolour cartoon depiction scene snapshot still
    footage film frame engraving etching lithograph print poster collage mosaic doodle concept graphic wallpaper
    animation selfie rendition version postcard mural fresco woodcut comic scan silhouette pic headshot
    """
)
"""Not subjects with "of" behind, or at the end of a prompt: "a photo of a cat"."""

PICTURED = words("show depict feature contain portray capture illustrate")
"""Verbs that do what "of" does: "a photo showing a cat"."""

STYLE = words(
    """
    quality resolution detail details focus lighting light lights artstation masterpiece style render engine bokeh
    depth field dof composition tone tones palette exposure grain lens angle aesthetic mood atmosphere texture
    textures contrast color colour colors colours shading perspective hd uhd hdr 4k 8k 16k 2k 1080p dslr 35mm 50mm
    85mm raytracing realism photorealism hyperrealism award winner deviantart pixiv behance cgsociety octane unreal
    blender cinema4d vray photoshop wallpaper trending canvas motion blur shadow shadows reflections vibe vibes
    theme genre impressionism surrealism cubism minimalism minimalist expressionism baroque aperture iso kodak fuji
    fujifilm nikon canon polaroid leica film macro resolution sharpness illumination rendering design vector lineart
    anime manga pixar disney ghibli cyberpunk steampunk vaporwave fantasy sci-fi scifi retro vintage photography art
    work effect effects backlight shot
    """
)
"""Not subjects in a part of their own behind a comma: "a cat, sharp focus, 8k"."""

ALWAYS_STYLE = words(
    """
    style quality resolution artstation masterpiece lighting 4k 8k 16k hdr uhd bokeh dof hd perspective angle
    """
)
"""Not subjects anywhere: "in the style of", "in high resolution"."""

PICTURED_MORE = words("present display show focus capture centre center highlight showcase illustrate reveal")
SHOWING = frozenset(
    form
    for verb in PICTURED | PICTURED_MORE
    for form in (verb, verb + "s", verb + "ed", verb + "ing", verb.rstrip("e") + "ing", verb + "d")
)
SIDES = words("top left right front side foot end edge bottom base corner center centre middle")
"""With "of" behind they say where: "at the foot of the mountain"."""
SEEN_IN_TAGS = words(
    """
    light lights shadow shadows reflections canvas work frame field engine texture textures lens iso film angle blur
    grain color colour colors colours angle
    """
)
"""Style words that end the names of things: "stage lights", "lavender field"."""
PICTURE_WORDS = words("text subject figure focus cover focal camera scene title design composition background caption")
NEVER_THINGS = words(
    """
    text scene subject figure focus image picture composition background setting camera photo photograph illustration
    """
)
"""With "the" and "is" behind: "the main subject is a red panda"."""

ABSTRACT = words(
    """
    atmosphere mood ambiance ambience vibe sense feeling emotion composition presentation impression touch hint
    contrast tone elegance beauty tranquility serenity camera viewer viewers lighting foreground shade hue style
    appearance expression pose way addition contrast depth variety array nothing something everything anything nobody
    anyone everyone someone dimension sharpness nostalgia mystery warmth calm drama detail details resolution
    air mid-air midair mid-flight mid-jump mid-leap mid-step focus blur silence motion unison joy delight anger fear
    surprise concentration amazement thought chaos harmony
    """
)
"""Nowhere things to draw."""

PRONOUNS = words(
    """
    i you he she it they we me him her us them one ones other others another each both all some any none this that
    these those who which what there himself herself itself themselves everything nothing something nobody somebody
    someone everyone anyone no-one
    """
)

PLACES = words(
    """
    background foreground middle center centre left right front side top bottom back backdrop distance corner edge
    midst end inside outside rear foot
    """
)
"""Not subjects behind a preposition: "in the background", "on top of"."""

TIMES = words(
    """
    sunset sunrise night dawn dusk noon midnight day daytime nighttime morning evening afternoon twilight winter
    summer spring autumn fall time hour moment century era daylight
    """
)
"""Not subjects behind a preposition: "at sunset"."""

QUANTITIES = {"pair": 2, "couple": 2, "dozen": 12, "trio": 3}
PARTS = words(
    """
    pair couple dozen trio group bunch lot number variety set series kind type sort piece bit handful lots plenty
    kinds types couple assortment
    """
)
"""With "of" behind they only say how much: "a pair of boots" is about boots."""

TWO_SIDED = words(
    """
    glasses sunglasses pants trousers jeans scissors shorts goggles binoculars headphones tweezers
    """
)
"""A pair of these is one thing."""

NUMBERS = {
    "a": 1, "an": 1, "one": 1, "single": 1, "another": 1, "lone": 1, "two": 2, "both": 2, "three": 3, "four": 4,
    "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "dozen": 12,
    "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
    "twenty": 20,
}  # fmt: skip

DEGREES = words(
    """
    very extremely really highly so too quite incredibly super rather fairly slightly ultra insanely most more
    absolutely truly just also only still even
    """
)
"""They say how much, not how it looks."""

NEVER_DESCRIBE = words(
    """
    is are was were be been being am 's 're n't not never no nor neither either do does did has have had and
    or but while as if when the a an this that which who whose it its he she they them there
    here
    """
)
"""Whatever a parser takes them for."""

PARTICLES = words("up down out off over away together")
NOT_LOOKS = words(
    """
    same other different own several many few various such certain next single lone some half
    """
)
"""Adjectives that describe no look and so are no modifiers to bind."""

BE = words("is are was were be been being 's 're looks look looked appears appear seems seem")
MADE = words("made built crafted carved woven constructed formed composed sculpted")

RELATIONS = (
    ("left of", r"(?:(?:to|on|at) )?(?:the |its |his |her |their )?left(?: side)? of"),
    ("right of", r"(?:(?:to|on|at) )?(?:the |its |his |her |their )?right(?: side)? of"),
    ("on top of", r"(?:on (?:the )?)?top of|atop(?: of)?"),
    ("in front of", r"in front of"),
    ("behind", r"behind|in back of|at the back of"),
    ("next to", r"next to|beside|alongside|adjacent to|by the side of"),
    ("near", r"near(?: to)?|close to|nearby"),
    ("inside", r"inside(?: of)?|within|in the middle of"),
    ("above", r"above|over|hovering over"),
    ("below", r"below"),
    ("under", r"under|underneath|beneath"),
    ("between", r"between"),
    ("around", r"around"),
    ("on", r"on|upon|onto"),
    ("in", r"in|into"),
)
"""Kind -> what may stand for it; the longest fit at a place wins."""
