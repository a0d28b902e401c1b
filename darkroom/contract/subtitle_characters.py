"""Subtitle characters: which characters the fonts of burned-in subtitles have.

``subtitle_characters.toml`` is generated from the fonts, so that a request is checked without them.
"""

import tomllib
import unicodedata
from bisect import bisect_right
from functools import cache
from pathlib import Path

CHARACTERS_FILE = Path(__file__).with_name("subtitle_characters.toml")
# Letters, spacing marks, digits, punctuation, currency and mathematics: a text without them says something else.
_NEEDED_CATEGORIES = ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Mc", "Sc", "Sm", "Co", "Cn")
_PICTOGRAPHS = range(0x1F000, 0x1FB00)  # emoji, also those that this Python's Unicode does not know yet
_MAX_NAMED = 5


def is_needed(character: str) -> bool:
    """Return True for a character without which a text says something else: no emoji, symbols or accents.

    >>> is_needed("क"), is_needed("₹"), is_needed("🎉")
    (True, True, False)
    """
    category = unicodedata.category(character)
    return (category in _NEEDED_CATEGORIES or category[0] == "P") and ord(character) not in _PICTOGRAPHS


def drawable_form(character: str) -> str | None:
    """Return what is drawn for a character: itself if a font has it, else its plain form (NFKC); None if none has.

    >>> drawable_form("क"), drawable_form("𝓗"), drawable_form("㍿"), drawable_form("🎉")
    ('क', 'H', '株式会社', None)
    """
    if _has_font(character):
        return character
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain != character and all(_has_font(each) for each in plain) else None


def missing_characters(text: str) -> str:
    """Return the needed characters of a text that no font can draw, each once, in their order.

    >>> missing_characters("नमस्ते, hello"), missing_characters("ꡀꡁꡀ")
    ('', 'ꡀꡁ')
    """
    composed = dict.fromkeys(unicodedata.normalize("NFC", text))
    return "".join(each for each in composed if is_needed(each) and drawable_form(each) is None)


def no_font_message(missing: str) -> str:
    """Return the words that say which characters have no font.

    >>> no_font_message("ꡀ")
    'no font here has ꡀ (U+A840)'
    """
    named = ", ".join(f"{each} (U+{ord(each):04X})" for each in missing[:_MAX_NAMED])
    more = " and others" if len(missing) > _MAX_NAMED else ""
    return f"no font here has {named}{more}"


def cannot_burn_message(missing: str) -> str:
    """Return the words that say why subtitles with these missing characters cannot be burned in.

    >>> cannot_burn_message("ꡀ")
    'no font here has ꡀ (U+A840), so the subtitles cannot be burned into the picture: ask for subtitles: file'
    """
    return f"{no_font_message(missing)}, so the subtitles cannot be burned into the picture: ask for subtitles: file"


@cache
def _has_font(character: str) -> bool:
    starts, ends = _ranges()
    index = bisect_right(starts, ord(character)) - 1
    return index >= 0 and ord(character) <= ends[index]


@cache
def _ranges() -> tuple[list[int], list[int]]:
    """Load the first and last code points of all ranges, in order."""
    text = str(tomllib.loads(CHARACTERS_FILE.read_text("utf-8"))["ranges"])
    pairs = [span.partition("-") for span in text.split()]
    return [int(first, 16) for first, _, _ in pairs], [int(last or first, 16) for first, _, last in pairs]
