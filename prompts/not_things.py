"""Tags and words that name no thing: quality, camera, rating, site, style. Each with the reason the report gives."""

from __future__ import annotations

import re

PATTERNS = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (
            r"score_?\d.*|(?:rating|source)[_: ].*|nsfw|sfw|safe|questionable|explicit|sensitive|general",
            "rating",
        ),
        (
            r"\d{2,4} ?mm(?: .*)?|f ?/ ?[\d.]+.*|iso ?\d+.*|\d/\d+ ?s.*|.* lens|telephoto|wide[- ]angle|"
            r"fisheye.*|bokeh|dof",
            "camera",
        ),
        (
            r"(?:canon|nikon|sony|fujifilm|fuji|kodak|leica|hasselblad|dslr|polaroid|gopro)\b.*",
            "camera",
        ),
        (
            r"(?:extreme |medium |super )?(?:close[- ]?up|wide|long|medium|full|cowboy|establishing|"
            r"low[- ]angle|high[- ]angle|drone|aerial|macro)(?: shot| view| portrait)?",
            "camera",
        ),
        (
            r"(?:upper|lower|full|half)[- ]body(?: shot)?|head ?shot|portrait|profile|"
            r"from (?:above|below|behind|(?:the )?side)|(?:dutch|low|high|wide|camera) angle|pov|"
            r"first[- ]person view|.*-down view|"
            r"(?:top|front|side|back|rear|aerial|isometric|bird'?s[- ]eye)[- ](?:down )?view|fisheye|"
            r"depth of field|shallow depth of field|motion blur|macro|cinematic shot|film still|"
            r"rule of thirds|centered|symmetrical|isometric|blurry|blurred|out of focus",
            "camera",
        ),
        (
            r"(?:looking|facing|staring|gazing) (?:at|to|towards?|away|back|up|down|over|into|ahead)\b.*|"
            r"looking|facing viewer|eye contact|(?:at|toward) (?:the )?viewer|viewer",
            "camera",
        ),
        (
            r"(?:(?:simple|plain|white|black|grey|gray|blurred|blurry|dark|gradient|transparent|abstract|"
            r"detailed|clean|city|solid|studio|colou?rful|\w+) )?background",
            "background",
        ),
        (
            r"(?:\w+ )*(?:best|high|highest|good|great|amazing|normal|low|worst|bad|top|ultra|max|maximum|"
            r"super|studio) quality.*",
            "quality",
        ),
        (
            r"(?:ultra|highly|extremely|very|insanely|super|hyper|incredibly|finely|intricately|absurdly|"
            r"beautifully|intricate|fine|more|rich|sharp|extreme)?[- ]?detail(?:ed|s)?",
            "quality",
        ),
        (
            r"masterpiece|absurd ?res|high ?res|hi ?res|low ?res|(?:ultra |super )?(?:uhd|hdr|hd|fhd|qhd)|"
            r"(?:\d+)k(?: .*)?|\d+ ?k uhd|\d+p|"
            r"(?:ultra |super |insane )?(?:high|higher) ?(?:res|resolution|definition)|raw(?: photo)?|"
            r"(?:hyper|photo|ultra|semi)?[- ]?realis(?:m|tic)|lifelike|award[- ]winning.*|professional.*|"
            r"best .*|perfect|sharp(?: focus)?|crisp|unreal engine.*|octane.*|vray|v-ray|ray ?tracing|blender|"
            r"cycles render|\d+ ?bit|\d+-bit",
            "quality",
        ),
        (
            r".*\b(?:lighting|illumination)|"
            r"(?:soft|natural|warm|cold|morning|evening|volumetric|studio|rim|dramatic|cinematic|ambient|"
            r"golden|harsh|diffused|moody) light|back ?lit|back ?lighting|back ?light|golden hour|blue hour|"
            r"chiaroscuro|lens flare|god rays|film grain|vignett.*|ambient occlusion|global illumination|"
            r"subsurface.*",
            "light",
        ),
        (
            r".*\b(?:style|aesthetic|theme|\(theme\)|vibes?|mood|atmosphere|palette|colou?rs|tones?|contrast|"
            r"shading|texture)",
            "style",
        ),
        (
            r"(?:concept|digital|fantasy|pixel|line|vector|fan|anime|fine|pop|street|ascii|key|cover|splash|"
            r"sci-fi|3d|game|comic|cel)[- ](?:art|visual|illustration|painting)|"
            r"(?:oil|digital|matte|ink|acrylic|gouache|water ?colou?r) (?:painting|drawing|sketch|on canvas)|"
            r"(?:\w+ )?(?:photography|illustration|art(?:work)?|manga|anime|cgi?|render)|(?:3d|2d)(?: .*)?|"
            r"low[- ]poly|chibi|film noir|still life|vintage poster|oil on canvas|watercolou?rs?|lineart|"
            r"sketch|photo(?:graph)?|impressionis[mt].*|surrealis[mt].*|minimalis[mt].*|expressionis[mt].*|"
            r"baroque|art (?:deco|nouveau)|cyberpunk|steampunk|vaporwave|dieselpunk|fantasy|sci-?fi|"
            r"science fiction|horror|monochrome|gr[ae]y ?scale|black and white|painting|drawing|illustration|"
            r"render|cinematic|vintage|retro|wallpaper",
            "style",
        ),
        (
            r"(?:trending on|featured on|by|art(?:ist)?:?|art by|artwork by|in the style of|style of|"
            r"inspired by|painted by|from) .*",
            "artist or site",
        ),
        (
            r"artstation.*|deviantart|pixiv|behance|cgsociety|pinterest|danbooru|gelbooru|instagram|"
            r"national geographic|studio ghibli|disney|pixar|dreamworks|greg rutkowski|artgerm|wlop",
            "artist or site",
        ),
        (
            r"(?:sunny|rainy|cloudy|hot|cold|late|early|windy|snowy|stormy) (?:day|night|morning|evening|afternoon)|"
            r"outdoors?|indoors?|inside|outside|day(?:time)?|night(?:time)?|dawn|dusk|sunset|sunrise|noon|"
            r"midnight|evening|morning|twilight|spring|summer|autumn|fall|winter|interior|exterior|underwater",
            "time or place",
        ),
        (
            r"solo(?: focus)?|solo|no humans|no people|nobody|(?:male|female) focus|"
            r"multiple (?:girls|boys|views|others)|couple|original|commentary|watermark|signature|text|"
            r"username|english text|artist name|scenery|landscape|food",
            "about the picture",
        ),
        (
            r"(?:dynamic|epic|action|standing|sitting) pose|(?:dynamic|perfect|epic) (?:composition|angle)|"
            r"composition|pose",
            "about the picture",
        ),
        (
            r"(?:hand|hands|arm|arms) (?:on|in|behind|at|up|between) (?:own )?.*|"
            r"holding hands|(?:open|closed|parted) (?:mouth|eyes|lips)|crossed (?:arms|legs)|"
            r"arms? (?:up|crossed)|spread (?:legs|arms)",
            "pose",
        ),
        (
            r"smil(?:e|ing)|blush(?:ing)?|wink(?:ing)?|grin(?:ning)?|smirk|frown|laughing|crying|angry|happy|"
            r"sad|serious|expressionless|one eye closed",
            "expression",
        ),
        (
            r"newest|oldest|recent|early|mid|late|very (?:aesthetic|awa)|aesthetic|(?:year )?(?:19|20)\d\d(?:s)?|\d0s|"
            r"y2k|official (?:art|style)|game cg|.*\b(?:wallpaper|resolution)|epic scale",
            "quality",
        ),
        (
            r"(?:[\w'’/-]+ )*(?:shot|view|viewpoint|angle|perspective|framing|footage|exposure|focus|lens|aperture|dof|"
            r"vision)|(?:high|low) key|tilt[- ]shift|(?:film )?grainy?|noise|chromatic aberration|eye[- ]level|"
            r"(?:kodak|fuji\w*|cinestill|ilford|portra|agfa|lomo\w*)\b.*|overexposed|underexposed|anamorphic.*|"
            r"kodachrome|ektachrome|velvia|provia|tri-x|flat lay|knolling|zoom(?:ed)? (?:in|out)|"
            r"from (?:front|side|afar|outside|below)|vignette",
            "camera",
        ),
        (
            r"(?:[\w'’-]+ ){0,3}(?:advert|advertisement|commercial|campaign|photo|"
            r"photograph|photography|photoshoot|picture|selfie|screenshot|screencap)",
            "the picture itself",
        ),
        (
            r"(?:character|graphic|interior|fashion|product|logo|icon|web|ui|game|costume|creature|environment|poster|"
            r"vehicle|sticker|flat|set|food|hair)? ?(?:design|styling)|(?:character|reference|model|sprite) sheet|"
            r"(?:[\w'’-]+ ){0,3}(?:illustration|artstyle|coloring|colouring|rendering|animation)|"
            r"(?:ink|pencil|charcoal|pen|chalk|crayon|watercolou?r|gouache) (?:drawing|sketch|wash|art|illustration)|"
            r"ukiyo-?e|(?:woodblock|linocut|screen) prints?|risograph|claymation|stop[- ]motion|papercraft|voxel|"
            r"(?:voxel|isometric|ink|sketch|promotional|official|album|psychedelic|abstract|naive|folk) art|"
            r"\w+punk|\w+wave|\w+core|dark academia|lo-?fi|noir|sepia(?: tone)?|gothic|renaissance|rococo|bauhaus|"
            r"brutalis[mt]|romanticism|pointillism|cubis[mt]|fauvism|realism|impasto|cartoon(?: style)?|caricature|"
            r"(?:retro|video|indie|mobile) game|(?:dark|high|urban) fantasy|(?:limited|muted|pastel) palette|duotone|"
            r"bright|epic|simple|elegant|whimsical|gritty|ethereal|dreamy|moody|eerie|serene|vivid|vibrant|surreal|"
            r"minimal|dark|cute|beautiful|stunning|gorgeous|breathtaking|majestic|dramatic|atmospheric|futuristic|"
            r"mystical|magical|nostalgic|romantic|peaceful|cozy|cosy|ornate|intricate|architecture",
            "style",
        ),
        (
            r"vogue|bbc(?: \w+)?|nat(?:ional)? ?geo(?:graphic)?|archdaily|unsplash|500px|flickr|dribbble|getty images|"
            r"shutterstock|midjourney|stable diffusion|photoshop|procreate|lightroom|zbrush|cinema ?4d|houdini|"
            r"redshift|nintendo|marvel|netflix|(?:makoto shinkai|loish|sakimichan)",
            "artist or site",
        ),
        (
            r"(?:soft|hard|dramatic|long|deep|harsh|strong) shadows?|"
            r"(?:top|window|side|rim|key|fill|low|back|studio|dappled|directional|even|flat|bright|dim|neon) ?light|"
            r"(?:light|crepuscular) (?:rays|leaks?)|volumetric.*|caustics|overcast",
            "light",
        ),
        (
            r"leaning (?:back|forward|to (?:the )?side|on .*)|head tilt|(?:peace|v) sign|one knee(?: up)?|knees? up|"
            r"legs? (?:up|crossed|together)|hands? (?:up|together|clasped)|tongue out|on (?:back|side|stomach)|"
            r"all fours|(?:fighting|battle) stance|[ta]-pose|contrapposto|eyes (?:closed|open)|half-closed eyes|"
            r"head (?:down|back|rest)|(?:chin|cheek|head) (?:rest|on hands?)|(?:body|back) arch|"
            r"(?:mid-?air|midair)|hair (?:down|flowing)",
            "pose",
        ),
        (
            r"(?:white |black |no )?borders?|letterbox(?:ed)?|sticker|logo|icon|emoji|cropped|out of frame|"
            r"multiple (?:people|characters|animals)|everyone",
            "about the picture",
        ),
    )
)  # fmt: skip


def tag_reason(tag: str) -> str | None:
    """Why a tag, as a whole, names no thing to draw; None when it may. Tags joined by underscores read alike."""
    text = " ".join(tag.lower().strip(" ,.!?").split())
    spaced = text if text.startswith(("score", "rating", "source")) else text.replace("_", " ")
    return next((reason for pattern, reason in PATTERNS if pattern.fullmatch(spaced)), None)
