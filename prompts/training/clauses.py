"""Whole clauses as people and language models write them: finite verbs in every form, captions, denials, tags."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from ..open_lexicon import words_of
from . import vocabulary as v
from .phrases import Phrases
from .trees import Node, punct

OPENERS = v.words("image picture photo photograph painting scene illustration drawing artwork poster composition")
SHOWING = v.words("shows depicts features captures portrays displays presents")
BEHIND_A_PLACE = v.words("image picture photo scene room frame")
DENIERS = v.words("no any")
UNCOUNTED = sorted(v.UNCOUNTED)


@lru_cache(maxsize=1)
def open_verbs() -> list[str]:
    return [word for word in words_of("V", "nv", "nV", "Nv", "av") if 3 <= len(word) <= 8]


# --- verbs ---


def third(verb: str) -> str:
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "x", "ch", "sh", "z", "o")) else "s")


def participle(verb: str) -> str:
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "ye")):
        return verb[:-1] + "ing"
    return (verb + verb[-1] if doubles(verb) else verb) + "ing"


def past(verb: str) -> str:
    if verb in v.PASTS:
        return v.PASTS[verb]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return (verb + verb[-1] if doubles(verb) else verb) + "ed"


def doubles(verb: str) -> bool:
    short = len(verb) in (3, 4) and verb[-1] not in "aeiouwxyrlnk" and verb[-2] in "aeiou"
    return short and verb[-3] not in "aeiou"


def lemma_of(p: Phrases, listed: list[str]) -> str:
    return p.pick(open_verbs()) if p.chance(0.3) else p.pick(listed)


def is_plural(noun: Node) -> bool:
    return noun.tag in ("NNS", "THEY") or noun.word == "two" or any(child.dep == "conj" for child in noun.right)


def finite(p: Phrases, lemma: str, subject: Node) -> Node:
    """The verb with its subject in front: "sits", "sit", "sat", "is sitting", "are sitting"."""
    roll = p.rng.random()
    plural = is_plural(subject)
    subject.as_("nsubj")
    if roll < 0.25:
        be = Node("are" if plural else "is", "VBP" if plural else "VBZ", "aux")
        return Node(participle(lemma), "VBG").before(subject, be)
    if roll < (0.7 if lemma in ("paint", "dye", "color") else 0.33):
        return Node(past(lemma), "VBD").before(subject)
    return (Node(lemma, "VBP") if plural else Node(third(lemma), "VBZ")).before(subject)


def be(subject: Node, dep: str = "ROOT") -> Node:
    return Node("are" if is_plural(subject) else "is", "VBP" if is_plural(subject) else "VBZ", dep)


# --- subjects and objects ---


def subject(p: Phrases, pronouns: float = 0.0) -> Node:
    if p.chance(pronouns):
        word = p.pick(["he", "she", "it", "they", "one", "it", "he", "she"])
        return Node(word, "THEY" if word == "they" else "PRP", "nsubj")
    if p.chance(0.03):
        return some_of(p)
    noun = p.core(bare=0.04)
    if p.chance(0.25):
        noun.after(p.with_(1) if p.chance(0.6) else p.place(1))
    elif p.chance(0.12):
        noun.after(p.relative(1) if p.chance(0.7) else p.clause(1))
    return p.join(noun, [p.core(bare=0.04)]) if p.chance(0.15) else noun


def some_of(p: Phrases) -> Node:
    """ "one of them", "both", "two of the dogs"."""
    word, tag = p.pick([("one", "CD"), ("both", "THEY"), ("two", "CD"), ("some", "THEY"), ("others", "THEY")])
    node = Node(word, tag, "nsubj")
    if word in ("both", "others") or p.chance(0.3):
        return node
    inner = Node("them", "PRP") if p.chance(0.6) else p.noun(True).before(Node("the", "DT", "det"))
    return node.after(Node("of", "IN", "prep").after(inner.as_("pobj")))


def bare(p: Phrases) -> Node:
    """ "seagulls", "warm light", "oil stains": a caption's subject without an article, before a verb like a noun."""
    uncounted = p.chance(0.45)
    noun = Node(p.pick(UNCOUNTED), "NN") if uncounted else p.noun(True)
    noun.before(*[p.adjective() for _ in range(p.chance(0.35))], *p.compounds())
    return p.join(noun, [p.noun(True)]) if p.chance(0.08) else noun


