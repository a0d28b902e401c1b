"""From a line of text to glyphs in their places, and from those to what they cover."""

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
UNIT = 64  # to which a pixel is divided while glyphs are placed
ASCENT, DESCENT = 0.96, 0.28  # of the size: what a line needs above and below its baseline, with marks
_EMBOLDENED = 0.032  # of the size: what brings the regular CJK face near the bold one beside it

_CJK_LANGUAGES = ("zh", "ja", "ko")
_VARIANTS = re.compile(r"[\ufe00-\ufe0f\U000e0000-\U000e01ef]")  # what chooses the look of a character
_UNJOINED = re.compile(r"(?<!\S)\u200d+")  # joiners whose emoji are gone
_STAYING = ("Mn", "Me", "Mc", "Cf")  # categories that are drawn by the font of the character before
_LETTERS = ("L", "N", "P", "Z")  # what leaves a box when no font has it; marks and symbols are left out
_INSTEAD = str.maketrans("\u0671", "\u0627")  # alef wasla, of vocalised Arabic, which DejaVu Sans lacks: alef


@dataclass(frozen=True)
class Glyph:
    """A glyph of a font, with its origin: pixels to the right of the line's start, and above its baseline."""

    font: int
    glyph: int
    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """Glyphs from left to right. ``width`` is in pixels."""

    glyphs: tuple[Glyph, ...]
    width: float


@cache
def _face(name: str) -> tuple[uharfbuzz.Face, frozenset[int]]:
    """A font's face, and the characters that it has."""
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(FONTS / name)))
    return face, frozenset(face.unicodes)


class Typesetter:
    """Sets text at one size (pixels) in one language (a BCP 47 tag). For one thread.

    DejaVu Sans has Latin, Greek, Cyrillic, Arabic and Hebrew, Noto Sans CJK has Chinese, Japanese and Korean, and
    Latin as well, which is taken from it in those languages. HarfBuzz joins, kerns and places marks.
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
                font.synthetic_bold = (_EMBOLDENED, _EMBOLDENED, True)
            self._fonts.append(font)
            self._characters.append(characters)
        self._widths: dict[str, float] = {}

    def drawable(self, text: str) -> str:
        """The text as it can be drawn: composed (NFC), with single spaces.

        Emoji, other symbols and marks that no font has are left out. A letter that none has stays, and becomes a box.
        """
        composed = _VARIANTS.sub("", normalise_text(text)).translate(_INSTEAD)
        kept = (
            each
            for each in composed
            if unicodedata.category(each)[0] in _LETTERS or any(ord(each) in one for one in self._characters)
        )
        return normalise_text(_UNJOINED.sub("", "".join(kept)))

    def line(self, text: str, *, rightward: bool) -> Line:
        """A line of drawable text, of a paragraph that begins at the left, or not."""
        glyphs: list[Glyph] = []
        pen = 0.0
        for run in visual_runs(text, rightward=rightward):
            parts = self._parts(run.text)
            for font, part in parts if run.left_to_right else reversed(parts):
                pen = self._shape(font, TextRun(part, run.left_to_right), pen, glyphs)
        return Line(tuple(glyphs), pen)

    def width(self, text: str) -> float:
        """How wide a text is, in pixels."""
        if text not in self._widths:
            self._widths[text] = self.line(text, rightward=True).width
        return self._widths[text]

    def rasterise(self, lines: Sequence[tuple[Line, float, float]], width: int, height: int, finer: int) -> Coverage:
        """How much of each pixel is covered, 0 to 255, uint8, on ``finer`` times the rows and the columns.

        Each line comes with its start and its baseline, in pixels from the left and from the top. What lies outside is
        cut off.
        """
        canvas = uharfbuzz.RasterDraw()
        canvas.extents = uharfbuzz.RasterExtents(0, 0, width * finer, height * finer, width * finer)
        unit = finer / UNIT
        for line, left, baseline in lines:
            for glyph in line.glyphs:
                right, up = (left + glyph.x) * finer, (height - baseline + glyph.y) * finer
                canvas.transform = (unit, 0, 0, unit, right, up)
                canvas.draw_glyph(self._fonts[glyph.font], glyph.glyph)
        image = canvas.render()
        if image is None:
            raise MemoryError("no memory to draw subtitles in")
        extents = image.extents
        rows = np.frombuffer(image.buffer, np.uint8).reshape(extents.height, extents.stride)
        return np.ascontiguousarray(rows[::-1, : extents.width])  # they come from the bottom

    def _parts(self, text: str) -> list[tuple[int, str]]:
        """A text in parts of one font each."""
        fonts: list[int] = []
        for each in text:
            stays = bool(fonts) and unicodedata.category(each) in _STAYING
            fonts.append(fonts[-1] if stays else self._font_of(each))
        ends = groupby(zip(fonts, text, strict=True), key=lambda pair: pair[0])
        return [(font, "".join(each for _font, each in pairs)) for font, pairs in ends]

    def _font_of(self, character: str) -> int:
        return next((index for index, each in enumerate(self._characters) if ord(character) in each), 0)

    def _shape(self, font: int, run: TextRun, pen: float, glyphs: list[Glyph]) -> float:
        """Append the glyphs of a run of one font and direction; where the next begins."""
        buffer = uharfbuzz.Buffer()
        buffer.add_str(run.text)
        buffer.guess_segment_properties()
        buffer.direction = "ltr" if run.left_to_right else "rtl"
        buffer.language = self._language
        uharfbuzz.shape(self._fonts[font], buffer)
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            glyphs.append(Glyph(font, info.codepoint, pen + position.x_offset / UNIT, position.y_offset / UNIT))
            pen += position.x_advance / UNIT
        return pen
