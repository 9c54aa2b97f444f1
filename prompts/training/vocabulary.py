"""Words that image prompts are made of. The pipeline learns them by name, and made-up words by their place in the
sentence.

A word may stand in several lists: "orange" is a colour and a fruit, "glass" a thing and a material.
"""

from __future__ import annotations


def words(text: str) -> list[str]:
    return text.split()


def phrases(text: str) -> list[str]:
    return [phrase for line in text.split("\n") for part in line.split("|") if (phrase := part.strip())]


ANIMALS = words(
    """
    cat dog turtle bear lion horse elephant monkey frog rabbit mouse bird sheep cow pig goat deer fox wolf tiger
    leopard cheetah panther jaguar lynx bobcat puma zebra giraffe rhino rhinoceros hippo hippopotamus buffalo bison
    moose elk reindeer antelope gazelle camel llama alpaca donkey mule pony foal calf lamb kitten puppy cub hamster
    gerbil guinea rat squirrel chipmunk beaver otter badger skunk raccoon hedgehog porcupine mole bat koala kangaroo
    wallaby wombat platypus sloth anteater armadillo gorilla chimpanzee orangutan baboon lemur ape eagle hawk falcon
    owl crow raven magpie parrot parakeet cockatoo toucan peacock pheasant turkey chicken hen rooster duck duckling
    goose swan pelican flamingo heron stork crane penguin puffin seagull gull albatross ostrich emu sparrow robin
    finch canary hummingbird woodpecker pigeon dove snake python cobra viper lizard gecko iguana chameleon crocodile
    alligator tortoise toad salamander newt fish goldfish salmon trout tuna shark whale dolphin orca seal walrus
    octopus squid jellyfish starfish crab lobster shrimp snail slug worm spider scorpion ant bee wasp butterfly moth
    dragonfly beetle ladybug grasshopper cricket mantis fly mosquito caterpillar husky poodle labrador corgi
    dachshund beagle bulldog terrier pug chihuahua retriever greyhound dragon unicorn phoenix griffin dinosaur
    mammoth raptor
    """
)

PEOPLE = words(
    """
    man woman boy girl child kid baby toddler teenager person lady gentleman king queen prince princess knight
    soldier warrior samurai ninja viking pirate sailor captain wizard witch sorcerer mage elf dwarf fairy giant
    goblin orc vampire zombie ghost angel demon mermaid astronaut pilot doctor nurse surgeon scientist teacher
    student chef cook waiter baker butcher farmer fisherman hunter shepherd cowboy sheriff policeman firefighter
    detective spy thief judge lawyer priest monk nun dancer ballerina singer musician guitarist drummer pianist
    painter artist sculptor photographer actor actress clown magician acrobat athlete runner swimmer boxer wrestler
    skater surfer cyclist skier player coach bride groom mother father grandmother grandfather sister brother
    daughter son twin couple family friend neighbor stranger merchant blacksmith carpenter mechanic engineer worker
    miner librarian scholar philosopher emperor goddess god hero villain superhero robot android cyborg alien
    monster creature skeleton scarecrow snowman statue figure model customer tourist traveler lioness rider
    shopkeeper archer gardener barber tailor gladiator pharaoh geisha
    """
)

OBJECTS = words(
    """
    backpack crown suitcase chair balloon bow car bowl bench clock glasses ball box bag basket bottle cup mug jar
    vase pot pan plate dish tray spoon fork knife glass pitcher teapot kettle candle lamp lantern torch mirror frame
    picture book notebook magazine newspaper letter envelope map pen pencil brush eraser ruler scissors key lock
    chain rope ladder hammer saw axe shovel rake bucket broom mop umbrella cane wand staff sword dagger spear shield
    bow arrow gun rifle cannon helmet armor mask doll toy puppet kite drum guitar violin piano trumpet flute harp
    saxophone cello accordion radio television camera phone telephone computer laptop keyboard monitor screen tablet
    printer clock watch compass telescope microscope globe trophy medal coin ring necklace bracelet earring brooch
    pendant gem diamond ruby pearl crystal jewel treasure chest barrel crate cage tent hammock sled skateboard
    surfboard snowboard bicycle bike scooter motorcycle wheelchair wagon cart carriage van truck bus taxi tractor
    train tram boat ship sailboat canoe kayak raft submarine yacht airplane plane helicopter rocket spaceship
    spacecraft satellite drone balloon parachute engine wheel tire anchor flag banner sign billboard poster painting
    sculpture fountain statue vase cushion pillow blanket quilt rug carpet curtain towel sheet mattress bed sofa
    couch armchair stool table desk shelf bookshelf cabinet drawer wardrobe dresser bench cradle crib fireplace
    stove oven fridge refrigerator sink bathtub toilet shower door window wall floor ceiling roof stairs staircase
    fence gate pillar column arch bridge tower sphere cube pyramid cylinder cone circle square triangle star
    rectangle hexagon heart diamond cross ring oval pentagon shape block brick tile pipe wire cable bulb battery
    button zipper thread needle yarn ribbon card dice chess puzzle marble throne coffin tombstone cauldron potion
    scroll feather horn bone skull egg nest shell web microphone speaker headphones turntable typewriter sewing
    machine hourglass easel canvas palette frisbee racket bat glove whistle bell candlestick chandelier
    """
)

