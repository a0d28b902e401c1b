"""Typesetting: shapes lines of text into positioned glyphs and rasterises them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np
import uharfbuzz
from numpy.typing import NDArray

from pipeline.subtitles.bidirectional import TextRun, visual_runs
from pipeline.subtitles.line_breaking import normalise_text

Coverage = NDArray[np.uint8]

FONTS = Path(__file__).with_name("fonts")
UNIT = 64  # units per pixel while glyphs are placed
ASCENT, DESCENT = 0.96, 0.28  # of the size: height of a line above and below its baseline, with marks
_SYNTHETIC_BOLD = 0.032  # of the size: emboldens the regular CJK face to match the bold Latin one

_CJK_LANGUAGES = ("zh", "ja", "ko")
_VARIANTS = re.compile(r"[\ufe00-\ufe0f\U000e0000-\U000e01ef]")  # variation selectors
_ORPHAN_JOINERS = re.compile(r"(?<!\S)\u200d+")  # joiners left over from removed emoji
_ATTACHED_CATEGORIES = ("Mn", "Me", "Mc", "Cf")  # categories drawn by the font of the preceding character
# Categories drawn as a box when no font has them; marks and symbols are left out.
_DRAWN_CATEGORIES = ("L", "N", "P", "Z")
_SUBSTITUTES = str.maketrans("\u0671", "\u0627")  # alef wasla, of vocalised Arabic, which DejaVu Sans lacks: alef


@dataclass(frozen=True)
class Glyph:
    """Glyph of a font, with its origin in pixels: to the right of the line's start, and above its baseline."""

    font: int
    glyph: int
    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """Shaped line: glyphs from left to right. ``width`` is in pixels."""

    glyphs: tuple[Glyph, ...]
    width: float


@cache
def _face(name: str) -> tuple[uharfbuzz.Face, frozenset[int]]:
    """Load a font's face and the characters that it has."""
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(FONTS / name)))
    return face, frozenset(face.unicodes)


class Typesetter:
    """Typesetter for one size (pixels) and one language (a BCP 47 tag). Not thread-safe.

    DejaVu Sans has Latin, Greek, Cyrillic, Arabic and Hebrew. Noto Sans CJK has Chinese, Japanese and Korean, and
    Latin, which it also sets in those languages. HarfBuzz does joining, kerning and mark positioning.
    """

    def __init__(self, size: float, language: str) -> None:
        self.size = size
        self._language = language.lower()
        names = ["DejaVuSansCondensed-Bold.ttf", "DarkroomSansCJK-Regular.otf"]
        if language.partition("-")[0] in _CJK_LANGUAGES:
            names.reverse()
        self._fonts: list[uharfbuzz.Font] = []
        self._characters: list[frozenset[int]] = []
        for name in names:
            face, characters = _face(name)
            font = uharfbuzz.Font(face)
            font.scale = (round(size * UNIT), round(size * UNIT))
            if name.startswith("DarkroomSansCJK"):
                font.synthetic_bold = (_SYNTHETIC_BOLD, _SYNTHETIC_BOLD, True)
            self._fonts.append(font)
            self._characters.append(characters)
        self._widths: dict[str, float] = {}

    def drawable(self, text: str) -> str:
        """Return the drawable form of a text: composed (NFC), with single spaces.

        Emoji, other symbols and marks that no font has are left out. A letter that no font has stays, and becomes a
        box.
        """
        composed = _VARIANTS.sub("", normalise_text(text)).translate(_SUBSTITUTES)
        drawn = (
            each
            for each in composed
            if unicodedata.category(each)[0] in _DRAWN_CATEGORIES or any(ord(each) in one for one in self._characters)
        )
        return normalise_text(_ORPHAN_JOINERS.sub("", "".join(drawn)))

    def line(self, text: str, *, rightward: bool) -> Line:
        """Shape a line of drawable text; ``rightward`` is the paragraph's direction."""
        glyphs: list[Glyph] = []
        pen_x = 0.0
        for run in visual_runs(text, rightward=rightward):
            parts = self._parts(run.text)
            for font, part in parts if run.left_to_right else reversed(parts):
                pen_x = self._shape(font, TextRun(part, run.left_to_right), pen_x, glyphs)
        return Line(tuple(glyphs), pen_x)

    def width(self, text: str) -> float:
        """Measure the width of a text, in pixels."""
        if text not in self._widths:
            self._widths[text] = self.line(text, rightward=True).width
        return self._widths[text]

    def rasterise(
        self, lines: Sequence[tuple[Line, float, float]], width: int, height: int, supersampling: int
    ) -> Coverage:
        """Rasterise lines: the coverage of each pixel, 0 to 255, uint8.

        The rows and columns are ``supersampling`` times those of the frame.

        Each line comes with its start and its baseline, in pixels from the left and from the top. Anything outside is
        clipped.
        """
        canvas = uharfbuzz.RasterDraw()
        canvas.extents = uharfbuzz.RasterExtents(
            0, 0, width * supersampling, height * supersampling, width * supersampling
        )
        unit = supersampling / UNIT
        for line, left, baseline in lines:
            for glyph in line.glyphs:
                right, up = (left + glyph.x) * supersampling, (height - baseline + glyph.y) * supersampling
                canvas.transform = (unit, 0, 0, unit, right, up)
                canvas.draw_glyph(self._fonts[glyph.font], glyph.glyph)
        image = canvas.render()
        if image is None:
            raise MemoryError("no memory to draw subtitles in")
        extents = image.extents
        rows = np.frombuffer(image.buffer, np.uint8).reshape(extents.height, extents.stride)
        return np.ascontiguousarray(rows[::-1, : extents.width])  # rows come from the bottom up

    def _parts(self, text: str) -> list[tuple[int, str]]:
        """Split a text into parts of one font each."""
        fonts: list[int] = []
        for each in text:
            attached = bool(fonts) and unicodedata.category(each) in _ATTACHED_CATEGORIES
            fonts.append(fonts[-1] if attached else self._font_of(each))
        ends = groupby(zip(fonts, text, strict=True), key=lambda pair: pair[0])
        return [(font, "".join(each for _font, each in pairs)) for font, pairs in ends]

    def _font_of(self, character: str) -> int:
        return next((index for index, each in enumerate(self._characters) if ord(character) in each), 0)

    def _shape(self, font: int, run: TextRun, pen_x: float, glyphs: list[Glyph]) -> float:
        """Append the glyphs of a run of one font and direction; returns the pen position after it."""
        buffer = uharfbuzz.Buffer()
        buffer.add_str(run.text)
        buffer.guess_segment_properties()
        buffer.direction = "ltr" if run.left_to_right else "rtl"
        buffer.language = self._language
        uharfbuzz.shape(self._fonts[font], buffer)
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            glyphs.append(Glyph(font, info.codepoint, pen_x + position.x_offset / UNIT, position.y_offset / UNIT))
            pen_x += position.x_advance / UNIT
        return pen_x
