"""Which language a text is in, and what its reader is told, in that language.

The bundled pipeline reads English. Of another language the words are found and placed (foreign_words.py); what they
mean is read by that language's spaCy pipeline where one is installed (foreign_reading.py), else picked by hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .lexicon import words
from .open_lexicon import classes

CLIP = frozenset({"l", "h", "g"})
"""Text encoders that have learned English captions, and little else."""
WORD = re.compile(r"[^\W\d_]+(?:['’](?=\w))?")


@dataclass(frozen=True)
class Language:
    code: str
    pipelines: tuple[str, ...]
    """spaCy's own, best first."""
    unread: str
    """Said where no pipeline of the language is installed."""
    little: str
    """Said where the text encoder knows little of the language."""
    small_words: frozenset[str] = frozenset()
    script: re.Pattern[str] | None = None


def _news(code: str) -> tuple[str, ...]:
    return tuple(f"{code}_core_news_{size}" for size in ("lg", "md", "sm"))


KOREAN = Language(
    "ko", _news("ko"),
    "이 프롬프트는 한국어입니다. 낱말의 위치는 모두 찾았지만 무엇을 강조할지는 알 수 없습니다. "
    "Pick Subjects에 낱말을 쉼표로 나누어 적거나(예: {words}) ComfyUI의 Python에 "
    "spaCy 한국어 모델을 설치하세요: python -m spacy download ko_core_news_sm",
    "이 모델의 텍스트 인코더({encoder})는 주로 영어를 배웠기 때문에 이 낱말들의 뜻을 거의 모릅니다. "
    "영어로 쓰는 것이 좋습니다.",
    script=re.compile(r"[\uac00-\ud7af\u1100-\u11ff\u3130-\u318f]"),
)  # fmt: skip
JAPANESE = Language(
    "ja", _news("ja"),
    "日本語のプロンプトです。単語の位置はすべて分かりますが、何を強調するかは分かりません。"
    "Pick Subjects に単語をカンマで区切って書くか(例: {words})、ComfyUI の Python に "
    "spaCy の日本語モデルを入れてください: python -m spacy download ja_core_news_sm",
    "このモデルのテキストエンコーダー({encoder})は主に英語を学んだので、これらの単語の意味を"
    "ほとんど知りません。英語で書くことをおすすめします。",
    script=re.compile(r"[\u3040-\u30ff\uff66-\uff9f]"),
)  # fmt: skip
CHINESE = Language(
    "zh", tuple(f"zh_core_web_{size}" for size in ("trf", "lg", "md", "sm")),
    "这是中文提示词。所有词的位置都已找到,但无法判断要强调什么。请在 Pick Subjects 中写出词语,"
    "用逗号分隔(例如: {words}),或在 ComfyUI 的 Python 中安装 spaCy 中文模型: python -m spacy download zh_core_web_sm",
    "此模型的文本编码器({encoder})主要学习英文,几乎不懂这些词。建议用英文书写。",
    script=re.compile(r"[\u3400-\u9fff]"),
)  # fmt: skip
GERMAN = Language(
    "de", _news("de"),
    "Der Prompt ist deutsch. Alle Wörter haben ihren Platz, aber was hervorgehoben werden soll, ist nicht bekannt. "
    "Schreiben Sie die Wörter, durch Kommas getrennt, in Pick Subjects (zum Beispiel: {words}), oder installieren "
    "Sie spaCys deutsches Modell in ComfyUIs Python: python -m spacy download de_core_news_sm",
    "Der Textencoder dieses Modells ({encoder}) hat fast nur Englisch gelernt: Diese Wörter sagen ihm wenig. "
    "Schreiben Sie besser englisch.",
    words(
        """
        der die das ein eine einen einem einer eines und mit auf im am vor hinter neben unter über ist sind trägt von
        vom zum zur den dem des einige zwei drei vier ohne nicht sitzt steht liegt
        """
    ),
)  # fmt: skip
FRENCH = Language(
    "fr", _news("fr"),
    "Ce prompt est en français. Tous les mots ont leur place, mais ce qu'il faut mettre en avant n'est pas connu. "
    "Écrivez les mots, séparés par des virgules, dans Pick Subjects (par exemple : {words}), ou installez le modèle"
    " français de spaCy dans le Python de ComfyUI : python -m spacy download fr_core_news_sm",
    "L'encodeur de texte de ce modèle ({encoder}) n'a presque appris que l'anglais : ces mots lui disent peu. Mieux"
    " vaut écrire en anglais.",
    words(
        """
        le la les l' un une des du de d' et avec sur dans sous devant derrière est sont au aux à qui près deux trois
        quatre sans assis portant
        """
    ),
)  # fmt: skip
SPANISH = Language(
    "es", _news("es"),
    "Este prompt está en español. Todas las palabras tienen su lugar, pero no se sabe qué hay que destacar. Escriba"
    " las palabras, separadas por comas, en Pick Subjects (por ejemplo: {words}), o instale el modelo español de "
    "spaCy en el Python de ComfyUI: python -m spacy download es_core_news_sm",
    "El codificador de texto de este modelo ({encoder}) casi solo aprendió inglés: estas palabras le dicen poco. Es"
    " mejor escribir en inglés.",
    words(
        """
        el la los las un una unos unas de del y con en sobre al es son que junto bajo delante detrás lleva dos tres
        cuatro sin sentado sentada
        """
    ),
)  # fmt: skip
BY_SCRIPT = (KOREAN, JAPANESE, CHINESE)
BY_WORDS = (GERMAN, FRENCH, SPANISH)
ENGLISH = words("a an the of and with on is are to at by from his her its their near under behind wearing holding")


def language_of(text: str) -> Language | None:
    """None for English, and for what none of these is."""
    return _by_script(text) or _by_words([word.lower().replace("’", "'") for word in WORD.findall(text)])


def _by_script(text: str) -> Language | None:
    """Half of the letters; those of Japanese and Chinese count alike, for both write kanji."""
    letters = [letter for letter in text if letter.isalpha()]
    for language in BY_SCRIPT:
        assert language.script is not None
        own = sum(bool(language.script.match(letter)) for letter in letters)
        if language is JAPANESE and own:
            own += sum(bool(CHINESE.script and CHINESE.script.match(letter)) for letter in letters)
        if own * 2 > len(letters):
            return language
    return None


def _by_words(found: Sequence[str]) -> Language | None:
    """By small words, where the others are not English."""
    score, best = max(
        ((sum(word in language.small_words for word in found), language) for language in BY_WORDS),
        key=lambda scored: scored[0],
    )
    tied = sum(sum(word in language.small_words for word in found) == score for language in BY_WORDS) > 1
    others = [word for word in found if word not in best.small_words]
    unknown = sum(not classes(word) for word in others)
    english = sum(word in ENGLISH for word in found)
    if tied or score <= english or not score or unknown * 3 < len(others):
        return None
    return best


def notes(language: Language, read: bool, names: Sequence[str], encoder: str, has_unknown: bool) -> list[str]:
    """What to do, in the language of the prompt. `names` are some of its words; `has_unknown` says that the encoder
    has no piece for some."""
    said = [] if read else [language.unread.format(words=", ".join(names))]
    is_clip = set(encoder.split("+")) <= CLIP
    return said + ([language.little.format(encoder="CLIP" if is_clip else encoder)] if is_clip or has_unknown else [])
