"""How large things are beside each other, and how wide: "a mouse and an elephant" are not two equal boxes.

Metres of the longer side, rough, by hand. Pictures do not keep the true ratio, nor should boxes: a mouse of a thirtieth
of the elephant is no place for a mouse. `relative_size` is the true size to the power of a third.
"""

from __future__ import annotations

from ..prompts.lexicon import words
from .nouns import singular

POWER = 1 / 3
USUAL = 0.6
"""Of what is not known."""

METRES = {
    0.05: "bee ant fly ladybug ladybird coin ring key die dice button berry strawberry cherry egg beetle marble "
    "nut grape earring bug insect cookie star shell battery",
    0.1: "mouse frog butterfly apple orange lemon pear peach tomato potato onion cup mug glass spoon fork "
    "knife pen pencil watch donut sandwich dragonfly snail crab lizard candle muffin cupcake hamburger "
    "burger bun plum kiwi lime bird egg card ball phone smartphone remote mushroom flower rose tulip "
    "daisy leaf bow tie carrot",
    0.25: "bowl bottle book plate turtle squirrel hedgehog sparrow pigeon robin parrot crow hat cap crown shoe "
    "boot clock vase banana pineapple cake pizza bread loaf toy doll teapot kettle pot pan camera lamp "
    "laptop keyboard hamster rat rabbit bunny kitten puppy chick duckling duck glasses scarf brush hammer "
    "box basket helmet watermelon pumpkin skull football basketball fish octopus picture bouquet tablet "
    "toaster lantern jar jug pillow trumpet handbag purse wallet magazine newspaper notebook cabbage corn",
    0.5: "cat owl chicken hen rooster goose backpack bag suitcase monkey fox raccoon koala penguin eagle hawk "
    "swan balloon monitor television tv screen guitar violin umbrella drum microwave bucket cushion "
    "mirror teddy skateboard stool telescope dish wreath globe robot beaver otter badger cactus plant "
    "bush painting heron flamingo pelican baby snake lobster printer",
    1.0: "dog wolf goat sheep pig lamb chair table desk child kid boy girl bench sink fridge refrigerator oven "
    "stove cheetah leopard jaguar kangaroo panda chimpanzee seal dolphin window kite bicycle bike toilet "
    "bathtub armchair dresser cabinet shelf bookshelf snowman scarecrow surfboard ski tent barrel crate "
    "scooter cart wagon fireplace rock boulder fountain deer antelope peacock turkey swing mailbox "
    "hydrant",
    1.8: "person man woman people lady gentleman guy soldier king queen knight princess prince wizard witch "
    "astronaut pirate chef doctor nurse teacher farmer dancer skier surfer cowboy angel clown ninja "
    "samurai warrior sofa couch bed piano motorcycle motorbike door horse cow bull donkey zebra lion "
    "tiger bear gorilla moose camel pony unicorn shark wardrobe statue alligator crocodile ox buffalo "
    "bison fence canoe",
    4.0: "elephant giraffe rhino rhinoceros hippo hippopotamus car van jeep taxi tractor carriage boat "
    "sailboat shed dinosaur dragon tree whale cloud moon sun cab suv limousine carousel gazebo hut "
    "greenhouse helicopter ufo",
    9.0: "truck bus house barn cottage cabin train airplane plane ship yacht palm oak pine church temple tower "
    "windmill lighthouse bridge castle building rocket spaceship skyscraper mountain hill volcano pyramid "
    "palace school hotel factory rainbow waterfall ferry jet island stadium mill",
}  # fmt: skip
WIDE = {
    2.2: "train bus boat canoe ship yacht snake crocodile alligator limousine bridge ferry fence surfboard "
    "skateboard keyboard airplane plane jet whale shark knife sword",
    1.6: "car van truck taxi jeep tractor suv cab sofa couch bed bench table desk pizza fish dolphin mouse rat "
    "turtle crab pig hippo rhino cow bull sheep elephant bicycle bike motorcycle scooter piano cloud "
    "glasses sandwich shoe plate bathtub tv television monitor bowl helicopter submarine tie lizard "
    "lobster eagle rainbow hill mountain hedgehog bow spaceship dog wolf fox lion tiger bear horse zebra "
    "donkey laptop island basket camel rhinoceros hippopotamus",
    0.7: "cat owl chair dress guitar tree cactus lamp monkey boot squirrel rabbit kangaroo kettle teapot "
    "backpack suitcase door fridge refrigerator window plant robot snowman clown giraffe palm lighthouse "
    "vase rooster penguin phone bottle mirror candle windmill parrot umbrella church castle wardrobe "
    "heron flamingo jug lantern",
    0.45: "person man woman boy girl child kid lady gentleman guy soldier king queen knight princess prince "
    "wizard witch astronaut pirate chef doctor nurse teacher farmer dancer skier surfer cowboy angel "
    "ninja samurai warrior tower skyscraper rocket statue spoon fork pencil pen scarecrow baby people",
}  # fmt: skip
FLYING = words(
    """
    bird eagle hawk crow pigeon butterfly bee dragonfly airplane plane jet helicopter rocket ufo spaceship
    kite balloon  cloud sun moon star rainbow dragon angel bat seagull sparrow drone planet comet clock
    painting
    """
)
"""Where nothing else is said they are up."""
MODIFIERS = {
    "tiny": 0.6, "small": 0.78, "little": 0.78, "miniature": 0.6, "mini": 0.7, "baby": 0.7, "big": 1.25, "large": 1.25,
    "huge": 1.5, "giant": 1.6, "enormous": 1.5, "gigantic": 1.6, "massive": 1.45, "tall": 1.2, "short": 0.85,
    "young": 0.85, "great": 1.2, "towering": 1.4, "toy": 0.35, "teddy": 0.4,
}  # fmt: skip


def _table(rows: dict[float, str]) -> dict[str, float]:
    return {noun: value for value, nouns in reversed(rows.items()) for noun in nouns.split()}


_METRES = _table(METRES)
_WIDE = _table(WIDE)


def _last(noun: str) -> str:
    return singular(noun.lower()).rpartition(" ")[2].rpartition("-")[2]


def is_known(noun: str) -> bool:
    return _last(noun) in _METRES


def relative_size(noun: str, modifiers: tuple[str, ...] = ()) -> float:
    """Side of a square as large as the thing looks, beside others. A person is about 1.2, a mouse 0.46."""
    size = _METRES.get(_last(noun), USUAL) ** POWER
    for word in (*modifiers, *noun.lower().split()[:-1]):
        size *= MODIFIERS.get(word.lower(), 1.0)
    return size


def aspect(noun: str) -> float:
    """Width ÷ height."""
    return _WIDE.get(_last(noun), 1.0)


def flies(noun: str) -> bool:
    return _last(noun) in FLYING
