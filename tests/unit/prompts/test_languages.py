"""Languages other than English: told apart, cut into words, read by a pipeline of their own where one is installed."""

import sys

import pytest
from pack.evaluation.parser_gold import HALVES, gold
from pack.prompts import find_words, parse_prompt, pick_subjects, pipelines, report
from pack.prompts.foreign_reading import read_foreign
from pack.prompts.foreign_words import foreign_words, without_particles
from pack.prompts.languages import BY_SCRIPT, BY_WORDS, CHINESE, FRENCH, GERMAN, JAPANESE, KOREAN, SPANISH, language_of
from plain_tokens import parse, tokens

SAID = {
    "사과와 고양이가 책상 위에 있다": (KOREAN, "사과 고양이 책상 위 있다"),
    "꽃을 든 호랑이, 작은 새와 종이": (KOREAN, "꽃 든 호랑이 작은 새 종이"),
    "赤いリンゴと青い本": (JAPANESE, "赤い リンゴ 青い 本"),
    "一只红色的猫和两只狗": (CHINESE, "红色 猫 狗"),
    "ein roter Apfel und eine blaue Tasse": (GERMAN, "ein roter Apfel und eine blaue Tasse"),
    "un chat noir et l'oiseau bleu": (FRENCH, "un chat noir et l' oiseau bleu"),
    "un gato negro y una taza azul": (SPANISH, "un gato negro y una taza azul"),
}


@pytest.mark.parametrize("text", SAID)
def test_language_and_words(text):
    language, words = SAID[text]
    assert language_of(text) is language
    found = foreign_words(text, language)
    assert [word.text for word in found] == words.split()
    assert all(text[word.start : word.stop] == word.text for word in found)


def test_english_is_taken_for_no_other():
    texts = [row.text for half in HALVES for row in gold(half)]
    assert [text for text in texts if language_of(text) is not None] == []
    assert language_of("a la carte menu and a die on the table") is language_of("a cat 고양이") is None
    assert language_of("") is language_of("🐻 123 ,,") is None


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("사과와", "사과"), ("사과", "사과"), ("고양이가", "고양이"), ("고양이", "고양이"), ("사람이", "사람"),
        ("꽃을", "꽃"), ("가을", "가을"), ("포도", "포도"), ("바나나는", "바나나"), ("연필로", "연필"),
        ("책상에는", "책상"), ("호텔에서", "호텔"), ("화가", "화가"), ("목걸이를", "목걸이"), ("robot", "robot"),
    ],
)  # fmt: skip
def test_korean_particles_are_no_part_of_the_word(word, stem):
    assert without_particles(word) == stem


@pytest.mark.parametrize("language", [*BY_SCRIPT, *BY_WORDS], ids=lambda language: language.code)
def test_what_to_do_is_said_in_the_language(language):
    text = next(text for text, (own, _) in SAID.items() if own is language)
    for encoder, little in (("l+g", True), ("qwen25_7b", False)):
        prompt = parse_prompt(text, tokens(text), 77, encoder)
        assert prompt.subjects == () and len(prompt.notes) == 1 + little
        assert "Pick Subjects" in prompt.notes[0] and language.pipelines[-1] in prompt.notes[0]
        assert language_of(prompt.notes[0].partition(":")[0]) is language
        assert ("CLIP" in prompt.notes[-1]) == little
        assert "No noun" not in report(prompt)


def test_an_encoder_without_the_letters_is_said_to_know_little():
    text = "사과와 배"
    unknown = tuple(token._replace(text="<unk>") if token.kind == "word" else token for token in tokens(text))
    assert "t5xxl" in parse_prompt(text, unknown, 77, "t5xxl").notes[-1]


def test_words_are_picked_by_hand():
    prompt = parse("사과와 고양이가 책상 위에 있다")
    picked = pick_subjects(prompt, "고양이, 사과")
    assert [(s.noun.text, s.noun.positions) for s in picked.subjects] == [("고양이", (2,)), ("사과", (1,))]
    assert find_words(parse("ein roter Apfel und eine blaue Tasse"), "roter Apfel")[0].positions == (2, 3)


# --- read by a pipeline ---


