"""Which language a text is in, as far as its letters tell."""

import unicodedata
from collections import Counter

from darkroom.contract.voices import DEFAULT_LANGUAGE

# What Unicode's names of a language's own letters begin with; Latin letters are those of too many to tell.
LETTERS = {
    "ar": ("ARABIC",),
    "el": ("GREEK",),
    "he": ("HEBREW",),
    "ko": ("HANGUL",),
    "ru": ("CYRILLIC",),
    "zh": ("CJK",),
    "ja": ("CJK", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA"),
}
LEAST = 0.25  # of all letters: names and terms in Latin ones take more of them than what is around


def resolve_language(text: str, stated: str | None) -> str:
    """The BCP 47 tag of what somebody recorded and wrote down: as ``stated``, else as its letters tell, else en-US."""
    return stated or detect_language(text) or DEFAULT_LANGUAGE


def detect_language(text: str) -> str | None:
    """The language (a BCP 47 tag) that is written in such letters more than others are; None for Latin ones. A guess.

    >>> detect_language("今天天气很好"), detect_language("今日は元気"), detect_language("Good evening")
    ('zh', 'ja', None)
    """
    names = [unicodedata.name(each, "") for each in text if each.isalpha()]
    found = Counter(language for name in names for language, own in LETTERS.items() if name.startswith(own))
    # Of several with as many, the first in the table: Han signs without any kana are Chinese.
    language = max(LETTERS, key=lambda each: found[each])
    return language if found[language] and found[language] >= LEAST * len(names) else None
