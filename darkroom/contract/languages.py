"""Languages of texts: detection by letters and by CLD3, and the check that a voice reads the letters of a script."""

import unicodedata
from collections import Counter
from functools import cache
from threading import Lock
from typing import Any

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.voices import DEFAULT_LANGUAGE, Voice, voices

UNDETERMINED = "und"  # BCP 47 tag of an undetermined language
# Beginnings of the Unicode names of letters, and the languages written in them; the first is the default.
_LANGUAGES_OF_LETTERS = {
    "ARABIC": ("ar", "fa", "ur", "ps", "sd", "ku", "ug"),
    "ARMENIAN": ("hy",),
    "BENGALI": ("bn", "as"),
    "CYRILLIC": ("ru", "uk", "bg", "sr", "mk", "be", "kk", "ky", "mn", "tg"),
    "DEVANAGARI": ("hi", "mr", "ne", "sa"),
    "ETHIOPIC": ("am", "ti"),
    "GEORGIAN": ("ka",),
    "GREEK": ("el",),
    "GUJARATI": ("gu",),
    "GURMUKHI": ("pa",),
    "HANGUL": ("ko",),
    "HEBREW": ("he", "yi"),
    "KANNADA": ("kn",),
    "KHMER": ("km",),
    "LAO": ("lo",),
    "MALAYALAM": ("ml",),
    "MYANMAR": ("my",),
    "ORIYA": ("or",),
    "SINHALA": ("si",),
    "TAMIL": ("ta",),
    "TELUGU": ("te",),
    "THAI": ("th",),
    "TIBETAN": ("bo", "dz"),
    "CJK": ("zh",),
}
_KANA = ("HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA")
_LATIN = ("LATIN", "FULLWIDTH LATIN")
_MIN_SHARE = 0.25  # least share of all letters: Latin names and terms have more letters than the text around them
# CLD3 is often sure and wrong of a greeting: fewer letters than these are not asked about, unless a voice speaks it.
_MIN_LETTERS, _MIN_LETTERS_OF_VOICES = 24, 8
_MIN_PROBABILITY = 0.97
_CLD3_BYTES = 2_000  # of a text that CLD3 reads
_CLD3_LOCK = Lock()  # it lets other threads run, but does not promise to serve several
_CLD3_CODES = {"iw": "he", "no": "nb"}


def detect_language(text: str) -> str | None:
    """Detect the language of a text (a BCP 47 tag without region); None if it is not known.

    >>> detect_language("今天天气很好"), detect_language("今日は元気"), detect_language("Hm")
    ('zh', 'ja', None)
    """
    names = [unicodedata.name(each, "") for each in text if each.isalpha()]
    counts = Counter(letters for name in names if (letters := _letters(name)) is not None)
    letters, count = counts.most_common(1)[0] if counts else ("", 0)
    if not count or count < _MIN_SHARE * len(names):
        return _latin_language(text, len(names))
    if letters == "CJK":
        return "ja" if any(name.startswith(_KANA) for name in names) else "zh"
    languages = _LANGUAGES_OF_LETTERS[letters]
    ask = len(languages) > 1 and len(names) >= _MIN_LETTERS_OF_VOICES
    found = _detect_by_cld3(text, 0.0) if ask else None
    return found if found in languages else languages[0]


def automatic_voice(script: str, language: str | None, context: str = "") -> Voice:
    """Return the voice that reads a script if none is named: the first of ``language``, else of the script's own.

    If that is not known, the language of ``context`` counts, a longer text around the script. If that is not known
    either, or no voice speaks it, a script in Latin letters gets the voice of en-US.

    Raises ``DarkroomError`` (``invalid_request``) if no voice reads its letters.
    """
    wanted = language or detect_language(script) or detect_language(context) or DEFAULT_LANGUAGE
    found = next((each for each in voices().values() if _speaks(each, wanted)), None)
    if found is not None:
        return found
    fallback = next(each for each in voices().values() if each.language == DEFAULT_LANGUAGE)
    if _foreign_share(script, fallback) > 0.5:
        raise DarkroomError(
            ErrorCode.INVALID_REQUEST,
            f"No voice speaks the language of the script ({wanted}). Upload a voice_track that says it.",
        )
    return fallback


def check_letters(script: str, voice: Voice) -> None:
    """Raise ``DarkroomError`` (``invalid_request``) for a script mostly in letters that the voice does not read.

    It would skip foreign letters or spell them one by one.
    """
    if _foreign_share(script, voice) > 0.5:
        raise DarkroomError(
            ErrorCode.INVALID_REQUEST,
            f"The voice {voice.name} speaks {voice.language}, and most of the script is in letters of another "
            "language. Choose that language, or a voice that speaks it.",
        )


def _foreign_share(script: str, voice: Voice) -> float:
    """Compute the share of a script's letters that the voice does not read."""
    language = voice.language.partition("-")[0]
    own = tuple(letters for letters, languages in _LANGUAGES_OF_LETTERS.items() if language in languages)
    known = (*_LATIN, *own, *(("CJK", *_KANA) if language == "ja" else ()))
    letters = [each for each in script if each.isalpha()]
    foreign = sum(not unicodedata.name(letter, "").startswith(known) for letter in letters)
    return foreign / len(letters) if letters else 0.0


def _letters(name: str) -> str | None:
    """Return the key of ``_LANGUAGES_OF_LETTERS`` for the Unicode name of a letter."""
    if name.startswith(_KANA):
        return "CJK"
    first = name.partition(" ")[0]
    return first if first in _LANGUAGES_OF_LETTERS else None


def _latin_language(text: str, letters: int) -> str | None:
    """Detect the language of a text in Latin letters; None if CLD3 is not sure."""
    if letters < _MIN_LETTERS_OF_VOICES:
        return None
    found = _detect_by_cld3(text, _MIN_PROBABILITY)
    if found is None or any(found in languages for languages in _LANGUAGES_OF_LETTERS.values()):
        return None
    spoken = any(_speaks(voice, found) for voice in voices().values())
    return found if spoken or letters >= _MIN_LETTERS else None


def _speaks(voice: Voice, language: str) -> bool:
    return language in (voice.language, voice.language.partition("-")[0])


def _detect_by_cld3(text: str, min_probability: float) -> str | None:
    plain = "".join(each if each.isprintable() else " " for each in text)  # it reads up to the first NUL
    with _CLD3_LOCK:
        found = _cld3().FindLanguage(plain)
    code: str = _CLD3_CODES.get(found.language, found.language)
    return code if found.is_reliable and found.probability >= min_probability and "-" not in code else None


@cache
def _cld3() -> Any:
    """Load CLD3 (Apache-2.0), which carries its model. The SDK does without it."""
    from gcld3 import NNetLanguageIdentifier  # noqa: PLC0415

    return NNetLanguageIdentifier(min_num_bytes=0, max_num_bytes=_CLD3_BYTES)