CLOTHES = words(
    """
    hat cap crown helmet scarf shirt t-shirt blouse sweater hoodie jacket coat cape cloak robe dress gown skirt
    kimono suit tuxedo vest tie bowtie belt trousers pants jeans shorts socks stockings shoes boots sneakers sandals
    slippers heels gloves mittens glasses sunglasses goggles bandana turban veil tiara apron uniform costume
    swimsuit bikini raincoat tutu sombrero beret headband monocle mask
    """
)

FOOD = words(
    """
    apple banana orange pear peach plum cherry grape strawberry raspberry blueberry lemon lime melon watermelon
    pineapple mango coconut kiwi fig avocado tomato cucumber pepper carrot potato onion garlic cabbage lettuce
    broccoli pumpkin corn mushroom bean pea bread baguette croissant bagel muffin cupcake cake pie cookie biscuit
    pancake waffle donut doughnut pretzel pizza burger hamburger sandwich taco burrito sushi noodles pasta spaghetti
    rice soup stew salad steak sausage bacon ham chicken egg cheese butter honey jam chocolate candy lollipop
    pudding milkshake coffee tea cocoa latte espresso juice lemonade water milk wine beer cocktail soda smoothie
    sauce ketchup popcorn pickle omelette dumpling
    """
)

NATURE = words(
    """
    tree flower rose tulip daisy sunflower lily orchid poppy lotus lavender fern moss ivy vine bush shrub grass leaf
    branch twig root stump log cactus bamboo palm oak pine willow maple birch mountain hill valley canyon cliff cave
    rock stone boulder pebble sand dune desert beach shore coast island sea ocean lake river stream creek pond
    waterfall wave glacier iceberg snow ice rain storm thunderstorm lightning rainbow cloud fog mist smoke fire
    flame campfire lava volcano sky sun moon star planet galaxy comet forest jungle woods meadow field pasture
    garden swamp prairie savanna oasis horizon mushroom seaweed coral reef puddle ditch path trail thistle petal
    """
)

PLACES = words(
    """
    house cottage cabin hut mansion castle palace fortress tower temple church cathedral mosque shrine monastery
    ruin ruins lighthouse windmill barn farm stable greenhouse shed garage factory warehouse workshop office school
    library museum theater cinema hotel restaurant cafe bakery bar pub shop store market mall supermarket hospital
    station airport harbor port dock pier street road alley highway crosswalk sidewalk square plaza park playground
    zoo stadium arena gym pool bathroom bedroom kitchen room hall hallway corridor attic basement balcony terrace
    porch roof rooftop courtyard city town village suburb skyline skyscraper building apartment bridge tunnel subway
    laboratory classroom dungeon tavern throne graveyard cemetery battlefield spaceport colony bookstore booth
    counter doormat doorstep lobby landscape scenery world
    """
)

BODY = words(
    """
    eyes hair beard moustache mustache face head nose mouth lips teeth ears hands fingers arms legs feet tail wings
    fur feathers scales horns antlers claws paws fangs skin freckles smile wrinkles braids ponytail curls eyelashes
    eyebrows tattoo scar shell mane beak trunk whiskers spots stripes body shoulders chest neck
    """
)