def bare_clause(p: Phrases) -> Node:
    who = bare(p)
    lemma = p.pick(v.NOUN_LIKE_VERBS if p.chance(0.5) else v.INTRANSITIVE_LEMMAS + v.TRANSITIVE_LEMMAS)
    plural = is_plural(who)
    verb = (Node(lemma, "VBP") if plural else Node(third(lemma), "VBZ")).before(who.as_("nsubj"))
    roll = p.rng.random()
    if lemma not in v.INTRANSITIVE_LEMMAS and roll < 0.5:
        return verb.after((p.core(bare=0) if p.chance(0.8) else bare(p)).as_("dobj"), *_perhaps_place(p))
    if roll < 0.7:
        verb.after(Node(p.pick(v.PARTICLES), "RP", "prt") if p.chance(0.2) else p.place(1))
        return verb
    return verb.after(Node(p.pick(v.AROUND), "RB", "advmod"), *_perhaps_place(p))


def seen(p: Phrases) -> Node:
    """ "a barn and a silo can be seen", "mountains are visible behind it"."""
    who = p.join(p.core(bare=0), [p.core(bare=0)]) if p.chance(0.35) else p.core(bare=0)
    if p.chance(0.5):
        can = Node(p.pick(["can", "can", "could", "may"]), "MD", "aux")
        helpers = [can, Node("be", "VB", "auxpass")]
        verb = Node(p.pick(v.SEEN), "VBN").before(who.as_("nsubjpass"), *helpers)
    else:
        verb = be(who).before(who.as_("nsubj")).after(Node("visible", "JJ", "acomp"))
    if p.chance(0.5):
        verb.left.insert(0, first_place(p))
        verb.left.insert(1, punct(","))
        return verb
    return verb.after(*_perhaps_place(p))


def object_(p: Phrases) -> Node:
    noun = p.phrase(2) if p.chance(0.2) else p.core(bare=0.04)
    return p.join(noun, [p.core(bare=0.04)]) if p.chance(0.15) else noun


def action(p: Phrases, who: Node) -> Node:
    """A clause about someone doing something."""
    roll = p.rng.random()
    if roll < 0.45:
        verb = finite(p, lemma_of(p, v.TRANSITIVE_LEMMAS), who).after(object_(p).as_("dobj"))
        if p.chance(0.3):
            verb.after(p.place(1))
        return verb
    if roll < 0.85:
        verb = finite(p, lemma_of(p, v.INTRANSITIVE_LEMMAS), who)
        if p.chance(0.2):
            verb.after(Node(p.pick(v.PARTICLES), "RP", "prt"))
        if p.chance(0.15):
            verb.after(Node(p.pick(v.MANNERS + ["quietly", "together", "alone"]), "RB", "advmod"))
        return verb.after(p.place(1)) if p.chance(0.9) else verb
    if roll < 0.92:
        verb = Node(p.pick(v.PASSIVE + v.PLACED), "VBN").before(who.as_("nsubjpass"), be(who, "auxpass"))
        return verb.after(Node(p.pick(["in", "with", "by", "on"]), "IN", "prep").after(object_(p).as_("pobj")))
    if roll < 0.96:
        verb = finite(p, p.pick(["paint", "dye", "color"]), who)
        painted = p.core(bare=0)
        if p.chance(0.5):
            owned = p.chance(0.5)
            painted = p.noun(False)
            painted.before(p.owner() if owned else Node("the", "DT", "det"))
        return verb.after(painted.as_("dobj"), p.colour().as_("oprd"))
    verb = finite(p, p.pick(["teach", "help", "ask", "want"]), who).after(p.core(bare=0).as_("dobj"))
    inner = Node(p.pick(v.TRANSITIVE_LEMMAS), "VB", "xcomp").before(Node("to", "TO", "aux"))
    return verb.after(inner.after(object_(p).as_("dobj")))


def state(p: Phrases, who: Node) -> Node:
    """ "is red", "was emerald green", "has a round head", "look old", "is made of wood"."""
    roll = p.rng.random()
    if roll < 0.5:
        verb = Node(p.pick(["was", "were"]), "VBD") if p.chance(0.15) else be(who)
        material = Node(p.pick(v.MATERIALS), "NN", "acomp")
        return verb.before(who.as_("nsubj")).after(material if p.chance(0.08) else p.predicate())
    if roll < 0.6:
        lemma = p.pick(["look", "appear", "seem"])
        verb = Node(lemma, "VBP") if is_plural(who) else Node(third(lemma), "VBZ")
        return verb.before(who.as_("nsubj")).after(p.predicate())
    if roll < 0.7:
        made = Node("made", "VBN").before(who.as_("nsubjpass"), be(who, "auxpass"))
        return made.after(Node("of", "IN", "prep").after(Node(p.pick(v.MATERIALS), "NN", "pobj")))
    verb = Node("have", "VBP") if is_plural(who) else Node("has", "VBZ")
    return verb.before(who.as_("nsubj")).after(object_(p).as_("dobj"))


