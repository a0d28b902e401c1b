"""Word splitting of scripts, and estimates of how long each word takes to say."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from pipeline.speech.segmentation import is_dictionary_script, mark_unspaced_word, word_starts

_UNSPACED = ("zh", "ja")  # languages that put no spaces between words
# A run without spaces; a no-break space within a number is part of it.
_TOKEN = re.compile(r"(?:\S|(?<=\d)[\u00a0\u202f](?=\d))+")
# A sign that is a word by itself: Han, kana or Bopomofo.
_SIGN = re.compile(
    r"[\u3006\u3007\u3040-\u30ff\u3100-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
# Signs that lengthen, repeat or modify the one before: small kana, sound marks, ー and 々.
_MODIFIERS = frozenset("ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶー々ゝゞヽヾ゛゜\u3099\u309a")
_SPOKEN_SIGNS = frozenset("&@#%*/\\")  # punctuation by Unicode, but pronounced
# Lengths in alphabetic letters, the mean over espeak-ng's voices.
_PER_WORD, _NUMERAL, _HAN, _KANA, _HANGUL = 0.8, 4.0, 4.0, 2.0, 3.0


def split_words(script: str, language: str) -> list[str]:
    """Split a script into words, in order, with the punctuation that touches them; none is empty.

    Joined by spaces they give the script again; in Chinese and Japanese, where a word is one sign or one run of other
    letters, joined by nothing. In Thai, Lao, Burmese and Khmer, words are those of a dictionary; one that follows
    without a space begins with a zero-width space. Isolated punctuation attaches to the word before it; opening
    punctuation, to the next.

    >>> split_words("« Ça va ? » — Oui, à 10 h.", "fr-FR")
    ['« Ça', 'va ? » —', 'Oui,', 'à', '10', 'h.']
    >>> split_words("「今日」は3時です。", "ja-JP")
    ['「今', '日」', 'は', '3', '時', 'で', 'す。']
    """
    words: list[str] = []
    end_before = 0
    for start, end in word_spans(script, language):
        text = re.sub(r"[ \t\r\n\f\v]+", " ", script[start:end])
        words.append(mark_unspaced_word(words[-1], text) if words and start == end_before else text)
        end_before = end
    return words


def word_spans(script: str, language: str) -> list[tuple[int, int]]:
    """Return the start and end of each word of ``split_words``: character indices in the script."""
    found: list[tuple[int, int]] = []
    opening_start: int | None = None  # start of punctuation that opens the next word
    for start, end in _pieces(script, language):
        text = script[start:end]
        if is_pronounceable(text):
            found.append((start if opening_start is None else opening_start, end))
            opening_start = None
        elif found and opening_start is None and not _opens(text[-1]):
            found[-1] = (found[-1][0], end)
        elif opening_start is None:
            opening_start = start
    if opening_start is not None:
        found = [*found[:-1], (found[-1][0] if found else opening_start, len(script.rstrip()))]
    return found


def remove_controls(script: str) -> str:
    """Replace control characters by spaces, keeping all other characters and the length.

    >>> remove_controls("one\\x01two")
    'one two'
    """
    return "".join(" " if unicodedata.category(each) in ("Cc", "Cs") and each != "\n" else each for each in script)


def is_pronounceable(text: str) -> bool:
    """Return True if a text contains more than punctuation."""
    return any(unicodedata.category(each)[0] in "LNS" or each in _SPOKEN_SIGNS for each in text)


def spoken_length(word: str) -> float:
    """Estimate from the spelling how long a word takes to say, in alphabetic letters.

    >>> spoken_length("straight") > spoken_length("so") > 0
    True
    """
    return _PER_WORD + sum(_weight(character) for character in unicodedata.normalize("NFC", word))


def _pieces(script: str, language: str) -> Iterator[tuple[int, int]]:
    """Split at spaces; in languages without them, before and after every sign, and before opening punctuation."""
    signs = language.split("-", maxsplit=1)[0] in _UNSPACED
    for token in _TOKEN.finditer(script):
        if not signs:
            yield from _dictionary_words(script, *token.span())
            continue
        start = token.start()
        for index in range(token.start() + 1, token.end()):
            if _splits_between(script[index - 1], script[index]):
                yield start, index
                start = index
        yield start, token.end()


def _dictionary_words(script: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Split a run without spaces between words of Thai and its like; others are yielded whole."""
    text = script[start:end]
    unspaced = [is_dictionary_script(each) for each in text]
    starts = word_starts(text) if any(unspaced) else frozenset[int]()
    edges = [0, *(each for each in sorted(starts) if unspaced[each - 1] and unspaced[each]), len(text)]
    for first, last in pairwise(edges):
        yield start + first, start + last


def _splits_between(before: str, after: str) -> bool:
    """Return True if a piece ends between two characters of a language without spaces."""
    if after in _MODIFIERS or unicodedata.category(after).startswith("M"):
        return False
    punctuation = [unicodedata.category(each).startswith("P") and each not in _SPOKEN_SIGNS for each in (before, after)]
    if any(punctuation):
        if punctuation[1]:
            return _opens(after) and not _opens(before)
        return bool(_SIGN.match(after)) and not _opens(before)
    return bool(_SIGN.match(before) or _SIGN.match(after))


def _opens(character: str) -> bool:
    """Return True for opening punctuation, which belongs to the next word."""
    return unicodedata.category(character) in ("Ps", "Pi") or character in "¡¿"


def _weight(character: str) -> float:
    category = unicodedata.category(character)
    if category[0] == "N" or category in ("Sc", "Sm", "So") or character in _SPOKEN_SIGNS:
        return _NUMERAL
    if not character.isalpha():
        return 0
    if _SIGN.match(character):
        return _KANA if "\u3040" <= character <= "\u30ff" else _HAN
    return _HANGUL if "\uac00" <= character <= "\ud7a3" else 1