THINGS_MORE = words(
    """
    shadow reflection pattern logo symbol letters text tree-house machine device tool weapon vehicle toy gift
    present package parcel bouquet wreath garland ornament decoration lights fireworks sandcastle snowflake icicle
    bubble spiral ladder maze spell magic treasure food meal breakfast dinner dessert fruit vegetable vegetables
    drink snack clothes laundry furniture music instrument sheet party wedding parade concert game match race
    blizzard hurricane tornado explosion stack pile row bunch slice piece stick pole net hook spring tank robot-arm
    circuit statue windows leaves
    """
)

MATERIALS = words(
    """
    wood metal glass stone brick marble paper leather plastic steel iron copper bronze brass silver gold crystal ice
    silk velvet wool cotton linen denim straw wicker bamboo clay ceramic porcelain concrete rubber chrome cardboard
    ivory jade lego felt lace bone chocolate
    """
)

COMPOUNDS = words(
    """
    kitchen coffee dining garden school fire police pirate space toy teddy baby polka flower fruit birthday wedding
    christmas halloween winter summer beach forest mountain city street night office sports race snow sand water
    rain wine beer tea soup orange apple lemon cherry strawberry chocolate vanilla cheese pumpkin carrot rose palm
    pine oak maple brick stone candle picture window door wall ceiling floor desk table book paper comic cowboy
    baseball soccer tennis golf basketball chess computer video music jazz rock opera sheet telephone pocket top
    straw bow neon laser robot dragon elf warrior knight witch sewing washing gas oil steam wind sail train bus
    truck bicycle motorcycle lego jungle desert cyberpunk steampunk fantasy army navy cartoon retro movie film polar
    grizzly golden hot baby bunk crystal tree rag sun moon star eucalyptus bamboo
    """
)

COLOURS = words(
    """
    red orange yellow green blue purple pink brown gray grey black white violet indigo turquoise teal cyan magenta
    crimson scarlet maroon burgundy navy beige tan cream ivory gold golden silver bronze copper emerald lime olive
    lavender lilac mauve coral peach salmon rust amber mustard khaki charcoal azure aqua fuchsia blonde ginger
    auburn
    """
)

SHADES = words(
    """
    dark light bright pale deep dull soft vivid neon pastel hot royal sky forest baby dusty icy rich
    """
)

ADJECTIVES = words(
    """
    big small large little tiny huge giant gigantic enormous massive tall short long thin thick wide narrow fat slim
    skinny round square flat curved straight sharp pointy spiky smooth rough soft hard fluffy furry fuzzy hairy bald
    shiny glossy matte dull bright dark light heavy old new young ancient modern antique vintage medieval futuristic
    retro rustic classic traditional victorian gothic baroque beautiful pretty cute adorable lovely gorgeous
    handsome ugly scary spooky creepy cozy warm cold hot icy frozen snowy rainy foggy misty sunny cloudy stormy
    windy dry wet damp muddy dusty dirty clean messy tidy empty full open closed wooden metallic golden silvery
    woolen plastic transparent translucent opaque colorful colourful multicolored monochrome striped spotted
    checkered plaid dotted plain fancy elegant simple ornate intricate delicate fragile sturdy strong weak fierce
    wild tame gentle friendly angry happy sad sleepy tired lazy busy calm quiet loud silent peaceful serene lonely
    crowded rusty mossy leafy grassy sandy rocky stony mountainous rural urban tropical exotic magical mystical
    mysterious enchanted haunted sacred holy royal noble majestic epic heroic brave proud wise clever silly funny
    goofy playful cheerful gloomy grim evil cursed deadly dangerous poisonous toxic radioactive electric mechanical
    robotic digital cosmic celestial ethereal surreal abstract geometric symmetrical asymmetrical crystalline ripe
    rotten fresh stale juicy sweet sour spicy crunchy crispy creamy sticky slimy gooey tasty delicious raw expensive
    cheap luxurious shabby broken worn torn ragged tattered fluorescent luminous glowing radiant blurry clear
    pristine perfect realistic stylish fashionable sleek chubby muscular slender plump petite curly wavy bushy
    shaggy scruffy fluffy wrinkled smoky steamy bubbly floral seasonal festive nocturnal aquatic arctic dense lush
    barren remote distant tall wooden stained knotted spiral hollow solid liquid miniature oversized upright crooked
    tangled single double triple private public military industrial oriental asian african european american
    japanese chinese indian french italian egyptian roman greek nordic celtic fluffy feathered winged horned bearded
    hooded armored masked sunlit moonlit starry dim eerie quaint picturesque stunning amazing awesome wonderful
    fantastic magnificent incredible impressive breathtaking graceful fluent regal stone-faced sheer tabby ghostly
    lifelike isometric floating leathery velvety waxy woolly feisty grumpy curious nervous shy brown grand floury
    salty bitter
    """
)

