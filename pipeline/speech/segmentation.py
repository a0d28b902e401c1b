"""Text segmentation: phrases and words of scripts without spaces, and grapheme clusters of all."""

from collections.abc import Iterable
from functools import cache
from itertools import accumulate

import budoux
from icu4py.breakers import CharacterBreaker, LineBreaker, WordBreaker

# Blocks of the scripts whose words are found by dictionaries: Thai, Lao, Burmese, Khmer, Tai.
_DICTIONARY_BLOCKS = (
    ("\u0e00", "\u0eff"),
    ("\u1000", "\u109f"),
    ("\u1780", "\u17ff"),
    ("\u1950", "\u19ff"),
    ("\u1a20", "\u1aaf"),
    ("\ua9e0", "\ua9ff"),
    ("\uaa60", "\uaadf"),
)
# And of those that break at a mark of their own, by UAX #14: Tibetan, Balinese, Javanese.
_MARKED_BLOCKS = (("\u0f00", "\u0fff"), ("\u1b00", "\u1b7f"), ("\ua980", "\ua9df"))
ZERO_WIDTH_SPACE = "\u200b"  # separates words that no space separates
_KANA = ("\u3040", "\u30ff")
_TRADITIONAL = ("zh-tw", "zh-hk", "zh-mo", "zh-hant")


def is_dictionary_script(character: str) -> bool:
    """Return True for scripts that put spaces between phrases, not words, as Thai does."""
    return any(first <= character <= last for first, last in _DICTIONARY_BLOCKS)


def breaks_without_spaces(character: str) -> bool:
    """Return True for scripts, apart from Han and kana, in which lines also break where no space is."""
    return is_dictionary_script(character) or any(first <= character <= last for first, last in _MARKED_BLOCKS)


def mark_unspaced_word(before: str, word: str) -> str:
    """Return a word that no space separates from the word before: in Thai and its like, with a zero-width space.

    >>> mark_unspaced_word("บ้าน", "หลัง") == "\\u200bหลัง", mark_unspaced_word("字", "幕")
    (True, '幕')
    """
    return ZERO_WIDTH_SPACE + word if is_dictionary_script(before[-1]) and is_dictionary_script(word[0]) else word


def clusters(text: str) -> list[str]:
    """Split a text into grapheme clusters (UAX #29): what a reader takes for one character.

    >>> clusters("नमस्ते!")
    ['न', 'म', 'स्ते', '!']
    """
    return list(CharacterBreaker(text, "en"))


def word_starts(text: str) -> frozenset[int]:
    """Return the indices at which a line may begin in a text of a script with ``breaks_without_spaces``.

    >>> sorted(word_starts("สวัสดีครับ"))
    [6]
    """
    return _starts(LineBreaker(text, "en"), text)


def phrase_starts(text: str, language: str) -> frozenset[int]:
    """Return the indices at which a phrase begins in a text of Han or kana, in a language (a BCP 47 tag).

    No phrase begins within a word of ICU's dictionary.

    >>> sorted(phrase_starts("今日はダウンロードが必要です。", "ja-JP"))
    [3, 10]
    """
    name = _phrase_parser(text, language.lower())
    words = WordBreaker(text, "ja" if name == "japanese" else "zh")
    return _starts(_parser(name).parse(text), text) & _starts(words, text)


def _starts(pieces: Iterable[str], text: str) -> frozenset[int]:
    return frozenset(accumulate(len(piece) for piece in pieces)) - {0, len(text)}


def _phrase_parser(text: str, language: str) -> str:
    if language.startswith("ja") or any(_KANA[0] <= each <= _KANA[1] for each in text):
        return "japanese"
    return "traditional_chinese" if language.startswith(_TRADITIONAL) else "simplified_chinese"


@cache
def _parser(name: str) -> budoux.Parser:
    parser: budoux.Parser = getattr(budoux, f"load_default_{name}_parser")()
    return parser
