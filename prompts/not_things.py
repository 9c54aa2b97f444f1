"""Tags and words that name no thing: quality, camera, rating, site, style. Each with the reason the report gives."""

from __future__ import annotations

import re

PATTERNS = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (r"score_?\d.*|(?:rating|source)[_: ].*|nsfw|sfw|safe|questionable|explicit|sensitive|general", "rating"),
        (r"\d{2,4} ?mm(?: .*)?|f ?/ ?[\d.]+.*|iso ?\d+.*|\d/\d+ ?s.*|.* lens|telephoto|wide[- ]angle|fisheye.*|bokeh|dof",
         "camera"),
        (r"(?:canon|nikon|sony|fujifilm|fuji|kodak|leica|hasselblad|dslr|polaroid|gopro)\b.*", "camera"),
        (r"(?:extreme |medium |super )?(?:close[- ]?up|wide|long|medium|full|cowboy|establishing|low[- ]angle|"
         r"high[- ]angle|drone|aerial|macro)(?: shot| view| portrait)?", "camera"),
        (r"(?:upper|lower|full|half)[- ]body(?: shot)?|head ?shot|portrait|profile|from (?:above|below|behind|(?:the )?side)|"
         r"(?:dutch|low|high|wide|camera) angle|pov|first[- ]person view|.*-down view|(?:top|front|side|back|rear|aerial|"
         r"isometric|bird'?s[- ]eye)[- ](?:down )?view|fisheye|depth of field|shallow depth of field|motion blur|macro|"
         r"cinematic shot|film still|rule of thirds|centered|symmetrical|isometric|blurry|blurred|out of focus", "camera"),
        (r"(?:looking|facing|staring|gazing) (?:at|to|towards?|away|back|up|down|over|into|ahead)\b.*|looking|facing viewer|"
         r"eye contact|(?:at|toward) (?:the )?viewer|viewer", "camera"),
        (r"(?:(?:simple|plain|white|black|grey|gray|blurred|blurry|dark|gradient|transparent|abstract|detailed|clean|city|"
         r"solid|studio|colou?rful|\w+) )?background", "background"),
        (r"(?:\w+ )*(?:best|high|highest|good|great|amazing|normal|low|worst|bad|top|ultra|max|maximum|super|studio) "
         r"quality.*", "quality"),
        (r"(?:ultra|highly|extremely|very|insanely|super|hyper|incredibly|finely|intricately|absurdly|beautifully|"
         r"intricate|fine|more|rich|sharp|extreme)?[- ]?detail(?:ed|s)?", "quality"),
        (r"masterpiece|absurd ?res|high ?res|hi ?res|low ?res|(?:ultra |super )?(?:uhd|hdr|hd|fhd|qhd)|(?:\d+)k(?: .*)?|"
         r"\d+ ?k uhd|\d+p|(?:ultra |super |insane )?(?:high|higher) ?(?:res|resolution|definition)|raw(?: photo)?|"
         r"(?:hyper|photo|ultra|semi)?[- ]?realis(?:m|tic)|lifelike|award[- ]winning.*|professional.*|best .*|perfect|"
         r"sharp(?: focus)?|crisp|unreal engine.*|octane.*|vray|v-ray|ray ?tracing|blender|cycles render|"
         r"\d+ ?bit|\d+-bit", "quality"),
        (r".*\b(?:lighting|illumination)|(?:soft|natural|warm|cold|morning|evening|volumetric|studio|rim|dramatic|cinematic|"
         r"ambient|golden|harsh|diffused|moody) lights?|back ?lit|back ?lighting|back ?light|golden hour|blue hour|"
         r"chiaroscuro|lens flare|god rays|film grain|vignett.*|ambient occlusion|global illumination|subsurface.*", "light"),
        (r".*\b(?:style|aesthetic|theme|\(theme\)|vibes?|mood|atmosphere|palette|colou?rs|tones?|contrast|shading|texture)",
         "style"),
        (r"(?:concept|digital|fantasy|pixel|line|vector|fan|anime|fine|pop|street|ascii|key|cover|splash|sci-fi|3d|game|"
         r"comic|cel)[- ](?:art|visual|illustration|painting)|(?:oil|digital|matte|ink|acrylic|gouache|water ?colou?r) "
         r"(?:painting|drawing|sketch|on canvas)|(?:\w+ )?(?:photography|illustration|art(?:work)?|manga|anime|cgi?|render)|"
         r"(?:3d|2d)(?: .*)?|low[- ]poly|chibi|film noir|still life|vintage poster|oil on canvas|watercolou?rs?|lineart|sketch|"
         r"photo(?:graph)?|impressionis[mt].*|surrealis[mt].*|minimalis[mt].*|expressionis[mt].*|baroque|art (?:deco|nouveau)|"
         r"cyberpunk|steampunk|vaporwave|dieselpunk|fantasy|sci-?fi|science fiction|horror|monochrome|gr[ae]y ?scale|"
         r"black and white|painting|drawing|illustration|render|cinematic|vintage|retro|wallpaper", "style"),
        (r"(?:trending on|featured on|by|art(?:ist)?:?|art by|artwork by|in the style of|style of|inspired by|painted by|"
         r"from) .*", "artist or site"),
        (r"artstation.*|deviantart|pixiv|behance|cgsociety|pinterest|danbooru|gelbooru|instagram|national geographic|"
         r"studio ghibli|disney|pixar|dreamworks|greg rutkowski|artgerm|wlop", "artist or site"),
        (r"outdoors?|indoors?|inside|outside|day(?:time)?|night(?:time)?|dawn|dusk|sunset|sunrise|noon|midnight|evening|"
         r"morning|twilight|spring|summer|autumn|fall|winter|interior|exterior|underwater", "time or place"),
        (r"solo(?: focus)?|solo|no humans|no people|nobody|(?:male|female) focus|multiple (?:girls|boys|views|others)|"
         r"couple|original|commentary|watermark|signature|text|username|english text|artist name|scenery|landscape|food",
         "about the picture"),
        (r"(?:dynamic|epic|action|standing|sitting) pose|(?:dynamic|perfect|epic) (?:composition|angle)|composition|pose",
         "about the picture"),
        (r"horror \(theme\)|(?:hand|hands|arm|arms) (?:on|in|behind|at|up|between) (?:own )?.*|holding hands|"
         r"(?:open|closed|parted) (?:mouth|eyes|lips)|crossed (?:arms|legs)|arms? (?:up|crossed)|spread (?:legs|arms)",
         "pose"),
        (r"smil(?:e|ing)|blush(?:ing)?|wink(?:ing)?|grin(?:ning)?|smirk|frown|laughing|crying|angry|happy|sad|serious|"
         r"expressionless|one eye closed", "expression"),
    )
)  # fmt: skip


def tag_reason(tag: str) -> str | None:
    """Why a tag, as a whole, names no thing to draw; None when it may. Tags joined by underscores read alike."""
    text = " ".join(tag.lower().strip(" ,.!?").split())
    spaced = text if text.startswith(("score", "rating", "source")) else text.replace("_", " ")
    return next((reason for pattern, reason in PATTERNS if pattern.fullmatch(spaced)), None)
