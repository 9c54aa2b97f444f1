"""Noun phrases and what hangs on them, drawn at random as dependency trees."""

from __future__ import annotations

from functools import lru_cache
from random import Random

from ..open_lexicon import words_of
from . import vocabulary as v
from .trees import Node, punct

CONCRETE = v.ANIMALS + v.PEOPLE + v.OBJECTS + v.CLOTHES + v.FOOD + v.NATURE + v.PLACES + v.BODY + v.THINGS_MORE
SIMPLE_PREPOSITIONS = v.words(
    """
    in on with near under behind beside inside above below over beneath underneath at by through between around across
    along against outside within upon atop towards into onto from for before after during without among beyond past
    off like
    """
)
COMMON_PREPOSITIONS = v.words("in on with with with near under behind beside on in at")
NUMERALS = v.words("two three four five six seven eight nine ten eleven twelve twenty 2 3 4 5 6 10")
SYLLABLES = v.words(
    """
    ba bo bri ca cla cor dal dre du el fa fen flo ga gri hal hin jo ka kel lo lun ma mer mi na nor o pa pel qui ra ri
    ro sa shi sto ta tel tri u va ver wi yo za zen
    """
)
ENDINGS = ["", *v.words("n r t k l m d nd x ck ster ler ton fish bird berry wood let ine ette man")]
ADJECTIVE_ENDINGS = v.words("y ish ed ous ic al ive ant less ful ular esque")
MEASURES = v.words("pair couple group bunch pile stack row cup glass bowl plate piece slice set herd flock")


@lru_cache(maxsize=1)
def open_nouns() -> list[str]:
    found = words_of("Np", "Np", "Nvp", "Nap", "nap", "nVp", "nvp", "Navp", "avp")
    return [word for word in found if 3 <= len(word) <= 11]


@lru_cache(maxsize=1)
def open_adjectives() -> list[str]:
    return [word for word in words_of("A", "Av", "Ap", "nA", "na") if 3 <= len(word) <= 11 and word[-3:] != "ing"]


