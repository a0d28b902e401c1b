"""Language detection from the script (writing system) of a text."""

import unicodedata
from collections import Counter

from darkroom.contract.voices import DEFAULT_LANGUAGE

# Prefixes of the Unicode names of each language's letters; too many languages share the Latin ones.
LETTERS = {
    "ar": ("ARABIC",),
    "el": ("GREEK",),
    "he": ("HEBREW",),
    "ko": ("HANGUL",),
    "ru": ("CYRILLIC",),
    "zh": ("CJK",),
    "ja": ("CJK", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA"),
}
MIN_SHARE = 0.25  # least share of all letters: Latin names and terms have more letters than the text around them


def resolve_language(text: str, stated: str | None) -> str:
    """Return the BCP 47 tag of a recording's transcript: as ``stated``, else detected from its letters, else en-US."""
    return stated or detect_language(text) or DEFAULT_LANGUAGE


def detect_language(text: str) -> str | None:
    """Guess the language (a BCP 47 tag) by the most frequent non-Latin letters; None for Latin ones.

    >>> detect_language("今天天气很好"), detect_language("今日は元気"), detect_language("Good evening")
    ('zh', 'ja', None)
    """
    names = [unicodedata.name(each, "") for each in text if each.isalpha()]
    counts = Counter(language for name in names for language, prefixes in LETTERS.items() if name.startswith(prefixes))
    # Ties go to the first in the table: Han characters without kana are Chinese.
    language = max(LETTERS, key=lambda each: counts[each])
    return language if counts[language] and counts[language] >= MIN_SHARE * len(names) else None
