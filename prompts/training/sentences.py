"""Whole prompts as dependency trees: phrases, sentences, pictures of something, tails of style words."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from . import clauses
from . import vocabulary as v
from .phrases import Phrases
from .trees import Node, Sentence, flatten, punct


def corpus(count: int, seed: int) -> Iterator[Sentence]:
    """`count` prompts; the same for the same seed."""
    rng = Random(seed)
    phrases = Phrases(rng)
    for _ in range(count):
        yield _cased(flatten(prompt(phrases)), rng)


def prompt(p: Phrases) -> Node:
    if p.chance(0.45):
        return clause_or_tag(p)
    roll = p.rng.random()
    if roll < 0.12:
        root = tags(p)
    elif roll < 0.26:
        root = sentence(p)
    elif roll < 0.42:
        root = picture_of(p)
    elif roll < 0.62:
        root = p.join(p.phrase(1), [p.phrase(2) for _ in range(p.rng.choice([1, 1, 1, 2, 2, 3]))])
    else:
        root = p.phrase()
    if p.chance(0.30):
        add_tail(p, root)
    if p.chance(0.12):
        root.after(punct("."))
    return root


def clause_or_tag(p: Phrases) -> Node:
    kinds = (clauses.clause, clauses.caption, clauses.tag, clauses.denial, clauses.measured)
    root = p.rng.choices(kinds, (35, 32, 15, 14, 4))[0](p)
    if p.chance(0.1):
        add_tail(p, root)
    return root


def sentence(p: Phrases) -> Node:
    """A main verb: "the car is green and the van is red", "a robot stands in a field"."""
    verb = _clause(p)
    if p.chance(0.35):
        verb.after(Node("and", "CC", "cc"), _clause(p).as_("conj"))
    return verb


def _clause(p: Phrases) -> Node:
    subject = p.phrase(1 if p.chance(0.7) else 2)
    if p.chance(0.15):
        subject = p.join(subject, [p.phrase(2)])
    subject.as_("nsubj")
    roll = p.rng.random()
    if roll < 0.45:
        return Node(p.pick(["is", "is", "are"]), "VBZ").before(subject).after(p.predicate())
    if roll < 0.58:
        return Node(p.pick(["is", "are"]), "VBZ").before(subject).after(p.place(1))
    if roll < 0.75:
        verb = (
            Node(p.pick(v.TRANSITIVE), "VBG").before(subject, Node("is", "VBZ", "aux")).after(p.phrase(1).as_("dobj"))
        )
        return verb
    if roll < 0.80:
        there = Node("there", "EX", "expl")
        return Node(p.pick(["is", "are"]), "VBZ").before(there).after(subject.as_("attr"))
    return Node(p.pick(v.FINITE), "VBZ").before(subject).after(p.place(1))


def picture_of(p: Phrases) -> Node:
    """ "an oil painting of …"; what follows is as in a plain prompt."""
    medium = Node(p.pick(v.MEDIA), "NN")
    if p.chance(0.45):
        word = p.pick(v.MEDIUM_WORDS)
        if "-" in word:
            *first, last = word.split("-")
            node = Node(last, "JJ", "amod", glued=True)
            for i, piece in enumerate(first):
                node.before(Node(piece, "JJ", "amod", glued=i > 0), punct("-"))
            medium.before(node)
        else:
            medium.before(Node(word, "NN", "compound"))
    elif p.chance(0.4):
        medium.before(p.adjective())
    first = medium
    while first.left:
        first = first.left[0]
    if p.chance(0.85):
        medium.left.insert(0, p.article(first.word))
    inner = p.phrase() if p.chance(0.7) else p.join(p.phrase(1), [p.phrase(2)])
    if p.chance(0.9):
        return medium.after(Node("of", "IN", "prep").after(inner.as_("pobj")))
    return medium.after(Node(p.pick(["showing", "depicting", "featuring"]), "VBG", "acl").after(inner.as_("dobj")))


def tags(p: Phrases) -> Node:
    """Comma-separated, as on image boards: "1girl, long hair, red dress"."""
    first = Node(p.pick(["1girl", "1boy", "2girls", "2boys"]), "NN") if p.chance(0.3) else p.core(bare=0.5)
    for _ in range(p.rng.randint(1, 5)):
        roll = p.rng.random()
        if roll < 0.75:
            other = p.noun(p.chance(0.3)).before(*p.adjectives(), *p.compounds())
            first.after(punct(","), other.as_("appos"))
        elif roll < 0.85:
            first.after(punct(","), p.clause(1).as_("acl"))
        else:
            first.after(punct(","), p.adjective().as_("dep"))
    return first


def add_tail(p: Phrases, root: Node) -> None:
    for _ in range(p.rng.choice([1, 1, 2, 2, 3, 4, 6])):
        root.after(punct(","), _tail(p))


def _tail(p: Phrases) -> Node:
    roll = p.rng.random()
    if roll < 0.45:
        return _noun_tail(p.pick(v.TAILS_NOUN).split())
    if roll < 0.75:
        return _adjective_tail(p.pick(v.TAILS_ADJ).split())
    if roll < 0.87:
        return _by(p)
    if roll < 0.92:
        return Node("trending", "VBG", "acl").after(Node("on", "IN", "prep").after(Node("artstation", "NNP", "pobj")))
    style = (
        Node("style", "NN", "pobj")
        .before(Node("the", "DT", "det"))
        .after(Node("of", "IN", "prep").after(_name(p).as_("pobj")))
    )
    return Node("in", "IN", "prep").after(style)


def _noun_tail(words: list[str]) -> Node:
    if "of" in words:
        at = words.index("of")
        head, behind = _noun_tail(words[:at]), Node(words[-1], "NN", "pobj")
        return head.after(Node("of", "IN", "prep").after(behind))
    if "on" in words:
        return Node(words[0], "NN", "appos").after(Node("on", "IN", "prep").after(Node(words[-1], "NN", "pobj")))
    head = Node(words[-1], "NNS" if words[-1].endswith("s") and not words[-1].endswith("us") else "NN", "appos")
    adjectives = set(v.ADJECTIVES) | {
        "cinematic",
        "dramatic",
        "volumetric",
        "natural",
        "high",
        "best",
        "fine",
        "shallow",
        "epic",
        "digital",
    }
    for word in words[:-1]:
        is_adjective = word in adjectives or word in v.COLOURS or word.endswith(("ic", "al", "ed"))
        head.before(Node(word, "JJ", "amod") if is_adjective else Node(word, "NN", "compound"))
    return head


def _adjective_tail(words: list[str]) -> Node:
    if words == ["black", "and", "white"]:
        return Node("black", "JJ", "dep").after(Node("and", "CC", "cc"), Node("white", "JJ", "conj"))
    head = Node(words[-1], "JJ", "dep")
    for word in words[:-1]:
        head.before(Node(word, "RB" if word in v.ADVERBS else "JJ", "advmod"))
    return head


def _by(p: Phrases) -> Node:
    by = Node("by", "IN", "prep").after(_names(p).as_("pobj"))
    if p.chance(0.25):
        return Node(p.pick(["art", "artwork", "painting", "photo"]), "NN", "appos").after(by)
    return by


def _names(p: Phrases) -> Node:
    first = _name(p)
    return p.join(first, [_name(p)]) if p.chance(0.25) else first


def _name(p: Phrases) -> Node:
    lower = p.chance(0.7)
    last = Node(p.name_word(lower), "NNP")
    return last.before(*[Node(p.name_word(lower), "NNP", "compound") for _ in range(p.rng.choice([0, 1, 1, 1, 2]))])


def _cased(sentence: Sentence, rng: Random) -> Sentence:
    """Most prompts are lower case, sentences with a stop are not; a few shout or use Title Case."""
    roll = rng.random()
    if roll >= 0.24 and sentence.words[-1] == "." and roll < 0.8 or roll < 0.18:
        sentence.words[0] = sentence.words[0][:1].upper() + sentence.words[0][1:]
    elif roll < 0.21:
        sentence.words = [word.upper() for word in sentence.words]
    elif roll < 0.24:
        sentence.words = [word[:1].upper() + word[1:] for word in sentence.words]
    return sentence