PARTICIPLES = words(
    """
    broken cracked shattered burned burnt melted frozen painted carved polished rusted abandoned ruined destroyed
    damaged torn ripped folded wrinkled knitted woven embroidered decorated gilded engraved sliced diced chopped
    skewered grilled fried baked roasted cooked peeled stuffed wrapped tied locked closed opened lit illuminated
    haunted enchanted forgotten lost hidden buried sunken flooded crowded deserted armored hooded masked winged
    horned stained striped checkered spotted dotted colored coloured tattooed tanned dyed bleached faded worn
    weathered aged twisted curved bent inflated stacked scattered framed mounted parked feathered bearded spiked
    studded quilted braided patched
    """
)

ACTIVE_PARTICIPLES = words(
    """
    sleeping running flying sitting standing smiling laughing dancing jumping swimming walking glowing burning
    shining floating sparkling glittering shimmering steaming boiling melting crumbling falling rising spinning
    roaring howling barking crying screaming singing grazing galloping charging crawling climbing hanging leaning
    lying resting blooming flowering flaming dripping overflowing sailing hovering drifting crouching kneeling
    waving grinning yawning
    """
)

INTRANSITIVE = words(
    """
    sitting standing sleeping lying resting walking running jumping flying swimming floating dancing smiling
    laughing playing posing waiting relaxing kneeling crouching leaning hanging climbing crawling hiding grazing
    perched perching sailing driving drifting hovering glowing burning shining growing blooming falling rising
    emerging standing peeking staring looking wandering strolling marching riding racing fighting singing performing
    meditating praying dreaming napping swinging sliding parked exploring traveling camping
    """
)

TRANSITIVE = words(
    """
    holding wearing carrying riding eating drinking chasing following feeding hugging kissing holding pulling
    pushing throwing catching kicking hitting watching reading writing painting drawing building fixing repairing
    cooking baking preparing cutting slicing serving selling buying playing driving flying sailing rowing climbing
    exploring guarding protecting attacking fighting casting summoning forging carving sculpting sewing knitting
    cleaning washing brushing petting stroking walking training guiding leading leading holding lifting opening
    closing crossing entering leaving approaching stealing finding hunting catching grabbing touching smelling
    biting licking pouring mixing making crushing breaking balancing juggling showing displaying examining studying
    inspecting admiring overlooking surrounding covering raising swinging wielding drawing
    """
)

FINITE = words(
    """
    sits stands sleeps lies rests walks runs jumps flies swims floats dances smiles plays poses waits leans hangs
    climbs crawls hides glows burns shines grows rises falls sails drifts hovers looms emerges wanders marches holds
    wears carries rides eats drinks chases follows pulls pushes throws catches watches reads paints builds cooks
    guards attacks fights casts crosses enters
    """
)

PASSIVE = words(
    """
    covered filled surrounded decorated adorned topped wrapped dressed carved painted lit illuminated engulfed
    overgrown loaded packed stuffed drenched soaked dipped coated sprinkled stained crowned framed guarded followed
    chased carried held pulled inspired inhabited
    """
)

MANNERS = words(
    """
    brightly heavily beautifully richly intricately delicately highly finely softly dimly poorly freshly neatly
    elegantly
    """
)
MANNER_PARTICIPLES = words(
    """
    colored coloured decorated armored lit detailed painted carved dressed polished baked wrapped embroidered
    patterned illuminated
    """
)
DEGREES = words("very extremely really quite incredibly super slightly so")

HYPHENED = words(
    """
    long-haired short-haired blue-eyed green-eyed red-haired white-haired one-eyed three-headed two-headed
    half-eaten well-dressed hand-painted hand-carved snow-covered moss-covered ivy-covered snow-capped old-fashioned
    broad-shouldered four-legged golden-haired black-and-white red-brick high-heeled wide-eyed ice-cold sun-drenched
    semi-transparent multi-colored stained-glass six-legged dark-skinned curly-haired
    """
)

