"""Words of languages other than English, with their places in the text, by rule.

Korean words end before their particles, Japanese ones where the kind of letter changes, Chinese ones at small words.
spaCy's own tokenizers for these need packages that the pack does not ask for, and take seconds to load.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .languages import CHINESE, JAPANESE, KOREAN, Language
from .lexicon import words as listed
from .types import Word

SYNTAX = re.compile(r"<[^<>\n]*>|(?<!\S)--[a-z]+(?:\s+[\d:.]+)?|\bBREAK\b|embedding:\S+")
SPACED = re.compile(r"(?:qu|[cdjlmnst])['’](?=\w)|\w+(?:[-'’]\w+)*", re.IGNORECASE)
"""In French "l'oiseau" is two words."""
LETTERS = re.compile(r"\w+")
HANGUL = re.compile(r"[\uac00-\ud7a3]+")


def foreign_words(plain: str, language: Language) -> list[Word]:
    text = without_syntax(plain)
    find = {KOREAN.code: _korean, JAPANESE.code: _japanese, CHINESE.code: _chinese}.get(language.code)
    spans = find(text) if find else _spaced(text)
    return [Word(plain[start:stop], start, stop) for start, stop in spans]


def without_syntax(plain: str) -> str:
    """As long as before: what is no language is blank."""
    return SYNTAX.sub(lambda match: " " * len(match.group()), plain)


def _spaced(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in SPACED.finditer(text))


# --- Korean: particles hang on the word ---

BEHIND_A_CONSONANT = listed("은 이 을 과 으로 이랑 이나")
BEHIND_A_VOWEL = listed("는 가 를 와 로 랑")
BEHIND_ANY = listed("의 에 에서 에게 에는 에도 도 만 까지 부터 처럼 보다 하고 께서 한테 마다")
PARTICLES = sorted(BEHIND_A_CONSONANT | BEHIND_A_VOWEL | BEHIND_ANY, key=len, reverse=True)
SHORT_NOUNS = listed(
    """
    개 새 소 말 곰 배 달 해 별 꽃 집 차 문 옷 손 눈 산 강 물 불 돌 뱀 닭 양 용 쥐 귤 감 밤 떡 빵 책 공 검 칼 총 섬
    숲 길 탑 성 왕 잔 컵 병 종 탈 위 옆 앞 뒤 안 밖 곁
    """
)
"""Of one syllable: in "가을" the "을" is no particle, in "꽃을" it is."""
ENDS_IN_I = re.compile(
    "(?:양|랑|숭|팽|챙|린|북|종|걸|잡|둥|덩|송|장|쟁|볶|놀|먹|팡|멍|높|길|깊|젊|늙|덮|받|붙|굽|꽂|깎|꾹)이$"
)
"""Nouns whose own last letter is "이": 고양이, 호랑이, 종이, 목걸이."""


def _korean(text: str) -> Iterator[tuple[int, int]]:
    for match in LETTERS.finditer(text):
        yield match.start(), match.start() + len(without_particles(match.group()))


def without_particles(word: str) -> str:
    """ "사과와" is 사과; "사과" stays, for "과" stands behind consonants only."""
    particle = next((p for p in PARTICLES if word.endswith(p) and _fits(word[: -len(p)], p)), None)
    return word if particle is None else without_particles(word[: -len(particle)])


def _fits(stem: str, particle: str) -> bool:
    if not HANGUL.fullmatch(stem) or len(stem) == 1 and stem not in SHORT_NOUNS:
        return False
    if particle == "이" and ENDS_IN_I.search(stem + particle):
        return False
    final = (ord(stem[-1]) - 0xAC00) % 28
    if particle == "로" and final == _RIEUL:
        return True
    return particle in BEHIND_ANY or (particle in BEHIND_A_CONSONANT) == bool(final)


_RIEUL = 8
"""The final ㄹ."""

# --- Japanese: kinds of letters ---

JAPANESE_WORD = re.compile(
    r"[\u4e00-\u9fff々]+(?:しい|い|な(?=[\u4e00-\u9fff\u30a0-\u30ff]))?|[\u30a0-\u30ff\uff66-\uff9f]+|"
    r"[\u3041-\u309f]+|[^\W\u3040-\u30ff\u4e00-\u9fff々]+"
)
JAPANESE_SMALL = re.compile(r"^(?:には|では|から|まで|とも|の|は|が|を|に|で|と|も|へ|や|な)+")


def _japanese(text: str) -> Iterator[tuple[int, int]]:
    for match in JAPANESE_WORD.finditer(text):
        small = JAPANESE_SMALL.match(match.group())
        start = match.start() + (small.end() if small else 0)
        if start < match.end():
            yield start, match.end()


# --- Chinese: small words between ---

CHINESE_RUN = re.compile(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+")
CHINESE_SMALL = re.compile(
    r"[一二两三四五六七八九十几][只个個条條张張位辆輛朵棵座本匹头頭件把杯碗幅名群]|"
    r"(?:旁边|旁邊|上面|下面|里面|裡面|前面|后面|後面|左边|右边)|"
    r"[的和与與在是有着著了及或跟被把]"
)


def _chinese(text: str) -> Iterator[tuple[int, int]]:
    for run in CHINESE_RUN.finditer(text):
        at = run.start()
        for small in CHINESE_SMALL.finditer(text, run.start(), run.end()):
            if at < small.start():
                yield at, small.start()
            at = small.end()
        if at < run.end():
            yield at, run.end()
