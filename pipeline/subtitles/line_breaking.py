"""Line breaking: possible breaks, their penalties, and balanced lines for cues and for narrower frames."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, chain

from pipeline.speech.segmentation import (
    ZERO_WIDTH_SPACE,
    breaks_without_spaces,
    clusters,
    is_dictionary_script,
    phrase_starts,
    word_starts,
)
from pipeline.speech.sentences import ends_clause, ends_sentence

# Characters that may not begin a line, and those that may not end one (JIS X 4051).
_NEVER_FIRST = frozenset(
    "、。，．・：；？！゛゜ヽヾゝゞ々ー”’）〕］｝〉》」』】〗〙…‥～,.;:?!)]}»›%％"
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
    "｡､｣･ｧｨｩｪｫｬｭｮｯｰﾞﾟ"
)
_NEVER_LAST = frozenset("“‘（〔［｛〈《「『【〖〘｢([{«‹$＄￥£€#＃")
_ADDRESS_MARKS = "/?&=-_.,;:#+@~|"  # after these a long address may be broken
_MARKS = ("Mn", "Me", "Cf")  # categories of combining and invisible characters
# Control characters except white space, and directional formatting characters: removed from lines.
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_SPACE = re.compile(r"[^\S\u00a0\u202f]+")  # breakable spaces, without no-break spaces
# Conjunctions, prepositions, relative pronouns: in English, a good break before them and a bad one after.
_PHRASE_OPENERS = re.compile(
    "and|but|or|nor|so|because|although|though|while|when|where|if|unless|until|since|that|which|who|whose|as|than|in|on"
    "|at|by|for|from|with|without|to|into|of|about|after|before|between|through|during|over|under",
    re.IGNORECASE,
)
_ARTICLES = ("a", "an", "the")

FORBIDDEN = 10.0  # penalty of a wrong break, used only if there is no other way
WITHIN_WORD = 1.0  # penalty of a break within a word or phrase of Han and kana
PHRASE_PENALTY, CONJUNCTION_PENALTY = 0.06, 0.02  # penalties of a break within a phrase, and before its opening word


@dataclass(frozen=True)
class Piece:
    """Piece of a text that is not broken, with the separator and the penalty of a line break before it.

    ``context`` is the text from the last allowed break to the piece's end, by which sentence ends are found.
    """

    separator: str
    text: str
    penalty: float
    context: str


def normalise_text(text: str) -> str:
    """Normalise a text: composed (NFC), single spaces, no control characters, no directional formatting.

    No-break spaces stay as they are.

    >>> normalise_text(" one\\n two\\x00 ")
    'one two'
    """
    return " ".join(_SPACE.split(_UNSEEN.sub("", unicodedata.normalize("NFC", text)).strip()))


def visible_length(text: str) -> int:
    """Count the visible characters, without combining marks and invisible characters.

    >>> visible_length("שָׁלוֹם")
    4
    """
    return sum(unicodedata.category(each) not in _MARKS for each in text)


def display_width(text: str) -> int:
    """Count the columns of a line: two for each wide or full-width character by East Asian Width (UAX #11), else one.

    >>> display_width("字幕 ok")
    7
    """
    return sum(map(_columns_of, text))


@cache
def _columns_of(character: str) -> int:
    if unicodedata.category(character) in _MARKS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


@cache
def ideographic(character: str) -> bool:
    """Return True for scripts without spaces between words: Han, kana and their punctuation, not hangul."""
    if "\uff61" <= character <= "\uff9f":  # half width kana
        return True
    if unicodedata.east_asian_width(character) not in "WF" or character >= "\U00030000":
        return False
    hangul = "\u1100" <= character <= "\u11ff" or "\u3130" <= character <= "\u318f" or "\ua960" <= character <= "\ua97f"
    emoji = "\U0001f000" <= character <= "\U0001ffff"
    return not (hangul or emoji or "\uac00" <= character <= "\ud7ff")


def separator(before: str, after: str, language: str) -> str:
    """Return the separator of two words on a line: a space, or nothing in scripts without spaces.

    >>> separator("字", "幕", "zh-CN"), separator("two", "words", "en-US"), separator("자막", "입니다", "ko-KR")
    ('', ' ', ' ')
    """
    if not before or not after or ZERO_WIDTH_SPACE in (before[-1], after[0]):
        return ""
    sides = (ideographic(before[-1]), ideographic(after[0]))
    unspaced = language.partition("-")[0] in ("zh", "ja")
    return "" if all(sides) or (unspaced and any(sides)) else " "


def unwrap_lines(lines: Sequence[str], language: str) -> str:
    """Join the lines of a cue, with spaces where they belong."""
    text = ""
    for line in lines:
        text += separator(text, line, language) + line
    return text


def break_penalty(before: str, after: str, language: str) -> float:
    """Return the penalty of a line break between two words: 0 after punctuation, up to ``FORBIDDEN``."""
    if after[0] in _NEVER_FIRST or before[-1] in _NEVER_LAST or unicodedata.category(after[0]) in _MARKS:
        return FORBIDDEN
    if ends_sentence(before) or ends_clause(before):
        return 0.0
    if language.startswith("en"):
        if _PHRASE_OPENERS.fullmatch(before) or before.lower() in _ARTICLES:
            return 2 * PHRASE_PENALTY
        return CONJUNCTION_PENALTY if _PHRASE_OPENERS.fullmatch(after) else PHRASE_PENALTY
    return PHRASE_PENALTY


def breakable_pieces(text: str, language: str) -> list[Piece]:
    """Split a plain text into the pieces between possible line breaks; the separators and texts joined are the text.

    Pieces are words. In Han and kana they are characters, and breaks between phrases have the least penalty. In Thai,
    Lao, Burmese and Khmer they are the words of a dictionary. Punctuation is attached to them.

    >>> [(piece.separator, piece.text) for piece in breakable_pieces("say 「字幕」 now", "en-US")]
    [('', 'say'), (' ', '「字'), ('', '幕」'), (' ', 'now')]
    """
    pieces: list[Piece] = []
    for word in text.split(" "):
        gap = " " if pieces else ""
        for start, end, inner_penalty in _parts_of_word(word, language):
            piece, before = word[start:end], pieces[-1].context if pieces else ""
            penalty = inner_penalty if start else _penalty_at_space(before, piece, language)
            context = before + gap + piece if penalty >= FORBIDDEN else piece
            pieces.append(Piece(gap, piece, penalty, context))
            gap = ""
    return pieces


def _penalty_at_space(before: str, after: str, language: str) -> float:
    if not before or not after:
        return 0.0
    penalty = break_penalty(before, after, language)
    between_phrases = is_dictionary_script(before[-1]) and is_dictionary_script(after[0])
    return min(penalty, CONJUNCTION_PENALTY) if between_phrases and penalty < FORBIDDEN else penalty


def _parts_of_word(word: str, language: str) -> Iterator[tuple[int, int, float]]:
    """Yield start, end and the penalty of the break before each part of a word between spaces."""
    wide = [ideographic(each) for each in word]
    unspaced = [breaks_without_spaces(each) for each in word]
    phrases = phrase_starts(word, language) if any(wide) else frozenset[int]()
    words = word_starts(word) if any(unspaced) else frozenset[int]()
    start, penalty_before = 0, 0.0
    for index in range(1, len(word)):
        before, after = word[index - 1], word[index]
        if any(wide[index - 1 : index + 1]):
            penalty = break_penalty(before, after, language)
            if penalty and penalty < FORBIDDEN and index not in phrases:
                penalty = WITHIN_WORD
        elif before == ZERO_WIDTH_SPACE or (index in words and any(unspaced[index - 1 : index + 1])):
            penalty = break_penalty(before, after, "")
            penalty = max(penalty, 2 * PHRASE_PENALTY)  # rather at a space, which ends a phrase
        else:
            continue
        if penalty < FORBIDDEN:
            yield start, index, penalty_before
            start, penalty_before = index, penalty
    yield start, len(word), penalty_before


def split_to_width(text: str, columns: int) -> list[str]:
    """Split a text into parts of at most ``columns``: after punctuation, as in an address, else between clusters.

    >>> split_to_width("नमस्ते", 2), split_to_width("example.com/pictures", 16)
    (['नम', 'स्ते'], ['example.com/', 'pictures'])
    """
    parts: list[list[str]] = [[]]
    # A cluster of many joined consonants may be wider than a line.
    narrow = ((each,) if display_width(each) <= columns else tuple(each) for each in clusters(text))
    for cluster in chain.from_iterable(narrow):
        part = parts[-1]
        if part and display_width("".join(part)) + display_width(cluster) > columns:
            end = _end_of_part(part)
            parts[-1:] = [part[:end], part[end:]]
        parts[-1].append(cluster)
    return ["".join(part) for part in parts]


def _end_of_part(part: list[str]) -> int:
    """Return where to end a part that is full: after the last punctuation of its second half, else at its end."""
    after = (index for index in range(len(part), len(part) // 2, -1) if part[index - 1] in _ADDRESS_MARKS)
    return next(after, len(part))


def balance_lines(
    widths: Sequence[float], separators: Sequence[float], penalties: Sequence[float], limit: float, lines: int
) -> list[slice] | None:
    """Break pieces into exactly ``lines`` balanced lines of at most ``limit`` width; None if impossible.

    ``separators`` and ``penalties`` belong to the place before each piece. Minimises the squared deviations from the
    mean length plus the penalties, by dynamic programming (M. F. Plass and D. E. Knuth, Breaking Paragraphs into Lines,
    1981).
    """
    count = len(widths)
    ends = [0.0, *accumulate(width + gap for width, gap in zip(widths, separators, strict=True))]
    ideal = (ends[-1] - separators[0]) / lines if count else 0.0
    # For each number of first pieces: the least cost, and the start of its last line.
    rows: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
    for _ in range(lines):
        row: dict[int, tuple[float, int]] = {}
        for start, (cost, _previous) in rows[-1].items():
            if start == count:  # nothing is left for another line
                continue
            before = cost + (penalties[start] if start else 0.0)
            for end in range(start + 1, count + 1):
                width = ends[end] - ends[start] - separators[start]
                if width > limit:
                    break
                total = before + ((width - ideal) / limit) ** 2
                if end not in row or total < row[end][0]:
                    row[end] = (total, start)
        rows.append(row)
    if count not in rows[-1]:
        return None
    pieces: list[slice] = []
    end = count
    for row in reversed(rows[1:]):
        start = row[end][1]
        pieces.append(slice(start, end))
        end = start
    return pieces[::-1]