NAMES = words(
    """
    greg rutkowski van gogh monet picasso rembrandt vermeer dali escher hokusai klimt mucha alphonse artgerm wlop
    ross tran makoto shinkai hayao miyazaki studio ghibli frank frazetta zdzislaw beksinski giger craig mullins
    james jean moebius norman rockwell edward hopper thomas kinkade bob ross da vinci michelangelo caravaggio turner
    banksy warhol kandinsky cezanne matisse john smith peter mohrbacher ilya kuvshinov simon annie leibovitz ansel
    adams tim burton wes anderson beeple loish sakimichan krenz cushart ruan jia dan mumford victo ngai gustave dore
    albert bierstadt
    """
)
CITIES = words(
    """
    London Paris Tokyo Rome Venice Berlin Vienna Kyoto Amsterdam Prague Barcelona Istanbul Moscow Egypt Japan
    Iceland Mars
    """
)

MEDIA = words(
    """
    photo photograph picture image painting drawing sketch illustration rendering render portrait artwork screenshot
    shot close-up closeup watercolor cartoon engraving poster collage mosaic view
    """
)
MEDIUM_WORDS = words(
    """
    oil watercolor watercolour pencil charcoal ink digital acrylic pastel matte studio macro polaroid film 3d cgi
    pixel vector anime manga comic cinematic vintage aerial wide-angle black-and-white professional stock concept
    detailed isometric low-poly
    """
)

TAILS_NOUN = phrases(
    """
    cinematic lighting|studio lighting|dramatic lighting|volumetric lighting|soft lighting|rim lighting|
    natural light|soft light|golden hour|sharp focus|shallow depth of field|depth of field|bokeh|film grain|
    high resolution|high quality|best quality|ultra quality|masterpiece|4k|8k|16k|hdr|uhd|4k wallpaper|
    unreal engine|unreal engine 5|octane render|blender render|concept art|digital art|digital painting|
    matte painting|oil on canvas|pixel art|vector art|fan art|key visual|studio photo|macro photography|
    portrait photography|street photography|national geographic photo|film still|movie poster|album cover|
    book cover|low angle|wide angle|wide shot|close up|full body|35mm|50mm lens|85mm|dslr|f/1.8|
    award winning photography|intricate details|fine details|vibrant colors|vivid colors|muted colors|
    desaturated colors|pastel colors|warm colors|cool tones|warm tones|dark fantasy|science fiction|sci-fi|
    epic composition|perfect composition|dynamic pose|hyper realism|artstation|artstation hq|cgsociety|
    deviantart|pinterest|ray tracing|global illumination|ambient occlusion|subsurface scattering|motion blur|
    soft shadows|long shadows|morning light|evening light|warm evening light|backlight|high contrast|
    low contrast|line art|cel shading|watercolor style|anime style|cartoon style|comic book style|
    flat design|isometric view|aerial view|top view|front view|side view|white background|black background|
    plain background|simple background|blurred background|dark background|art nouveau|art deco|golden ratio|
    dreamy atmosphere|moody atmosphere|magic realism
    """
)
TAILS_ADJ = phrases(
    """
    highly detailed|ultra detailed|extremely detailed|very detailed|intricate|detailed|hyperrealistic|
    photorealistic|ultrarealistic|realistic|cinematic|dramatic|moody|eerie|epic|atmospheric|vibrant|
    colorful|surreal|whimsical|elegant|minimalist|beautiful|stunning|dreamy|nostalgic|monochrome|
    black and white|smooth|crisp|award winning|professional|serene|gloomy|futuristic|solo|isometric|
    symmetrical|hyper detailed|insanely detailed|photo realistic|sharp|blurry|grainy
    """
)
ADVERBS = words("highly ultra extremely very hyper insanely photo award")

