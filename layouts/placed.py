"""Which words of a prompt the objects of a layout are, and so where in the picture each word belongs."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import PromptUnderstandingError
from ..prompts.types import ParsedPrompt, Subject, Word
from .nouns import singular, without_article
from .types import Box, Layout, LayoutObject


@dataclass(frozen=True)
class Placed:
    """A thing of the prompt and its boxes: "three frogs" is one thing in three of them."""

    subject: Subject
    boxes: tuple[Box, ...]

    @property
    def words(self) -> tuple[Word, ...]:
        """What describes it, then its noun."""
        return (*self.subject.modifiers, self.subject.noun)

    @property
    def positions(self) -> tuple[int, ...]:
        return tuple(position for word in self.words for position in word.positions)


def placed(layout: Layout, prompt: ParsedPrompt) -> tuple[Placed, ...]:
    """In the order in which the layout names them; what the prompt does not name is left out."""
    boxes: dict[Subject, list[Box]] = {}
    for thing in layout.objects:
        subject = subject_of(thing, prompt)
        if subject is not None:
            boxes.setdefault(subject, []).append(thing.box)
    return tuple(Placed(subject, tuple(own)) for subject, own in boxes.items())


def need_named(layout: Layout, prompt: ParsedPrompt) -> None:
    """Raises PromptUnderstandingError for an object that is not in the prompt."""
    missing = [thing.caption for thing in layout.objects if subject_of(thing, prompt) is None]
    if missing:
        subjects = ", ".join(repr(subject.text) for subject in prompt.subjects) or "no thing at all"
        raise PromptUnderstandingError(
            f"The layout has a box for {missing[0]!r}, and the prompt {prompt.plain!r} does not name it; it names "
            f"{subjects}. Write {missing[0]!r} into the prompt, or take its box out of the layout."
        )


def subject_of(thing: LayoutObject, prompt: ParsedPrompt) -> Subject | None:
    """The subject that the object says it is, if the two speak of the same; else by its caption, and where the parser
    found no such subject, the caption's last word wherever the prompt has it."""
    caption = without_article(thing.caption.lower()).split()
    noun = caption[-1] if caption else ""
    if thing.subject is not None and thing.subject < len(prompt.subjects):
        said = prompt.subjects[thing.subject]
        if _same(_last(said.noun), noun):
            return said
    named = [subject for subject in prompt.subjects if _same(_last(subject.noun), noun)]
    if named:
        return max(named, key=lambda subject: _described_alike(subject, caption))
    word = next((word for word in prompt.words if _same(word.text.lower(), noun)), None)
    return Subject(word) if word else None


def _last(noun: Word) -> str:
    return noun.text.lower().split()[-1]


def _described_alike(subject: Subject, caption: list[str]) -> int:
    """Words in common: of a red car and a blue car, "a blue car" is the second."""
    own = {word.text.lower() for word in subject.modifiers}
    return len(own & set(caption)) - len(own - set(caption))


def _same(left: str, right: str) -> bool:
    """One word, in the singular or the plural."""
    return bool(left and right) and (left == right or singular(left) == singular(right))
