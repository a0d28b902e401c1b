"""Font files: the fonts in ``fonts/`` and the characters that each of them has."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import uharfbuzz

FONTS = Path(__file__).with_name("fonts")
LATIN = "DejaVuSansCondensed-Bold.ttf"
CJK = "DarkroomSansCJK-Regular.otf"
_CJK_LANGUAGES = ("zh", "ja", "ko")


@dataclass(frozen=True, eq=False)
class FontFile:
    """Font file with its face. ``bold`` is False if it has to be emboldened."""

    name: str
    face: uharfbuzz.Face
    bold: bool

    @cached_property
    def characters(self) -> frozenset[int]:
        """Code points of its characters. Most texts need those of one font or two."""
        return frozenset(self.face.unicodes)

    def has_all(self, text: str) -> bool:
        """Return True if the font has every character of a text."""
        return all(ord(each) in self.characters for each in text)


@cache
def font_names() -> tuple[str, ...]:
    """Return the file names of all fonts: Latin first, then CJK, then those of single scripts by name."""
    scripts = sorted(path.name for path in FONTS.glob("Darkroom*.ttf"))
    return (LATIN, CJK, *scripts)


@cache
def load_font(name: str) -> FontFile:
    """Load a font file by name."""
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(FONTS / name)))
    return FontFile(name, face, "Bold" in name)


def fonts_for(language: str) -> tuple[FontFile, ...]:
    """Return all fonts in the order in which a language (a BCP 47 tag) looks for its characters.

    Chinese, Japanese and Korean also set their Latin letters in the CJK font.
    """
    latin, cjk, *scripts = font_names()
    first = (cjk, latin) if language.partition("-")[0].lower() in _CJK_LANGUAGES else (latin, cjk)
    return tuple(load_font(name) for name in (*first, *scripts))