def clause(p: Phrases, pronouns: float = 0.0) -> Node:
    who = subject(p, pronouns)
    verb = action(p, who) if p.chance(0.65) else state(p, who)
    roll = p.rng.random()
    if roll < 0.14:
        other = subject(p)
        follower = action(p, other) if p.chance(0.6) else state(p, other)
        if p.chance(0.5):
            verb.after(punct(","))
        return verb.after(Node(p.pick(["and", "and", "but"]), "CC", "cc"), follower.as_("conj"))
    if roll < 0.20:
        follower = action(p, subject(p)).as_("advcl")
        follower.left.insert(0, Node(p.pick(["while", "as", "when"]), "IN", "mark"))
        return verb.after(follower)
    if roll < 0.28 and verb.tag in ("VBZ", "VBP"):
        plural = verb.tag == "VBP"
        lemma = p.pick(v.TRANSITIVE_LEMMAS)
        second = Node(lemma if plural else third(lemma), verb.tag, "conj").after(object_(p).as_("dobj"))
        return verb.after(Node("and", "CC", "cc"), second)
    if roll < 0.34:
        second = Node(participle(p.pick(v.TRANSITIVE_LEMMAS)), "VBG", "advcl").after(object_(p).as_("dobj"))
        return verb.after(second)
    return verb


# --- captions ---


def caption(p: Phrases) -> Node:
    """One sentence of a description, with its full stop."""
    kinds: list[Callable[[Phrases], Node]] = [
        lambda p: clause(p, 0.3), lambda p: clause(p, 0.3), shows, there_is, placed_first, lambda p: p.phrase(),
        bare_clause, bare_clause, seen,
    ]  # fmt: skip
    return p.rng.choice(kinds)(p).after(punct("."))


def shows(p: Phrases) -> Node:
    medium = Node(p.pick(OPENERS), "NN", "nsubj").before(Node(p.pick(["the", "this"]), "DT", "det"))
    if p.chance(0.2):
        medium.left.append(p.adjective())
    verb = Node(p.pick(SHOWING), "VBZ").before(medium)
    if p.chance(0.15):
        verb = Node("is", "VBZ").before(medium)
        inner = Node(p.pick(["close-up", "photo", "portrait", "painting"]), "NN", "attr").before(Node("a", "DT", "det"))
        return verb.after(inner.after(Node("of", "IN", "prep").after(p.phrase().as_("pobj"))))
    return verb.after(p.listed(0).as_("dobj"))


def picture_place(p: Phrases) -> Node:
    """ "in the background", "on the left side of the image"."""
    word = p.pick(["background", "foreground", "left", "right", "center", "middle", "distance", "corner", "top"])
    noun = Node(word, "NN", "pobj").before(Node("the", "DT", "det"))
    if word in ("left", "right") and p.chance(0.4):
        noun = Node("side", "NN", "pobj").before(Node("the", "DT", "det"), Node(word, "JJ", "amod"))
    if p.chance(0.25):
        whole = Node(p.pick(BEHIND_A_PLACE), "NN", "pobj").before(Node("the", "DT", "det"))
        noun.after(Node("of", "IN", "prep").after(whole))
    return Node(p.pick(["in", "on", "at", "to"]), "IN", "prep").after(noun)


def first_place(p: Phrases) -> Node:
    if p.chance(0.5):
        return picture_place(p)
    inner = Node(p.pick(["it", "him", "her", "them"]), "PRP") if p.chance(0.15) else p.core(bare=0)
    return Node(p.pick(["on", "behind", "above", "under", "beside", "in", "around", "near", "below", "outside"]),
                "IN", "prep").after(inner.as_("pobj"))  # fmt: skip


def there_is(p: Phrases) -> Node:
    things = p.join(p.core(bare=0), [p.core(bare=0) for _ in range(p.rng.choice([0, 0, 1, 2]))])
    if p.chance(0.25):
        things.after(p.place(1))
    verb = be(things).before(Node("there", "EX", "expl")).after(things.as_("attr"))
    if p.chance(0.6):
        verb.left.insert(0, first_place(p))
        if p.chance(0.5):
            verb.left.insert(1, punct(","))
    return verb