class Phrases:
    """All random choices go through one generator, so that a seed gives the same corpus."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, words: list[str]) -> str:
        return self.rng.choice(words)

    # --- words ---

    def made_up(self) -> str:
        """A word nobody knows, so that its place has to tell what it is."""
        return "".join(self.pick(SYLLABLES) for _ in range(self.rng.randint(1, 3)))

    def noun_word(self) -> str:
        if self.chance(0.08):
            return self.made_up() + self.pick(ENDINGS)
        return self.pick(open_nouns()) if self.chance(0.35) else self.pick(CONCRETE)

    def plural(self, word: str) -> str:
        if word in v.ALREADY_PLURAL or word in v.UNCOUNTED:
            return word
        if word in v.IRREGULAR:
            return v.IRREGULAR[word]
        if word.endswith(("s", "x", "ch", "sh", "z")):
            return word + "es"
        if word.endswith("y") and word[-2:-1] not in "aeiou":
            return word[:-1] + "ies"
        return word + "s"

    def adjective_word(self) -> tuple[str, str]:
        roll = self.rng.random()
        if roll < 0.34:
            return self.pick(v.COLOURS), "JJ"
        if roll < 0.62:
            return self.pick(v.ADJECTIVES), "JJ"
        if roll < 0.76:
            return self.pick(open_adjectives()), "JJ"
        if roll < 0.86:
            return self.pick(v.PARTICIPLES), "VBN"
        if roll < 0.93:
            return self.pick(v.ACTIVE_PARTICIPLES), "VBG"
        return self.made_up() + self.pick(ADJECTIVE_ENDINGS), "JJ"

    def name_word(self, lower: bool) -> str:
        name = (
            self.pick(v.NAMES)
            if self.chance(0.6)
            else self.made_up() + self.pick(["", "ski", "son", "ov", "a", "er", "ini"])
        )
        return name if lower else name.capitalize()

    # --- adjectives ---

    def hyphened(self) -> Node:
        """spaCy cuts at hyphens; the last piece carries the word."""
        pieces = (
            self.pick(v.HYPHENED) if self.chance(0.8) else f"{self.noun_word()}-{self.pick(v.PARTICIPLES)}"
        ).split("-")
        head = Node(pieces[-1], "VBN" if pieces[-1].endswith("ed") else "JJ", "amod", glued=True)
        for i, piece in enumerate(pieces[:-1]):
            first = Node(piece, "JJ", "npadvmod" if i == 0 else "amod", glued=i > 0)
            head.before(first, punct("-"))
        return head

    def adjective(self) -> Node:
        roll = self.rng.random()
        if roll < 0.06:
            return self.hyphened()
        if roll < 0.14:
            return Node(self.pick(v.COLOURS), "JJ", "amod").before(Node(self.pick(v.SHADES), "JJ", "amod"))
        if roll < 0.17:
            participle = Node(self.pick(v.MANNER_PARTICIPLES), "VBN", "amod")
            return participle.before(Node(self.pick(v.MANNERS), "RB", "advmod"))
        word, tag = self.adjective_word()
        node = Node(word, tag, "amod")
        if tag == "JJ" and self.chance(0.05):
            node.before(Node(self.pick(v.DEGREES), "RB", "advmod"))
        return node

    def colour(self) -> Node:
        colour = Node(self.pick(v.COLOURS), "JJ", "amod")
        return colour.before(Node(self.pick(v.SHADES), "JJ", "amod")) if self.chance(0.25) else colour

    def joined_adjectives(self, dep: str) -> Node:
        """ "red and blue", "red, white and blue": what follows hangs on the first."""
        first = self.adjective().as_(dep)
        if self.chance(0.25):
            first.after(punct(","), self.adjective().as_("conj"))
        joint = self.pick(["and", "and", "and", "or", "but"])
        return first.after(Node(joint, "CC", "cc"), self.adjective().as_("conj"))

    def adjectives(self) -> list[Node]:
        roll = self.rng.random()
        if roll < 0.38:
            return []
        if roll < 0.70:
            return [self.adjective()]
        if roll < 0.86:
            return [self.adjective(), self.adjective()]
        if roll < 0.89:
            return [self.adjective(), self.adjective(), self.adjective()]
        if roll < 0.94:
            listed = [self.adjective()]
            for _ in range(self.rng.randint(1, 2)):
                listed += [punct(","), self.adjective()]
            return listed
        return [self.joined_adjectives("amod")]

    # --- noun phrases ---

    def compounds(self) -> list[Node]:
        if self.chance(0.80):
            return []
        words = v.COMPOUNDS + v.MATERIALS * 2
        nodes = [Node(self.pick(words) if self.chance(0.75) else self.noun_word(), "NN", "compound")]
        if self.chance(0.08):
            nodes.insert(0, Node(self.pick(words), "NN", "compound"))
        return nodes

    def describing(self) -> list[Node]:
        """What stands before a noun; now and then a material before an adjective ("a metal spotted chair"), or a verb's
        -ing form as a kind of thing ("fishing boats")."""
        adjectives, compounds = self.adjectives(), self.compounds()
        roll = self.rng.random()
        if adjectives and roll < 0.07:
            at = self.rng.randint(0, len(adjectives) - 1)
            kind = self.pick(v.MATERIALS + ["baby", "metal", "toy"])
            adjectives.insert(at, Node(kind, "NN", "compound"))
        elif roll > 0.96:
            compounds.append(Node(self.pick(v.KINDS_OF_DOING), "VBG", "amod"))
        return [*adjectives, *compounds]

    def noun(self, plural: bool) -> Node:
        word = self.noun_word()
        if plural:
            return Node(self.plural(word), "NNS")
        return Node(word, "NNS" if word in v.ALREADY_PLURAL else "NN")

    def article(self, following: str) -> Node:
        right = "an" if following[:1].lower() in "aeiou" else "a"
        # Raw prompts say "a orange apple"; both must read alike.
        return Node(right if self.chance(0.8) else "a", "DT", "det")

    def owner(self) -> Node:
        if self.chance(0.5):
            return Node(self.pick(["his", "her", "its", "their", "my"]), "PRP$", "poss")
        owner = Node(self.pick(v.PEOPLE + v.ANIMALS) if self.chance(0.9) else self.noun_word(), "NN", "poss")
        owner.before(*[self.adjective() for _ in range(self.chance(0.25))])
        first = owner.left[0].word if owner.left else owner.word
        owner.left.insert(0, Node("the", "DT", "det") if self.chance(0.4) else self.article(first))
        return owner.after(Node("'s", "POS", "case", glued=True))

    def core(self, bare: float = 0.12) -> Node:
        """A noun with what stands before it."""
        plural = self.chance(0.25)
        noun = self.noun(plural)
        noun.before(*self.describing())
        first = noun
        while first.left:
            first = first.left[0]
        roll = self.rng.random()
        if plural:
            if roll < 0.02:
                dozen = Node("dozen", "CD", "nummod").before(Node("a", "DT", "det"))
                noun.left.insert(0, dozen)
            elif roll < 0.45:
                noun.left.insert(0, Node(self.pick(NUMERALS), "CD", "nummod"))
            elif roll < 0.55:
                noun.left.insert(0, Node(self.pick(["several", "many", "some", "few"]), "JJ", "amod"))
            elif roll < 0.63:
                noun.left.insert(0, Node("the", "DT", "det"))
        elif noun.word in v.UNCOUNTED and self.chance(0.8):
            return noun
        elif roll < 0.70:
            noun.left.insert(0, self.article(first.word))
        elif roll < 0.80:
            noun.left.insert(0, Node(self.pick(["the", "the", "another", "this", "one"]), "DT", "det"))
        elif roll < 1 - bare:
            noun.left.insert(0, self.owner())
        if noun.left and noun.left[0].word == "one":
            noun.left[0] = Node("one", "CD", "nummod")
        return noun

    def phrase(self, depth: int = 0) -> Node:
        """A noun phrase with what follows it."""
        if self.chance(0.05):
            return self.measured(depth)
        noun = self.core()
        roll = self.rng.random()
        limit = 0.55 if depth == 0 else 0.18 if depth == 1 else 0
        if roll < limit * 0.55:
            noun.after(self.place(depth))
            if self.chance(0.12):
                noun.after(self.place(depth + 1))
        elif roll < limit * 0.80:
            noun.after(self.clause(depth))
        elif roll < limit * 0.90:
            noun.after(self.relative(depth))
        elif roll < limit:
            noun.after(*self.place_then_clause(depth))
        return noun

    def place_then_clause(self, depth: int) -> list[Node]:
        return [self.with_(depth), self.clause(depth)]

    def with_(self, depth: int) -> Node:
        preposition = Node("with", "IN", "prep")
        return preposition.after(self.listed(depth + 1).as_("pobj"))

    def measured(self, depth: int) -> Node:
        """ "a pair of boots", "a cup of coffee"."""
        head = self.pick(MEASURES)
        noun = Node(head, "NN").before(Node("a", "DT", "det"))
        if self.chance(0.25):
            noun.left.append(self.adjective())
        inner = self.noun(
            plural=head in ("pair", "couple", "group", "bunch", "row", "herd", "flock") or self.chance(0.5)
        )
        inner.before(*self.adjectives(), *self.compounds())
        noun.after(Node("of", "IN", "prep").after(inner.as_("pobj")))
        if depth == 0 and self.chance(0.4):
            inner.after(self.place(depth))
        return noun

    def listed(self, depth: int) -> Node:
        """One phrase, or several joined by commas and "and"."""
        first = self.phrase(depth)
        if not self.chance(0.25 if depth else 0.0):
            return first
        return self.join(first, [self.phrase(depth + 1)])

    def join(self, first: Node, others: list[Node]) -> Node:
        """ "a, b and c", each hanging on the one before, as spaCy's models do."""
        last = first
        for i, other in enumerate(others):
            if i == len(others) - 1:
                if len(others) > 1 and self.chance(0.3):
                    last.after(punct(","))
                last.after(Node(self.pick(["and"] * 16 + ["&"] + ["or"] * 2), "CC", "cc"))
            else:
                last.after(punct(","))
            last.after(other.as_("conj"))
            last = other
        return first

    # --- what follows a noun ---

    def place(self, depth: int) -> Node:
        """A preposition with its noun phrase."""
        roll = self.rng.random()
        if roll < 0.22:
            return self.compound_place(depth)
        if roll < 0.27:
            return self.time()
        if roll < 0.29:
            return Node("in", "IN", "prep").after(Node(self.pick(v.CITIES), "NNP", "pobj"))
        if roll < 0.33:
            return self.scene_place()
        words = COMMON_PREPOSITIONS if self.chance(0.7) else SIMPLE_PREPOSITIONS
        return Node(self.pick(words), "IN", "prep").after(self.listed(depth + 1).as_("pobj"))

    def time(self) -> Node:
        return Node(self.pick(["at", "during", "at"]), "IN", "prep").after(Node(self.pick(v.TIMES), "NN", "pobj"))

    def scene_place(self) -> Node:
        noun = Node(self.pick(["background", "foreground", "middle", "distance", "center"]), "NN", "pobj").before(
            Node("the", "DT", "det")
        )
        if noun.word in ("middle", "center"):
            noun.after(Node("of", "IN", "prep").after(self.core().as_("pobj")))
        return Node("in", "IN", "prep").after(noun)

    def compound_place(self, depth: int) -> Node:
        inner = self.phrase(depth + 1).as_("pobj")
        of = Node("of", "IN", "prep").after(inner)
        kind = self.rng.randint(0, 6)
        if kind == 0:
            return Node("on", "IN", "prep").after(Node("top", "NN", "pobj").after(of))
        if kind == 1:
            return Node("in", "IN", "prep").after(Node("front", "NN", "pobj").after(of))
        if kind == 2:
            side = Node(self.pick(["left", "right"]), "NN", "pobj").before(Node("the", "DT", "det")).after(of)
            return Node(self.pick(["to", "on"]), "IN", "prep").after(side)
        if kind == 3:
            side = Node("side", "NN", "pobj").before(
                Node("the", "DT", "det"), Node(self.pick(["left", "right", "other"]), "JJ", "amod")
            )
            return Node("on", "IN", "prep").after(side.after(of))
        if kind == 4:
            return Node(self.pick(["left", "right", "outside", "inside"]), "RB", "advmod").after(of)
        if kind == 5:
            edge = (
                Node(self.pick(["edge", "side", "top", "bottom", "foot"]), "NN", "pobj")
                .before(Node("the", "DT", "det"))
                .after(of)
            )
            return Node(self.pick(["by", "at", "on"]), "IN", "prep").after(edge)
        return Node(self.pick(["next", "next", "close", "adjacent"]), "RB", "advmod").after(
            Node("to", "IN", "prep").after(inner)
        )

    def clause(self, depth: int) -> Node:
        """A participle with what it governs: "holding a sword", "covered in snow", "painted red"."""
        roll = self.rng.random()
        if roll < 0.45:
            verb = Node(self.pick(v.TRANSITIVE), "VBG", "acl").after(self.listed(depth + 1).as_("dobj"))
            return verb.after(self.place(depth + 1)) if self.chance(0.25) else verb
        if roll < 0.70:
            verb = Node(self.pick(v.INTRANSITIVE), "VBG", "acl")
            return verb.after(self.place(depth)) if self.chance(0.85) else verb
        if roll < 0.79:
            return self.made_of()
        if roll < 0.86:
            return Node(self.pick(["painted", "colored", "dyed", "painted"]), "VBN", "acl").after(
                self.colour().as_("oprd")
            )
        verb = Node(self.pick(v.PASSIVE + ["parked", "perched", "seated", "placed"]), "VBN", "acl")
        return verb.after(
            Node(self.pick(["in", "with", "by", "on"]), "IN", "prep").after(self.phrase(depth + 1).as_("pobj"))
        )

    def made_of(self) -> Node:
        if self.chance(0.4):
            inner = self.noun(plural=True).before(*self.adjectives()).as_("pobj")
            return Node("full", "JJ", "amod").after(Node("of", "IN", "prep").after(inner))
        material = Node(self.pick(v.MATERIALS), "NN", "pobj").before(
            *[self.adjective() for _ in range(self.chance(0.25))]
        )
        made = Node(self.pick(["made", "made", "built", "carved", "woven"]), "VBN", "acl")
        if self.chance(0.2):
            return made.after(Node("out", "IN", "prep").after(Node("of", "IN", "prep").after(material)))
        return made.after(Node(self.pick(["of", "of", "from"]), "IN", "prep").after(material))

    def predicate(self) -> Node:
        """What stands behind "is"."""
        return self.joined_adjectives("acomp") if self.chance(0.3) else self.adjective().as_("acomp")

    def relative(self, depth: int) -> Node:
        roll = self.rng.random()
        pronoun = Node(self.pick(["that", "which", "who"]), "WDT", "nsubj")
        if roll < 0.55:
            verb = Node(self.pick(["is", "is", "are", "looks"]), "VBZ", "relcl").before(pronoun).after(self.predicate())
        elif roll < 0.70:
            owned = self.noun(self.chance(0.4)).before(Node("whose", "WP$", "poss")).as_("nsubj")
            return Node(self.pick(["is", "are"]), "VBZ", "relcl").before(owned).after(self.predicate())
        elif roll < 0.85:
            verb = Node(self.pick(v.TRANSITIVE), "VBG", "relcl").before(pronoun, Node("is", "VBZ", "aux"))
            verb.after(self.phrase(depth + 1).as_("dobj"))
        else:
            verb = Node(self.pick(v.FINITE), "VBZ", "relcl").before(pronoun).after(self.place(depth + 1))
        return verb.after(self.place(depth + 1)) if self.chance(0.15) else verb