def hand_parse(words, tags, heads, deps):
    import spacy
    from spacy.tokens import Doc

    return Doc(spacy.blank("xx").vocab, words=words, pos=tags, heads=heads, deps=deps)


def read(doc, language):
    return [(s.noun.text, tuple(word.text for word in s.modifiers)) for s in read_foreign(doc, language).subjects]


def test_universal_dependencies_are_read():
    doc = hand_parse(
        ["un", "gato", "negro", "y", "una", "taza", "azul"], ["DET", "NOUN", "ADJ", "CCONJ", "DET", "NOUN", "ADJ"],
        [1, 1, 1, 5, 5, 1, 5], ["det", "ROOT", "amod", "cc", "det", "conj", "amod"],
    )  # fmt: skip
    assert read(doc, SPANISH) == [("gato", ("negro",)), ("taza", ("azul",))]


def test_the_german_treebank_is_read():
    doc = hand_parse(
        ["der", "Apfel", "ist", "rot", "und", "ein", "alter", "Mann", "schläft"],
        ["DET", "NOUN", "AUX", "ADJ", "CCONJ", "DET", "ADJ", "NOUN", "VERB"],
        [1, 2, 2, 2, 2, 7, 7, 8, 4], ["nk", "sb", "ROOT", "pd", "cd", "nk", "nk", "sb", "cj"],
    )  # fmt: skip
    assert read(doc, GERMAN) == [("Apfel", ("rot",)), ("Mann", ("alter",))]


def test_particles_come_off_what_a_pipeline_calls_a_noun():
    doc = hand_parse(
        ["빨간", "사과와", "고양이가", "있다"], ["ADJ", "NOUN", "NOUN", "VERB"], [1, 2, 3, 3],
        ["amod", "compound:x", "nsubj", "ROOT"],
    )  # fmt: skip
    assert read(doc, KOREAN) == [("사과", ("빨간",)), ("고양이", ())]


@pytest.fixture()
def german(tmp_path, monkeypatch):
    """A package as spaCy's own are, with a pipeline that has learned two sentences by heart."""
    import spacy
    from spacy.training import Example

    language = spacy.blank("de")
    language.add_pipe("tagger")
    language.add_pipe("parser", config={"min_action_freq": 1})
    examples = []
    for words in ("ein roter Apfel und eine blaue Tasse", "eine blaue Tasse und ein roter Apfel"):
        gold = {
            "tags": ["ART", "ADJA", "NN", "KON", "ART", "ADJA", "NN"], "heads": [2, 2, 2, 2, 6, 6, 3],
            "deps": ["nk", "nk", "ROOT", "cd", "nk", "nk", "cj"],
        }  # fmt: skip
        examples.append(Example.from_dict(language.make_doc(words), gold))
    optimizer = language.initialize(lambda: examples)
    for _ in range(25):
        language.update(examples, sgd=optimizer)
    ruler = language.add_pipe("attribute_ruler")
    for tag, pos in {"NN": "NOUN", "ADJA": "ADJ", "ART": "DET", "KON": "CCONJ"}.items():
        ruler.add([[{"TAG": tag}]], {"POS": pos})
    package = tmp_path / "de_core_news_sm"
    package.mkdir()
    language.to_disk(package / "data")
    (package / "__init__.py").write_text(
        "from pathlib import Path\nimport spacy\ndef load(**options):\n    return "
        "spacy.load(Path(__file__).parent / 'data', **options)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("spacy.util.is_package", lambda name: name == "de_core_news_sm")
    pipelines._load.cache_clear()
    yield
    sys.modules.pop("de_core_news_sm", None)
    pipelines._load.cache_clear()


def test_an_installed_pipeline_of_the_language_finds_the_subjects(german):
    text = "ein roter Apfel und eine blaue Tasse"
    prompt = parse_prompt(text, tokens(text), 77, "l")
    assert [(s.text, s.noun.positions) for s in prompt.subjects] == [("roter Apfel", (3,)), ("blaue Tasse", (7,))]
    assert prompt.parser.startswith("de_core_news_sm")
    assert len(prompt.notes) == 1 and "CLIP" in prompt.notes[0]