def placed_first(p: Phrases) -> Node:
    """ "In the background, a pier stretches into the sea", "on the table lies a book"."""
    if p.chance(0.35):
        things = p.join(p.core(bare=0), [p.core(bare=0)]) if p.chance(0.3) else p.core(bare=0)
        lemma = p.pick(["be", "lie", "stand", "hang", "sit", "rest", "be"])
        verb = be(things) if lemma == "be" else Node(lemma if is_plural(things) else third(lemma), "VBZ")
        return verb.before(first_place(p)).after(things.as_("nsubj"))
    verb = clause(p)
    verb.left.insert(0, first_place(p))
    if p.chance(0.8):
        verb.left.insert(1, punct(","))
    return verb


# --- what is not there ---


def none_of(p: Phrases) -> Node:
    noun = p.noun(p.chance(0.6)).before(*p.adjectives())
    return noun.before() if p.chance(0.4) else _with_first(noun, Node(p.pick(DENIERS), "DT", "det"))


def _with_first(node: Node, first: Node) -> Node:
    node.left.insert(0, first)
    return node


def denial(p: Phrases) -> Node:
    who = p.core(bare=0)
    if p.chance(0.25):
        return p.rng.choice((neither, lacking, instead_first))(p, who)
    roll = p.rng.random()
    if roll < 0.25:
        missing = p.noun(p.chance(0.6))
        if p.chance(0.3):
            missing = missing.after(Node("or", "CC", "cc"), p.noun(True).as_("conj"))
        return who.after(Node("without", "IN", "prep").after(missing.as_("pobj")), *_perhaps_place(p))
    if roll < 0.40:
        return who.after(Node("with", "IN", "prep").after(_no(p).as_("pobj")), *_perhaps_place(p))
    if roll < 0.50:
        unwanted = p.core(bare=0).before()
        unwanted.left.insert(0, Node("not", "RB", "neg"))
        return who.after(punct(","), unwanted.as_("appos"))
    if roll < 0.62:
        unwanted = p.core(bare=0)
        unwanted.left.insert(0, Node("not", "RB", "neg"))
        return unwanted.after(Node("but", "CC", "cc"), who.as_("conj"))
    if roll < 0.72:
        instead = Node("instead", "RB", "prep") if p.chance(0.5) else Node("rather", "RB", "prep")
        of = Node("of" if instead.word == "instead" else "than", "IN", "prep").after(p.core(bare=0).as_("pobj"))
        return who.after(instead.after(of), *_perhaps_place(p))
    if roll < 0.80:
        free = Node(p.pick(["empty", "free", "devoid"]), "JJ", "amod")
        return who.after(free.after(Node("of", "IN", "prep").after(p.noun(True).as_("pobj"))))
    if roll < 0.84:
        return _does_not(p, who)
    pronoun = Node(p.pick(["who", "that"]), "WDT", "nsubj")
    if roll < 0.89:
        has = Node("has", "VBZ", "relcl").before(pronoun).after(_no(p).as_("dobj"))
        return who.after(has)
    verb = Node(p.pick(v.TRANSITIVE), "VBG", "relcl")
    verb.before(pronoun, Node("is", "VBZ", "aux"), Node("not", "RB", "neg"))
    return who.after(verb.after(p.core(bare=0.4).as_("dobj")))


def neither(p: Phrases, who: Node) -> Node:
    """ "with neither a lid nor a handle", "neither a dog nor a cat, only a bird"."""
    articles = p.chance(0.5)
    pair = [p.core(bare=0) if articles else p.noun(True) for _ in range(2)]
    first = _with_first(pair[0], Node("neither", "CC", "preconj"))
    first.after(Node("nor", "CC", "cc"), pair[1].as_("conj"))
    if p.chance(0.5):
        return who.after(Node("with", "IN", "prep").after(first.as_("pobj")), *_perhaps_place(p))
    only = _with_first(who.as_("appos"), Node(p.pick(["only", "just"]), "RB", "advmod"))
    return first.after(punct(","), only)


def lacking(p: Phrases, who: Node) -> Node:
    """ "a tree lacking leaves", "a house that lacks a door"."""
    missing = (p.core(bare=0) if p.chance(0.4) else p.noun(True)).as_("dobj")
    if p.chance(0.25):
        pronoun = Node(p.pick(["who", "that"]), "WDT", "nsubj")
        return who.after(Node("lacks", "VBZ", "relcl").before(pronoun).after(missing), *_perhaps_place(p))
    return who.after(Node("lacking", "VBG", "acl").after(missing), *_perhaps_place(p))