TIMES = words("sunset sunrise night dawn dusk noon midnight twilight")
IRREGULAR = dict(
    pair.split("/")
    for pair in words(
        """
        man/men woman/women child/children person/people mouse/mice goose/geese sheep/sheep deer/deer fish/fish
        moose/moose bison/bison foot/feet tooth/teeth leaf/leaves wolf/wolves knife/knives shelf/shelves calf/calves
        scarf/scarves elf/elves dwarf/dwarves thief/thieves policeman/policemen fisherman/fishermen gentleman/gentlemen
        snowman/snowmen samurai/samurai ninja/ninjas octopus/octopuses cactus/cacti shrimp/shrimp salmon/salmon
        spacecraft/spacecraft dice/dice loaf/loaves life/lives wife/wives half/halves
        """
    )
)
"""Singular/plural."""
ALREADY_PLURAL = frozenset(
    words(
        """
    glasses sunglasses goggles scissors trousers pants jeans shorts socks stockings shoes boots sneakers sandals
    slippers heels gloves mittens headphones noodles stairs woods ruins eyes lips teeth ears hands fingers arms legs
    feet wings feathers scales horns antlers claws paws fangs freckles wrinkles braids curls eyelashes eyebrows
    whiskers spots stripes shoulders letters lights fireworks vegetables clothes windows leaves
    """
    )
)
UNCOUNTED = frozenset(
    words(
        """
    hair fur skin snow ice rain sand grass moss ivy smoke fire fog mist lightning lava water milk wine beer juice
    coffee tea cocoa bread rice pasta spaghetti soup honey butter cheese furniture clothes laundry music magic armor
    armour jewelry food ketchup popcorn chocolate bamboo corn bacon yarn seaweed garlic lavender sushi scenery
    treasure
    """
    )
)

TRANSITIVE_LEMMAS = words(
    """
    hold wear carry ride eat drink chase follow feed hug kiss pull push throw catch kick hit watch read write paint
    draw build fix repair cook bake prepare cut slice serve sell buy play drive fly row climb explore guard protect
    attack fight cast summon forge carve sew knit clean wash brush pet stroke walk train guide lead lift open close
    cross enter leave approach steal find hunt grab touch smell bite lick pour mix make crush break balance juggle
    show examine study inspect admire overlook surround cover raise swing wield share water mend gather pick plant
    tie wrap fold hide share stir chop light surf cut fill face reflect contain support frame line block
    """
)
INTRANSITIVE_LEMMAS = words(
    """
    sit stand sleep lie rest walk run jump fly swim float dance smile laugh play pose wait relax kneel crouch lean
    hang climb crawl hide graze perch sail drive drift hover glow burn shine grow bloom fall rise emerge peek stare
    look wander stroll march
    dive plunge rush dash wait cool melt steam smoke curl drip flow ride race fight sing perform meditate pray
    dream nap swing slide park travel gallop
    leap glide howl bark loom tower circle gather stretch bow curl sparkle swirl splash land point
    """
)
PASTS = dict(
    pair.split("/")
    for pair in words(
        """
        sit/sat stand/stood sleep/slept lie/lay run/ran fly/flew swim/swam hang/hung hide/hid drive/drove grow/grew
        fall/fell rise/rose ride/rode fight/fought sing/sang swing/swung slide/slid leap/leapt hold/held wear/wore
        eat/ate drink/drank feed/fed throw/threw catch/caught hit/hit read/read write/wrote draw/drew build/built
        cut/cut sell/sold buy/bought lead/led leave/left steal/stole find/found bite/bit make/made break/broke
        light/lit kneel/knelt shine/shone sew/sewed teach/taught
        """
    )
)
PLACED = words("parked perched seated placed located scattered arranged moored set displayed draped tied stuck")
PARTICLES = words("up down out away back off over around in along")
KINDS_OF_DOING = words(
    """
    fishing sailing racing running rocking dining living sleeping flying walking riding swimming sewing washing
    watering cutting cooking climbing skiing hiking hunting knitting writing drawing painting parking building vending
    ironing mixing serving wedding chewing baking jumping dancing shopping
    """
)
AROUND = words(
    """
    overhead everywhere nearby around outside below above together past upward downward slowly inside apart
    """
)
SEEN = words("seen spotted found noticed recognized observed")
NOUN_LIKE_VERBS = words(
    """
    circle stream splash stain watch cover surround frame line throw shine comb land ring play gather bloom litter
    dot crowd flood pour drift float fly rise fall climb crawl perch dance sway swing sparkle glow gleam shimmer
    spill drip flow coil curl wind stretch reach lean rest hang stand march parade charge race run walk jog sail
    cruise park hover swarm flock nest graze pasture feed fish hunt guard patrol face mirror reflect pattern shade
    light flash spark smoke steam fog cloud frost ice snow rain storm thunder roar bark howl sing drum trumpet cheer
    clap wave point look stare gaze peek glance smile laugh cry dream sleep nap work plant seed weed harvest bundle
    pile stack scatter spread fan star dart shoot spray fountain paint color trim decorate crown top cap border
    """
)