def instead_first(p: Phrases, who: Node) -> Node:
    """ "instead of a hat, the man wears a crown", "without a rider, a horse runs over a field"."""
    missing = p.core(bare=0.3).as_("pobj")
    if p.chance(0.5):
        first = Node("instead", "RB", "prep").after(Node("of", "IN", "prep").after(missing))
    else:
        first = Node("without", "IN", "prep").after(missing)
    return _with_first(_with_first(action(p, who), punct(",")), first)


def _does_not(p: Phrases, who: Node) -> Node:
    """ "a dog that doesn't hold a ball", "she does not have a hat", "a man never smiling"."""
    roll = p.rng.random()
    if roll < 0.25:
        never = Node(participle(p.pick(v.INTRANSITIVE_LEMMAS)), "VBG", "acl")
        return who.after(never.before(Node(p.pick(["never", "not"]), "RB", "neg")))
    plural = is_plural(who)
    no = Node("n't", "RB", "neg", glued=True) if p.chance(0.5) else Node("not", "RB", "neg")
    helper = Node("do" if plural else "does", "VBP" if plural else "VBZ", "aux")
    verb = Node(p.pick([*v.TRANSITIVE_LEMMAS, "have", "have"]), "VB").after(p.core(bare=0.2).as_("dobj"))
    if roll < 0.65:
        return who.after(verb.as_("relcl").before(Node(p.pick(["who", "that"]), "WDT", "nsubj"), helper, no))
    return verb.before(who.as_("nsubj"), helper, no)


def _no(p: Phrases) -> Node:
    noun = p.noun(p.chance(0.6)).before(Node("no", "DT", "det"))
    return noun.after(Node("and", "CC", "cc"), p.noun(True).before(Node("no", "DT", "det")).as_("conj")) if p.chance(
        0.15) else noun  # fmt: skip


def _perhaps_place(p: Phrases) -> list[Node]:
    return [p.place(1)] if p.chance(0.4) else []


# --- single tags, and sizes ---


def tag(p: Phrases) -> Node:
    roll = p.rng.random()
    if roll < 0.72:
        return p.noun(p.chance(0.35)).before(*p.adjectives(), *p.compounds())
    if roll < 0.82:
        verb = Node(participle(lemma_of(p, v.TRANSITIVE_LEMMAS)), "VBG")
        return verb.after(p.noun(p.chance(0.3)).before(*p.adjectives()).as_("dobj"))
    if roll < 0.88:
        inner = p.noun(p.chance(0.3)).before(*p.adjectives()).as_("pobj")
        verb = Node(participle(p.pick(v.INTRANSITIVE_LEMMAS)), "VBG")
        return verb.after(Node(p.pick(["on", "in", "at", "under"]), "IN", "prep").after(inner))
    if roll < 0.93:
        return Node(participle(p.pick(v.INTRANSITIVE_LEMMAS)), "VBG")
    inner = p.noun(False).as_("pobj")
    return p.noun(p.chance(0.3)).before(*p.adjectives()).after(Node(p.pick(["on", "in"]), "IN", "prep").after(inner))


def measured(p: Phrases) -> Node:
    """ "a ten-foot long snake", "a two meter tall statue", "a penguin two meters tall"."""
    number = Node(p.pick(v.words("two three five six ten twenty hundred 2 3 10")), "CD", "nummod")
    size = Node(p.pick(["tall", "long", "wide", "high", "deep"]), "JJ", "amod")
    noun = p.noun(False).before(*p.adjectives())
    unit = p.pick(["meter", "foot", "inch", "mile", "metre", "story"])
    if p.chance(0.35):
        size.before(Node(p.plural(unit) if unit != "foot" else "feet", "NNS", "npadvmod").before(number))
        return noun.before().after(size) if not noun.left else _with_first(noun, Node("a", "DT", "det")).after(size)
    if p.chance(0.4):
        glued = Node(unit, "NN", "npadvmod", glued=True).before(number, punct("-"))
        noun.left[:0] = [Node("a", "DT", "det"), size.before(glued)]
        return noun
    noun.left[:0] = [Node("a", "DT", "det"), size.before(Node(unit, "NN", "npadvmod").before(number))]
    return noun
