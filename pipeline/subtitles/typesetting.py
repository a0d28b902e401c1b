"""Typesetting: shapes lines of text into positioned glyphs and rasterises them."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import uharfbuzz
from numpy.typing import NDArray

from darkroom.contract.subtitle_characters import drawable_form, is_needed
from pipeline.subtitles.bidirectional import TextRun, visual_runs
from pipeline.subtitles.font_files import fonts_for
from pipeline.subtitles.line_breaking import normalise_text

Coverage = NDArray[np.uint8]

UNIT = 64  # units per pixel while glyphs are placed
ASCENT, DESCENT = 0.96, 0.28  # of the size: least height of a line above and below its baseline
_MAX_REACH = 2.0  # of the size: marks above or below that are cut off
_SYNTHETIC_BOLD = 0.032  # of the size: emboldens a regular face to match the bold ones

_VARIANTS = re.compile(r"[\ufe00-\ufe0f\U000e0000-\U000e01ef]")  # variation selectors, and the tags of flags
_ORPHAN_JOINERS = re.compile(r"(?<!\S)\u200d+")  # joiners left over from removed emoji
_ATTACHED_CATEGORIES = ("Mn", "Me", "Mc", "Cf")  # categories drawn by the font of the preceding character
_MAIN_FONTS = 2  # Latin and CJK


@dataclass(frozen=True)
class Glyph:
    """Glyph of a font, with its origin in pixels: to the right of the line's start, and above its baseline."""

    font: int
    glyph: int
    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """Shaped line: glyphs from left to right. ``width`` is in pixels.

    ``ascent`` and ``descent`` are its heights above and below the baseline, in pixels, with all marks.
    """

    glyphs: tuple[Glyph, ...]
    width: float
    ascent: float
    descent: float


class Typesetter:
    """Typesetter for one size (pixels) and one language (a BCP 47 tag). Not thread-safe.

    DejaVu Sans has Latin, Greek, Cyrillic and Hebrew, and most of Arabic. Noto Sans CJK has Chinese, Japanese and
    Korean, and Latin, which it also sets in those languages. Parts of Noto Sans have the other scripts. HarfBuzz does
    joining, reordering, kerning and mark positioning.
    """

    def __init__(self, size: float, language: str) -> None:
        self.size = size
        self._language = language.lower()
        self._files = fonts_for(language)
        self._fonts: dict[int, uharfbuzz.Font] = {}
        self._widths: dict[str, float] = {}

    def drawable(self, text: str) -> str:
        """Return the drawable form of a text: composed (NFC), with single spaces.

        Styled letters that no font has become plain. Emoji, other symbols and marks that no font has are left out. A
        needed character that no font has stays, and becomes a box.
        """
        composed = _VARIANTS.sub("", normalise_text(text))
        drawn = (drawable_form(each) or (each if is_needed(each) else "") for each in composed)
        return normalise_text(_ORPHAN_JOINERS.sub("", "".join(drawn)))

    def line(self, text: str, *, rightward: bool) -> Line:
        """Shape a line of drawable text; ``rightward`` is the paragraph's direction."""
        glyphs: list[Glyph] = []
        pen_x = 0.0
        for run in visual_runs(text, rightward=rightward):
            parts = self._parts(run.text)
            for font, part in parts if run.left_to_right else reversed(parts):
                pen_x = self._shape(font, TextRun(part, run.left_to_right), pen_x, glyphs)
        return Line(tuple(glyphs), pen_x, *self._reach(glyphs))

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
                canvas.draw_glyph(self._font(glyph.font), glyph.glyph)
        image = canvas.render()
        if image is None:
            raise MemoryError("no memory to draw subtitles in")
        extents = image.extents
        rows = np.frombuffer(image.buffer, np.uint8).reshape(extents.height, extents.stride)
        return np.ascontiguousarray(rows[::-1, : extents.width])  # rows come from the bottom up

    def _font(self, index: int) -> uharfbuzz.Font:
        if index not in self._fonts:
            font = self._fonts[index] = uharfbuzz.Font(self._files[index].face)
            font.scale = (round(self.size * UNIT), round(self.size * UNIT))
            if not self._files[index].bold:
                font.synthetic_bold = (_SYNTHETIC_BOLD, _SYNTHETIC_BOLD, True)
        return self._fonts[index]

    def _reach(self, glyphs: Sequence[Glyph]) -> tuple[float, float]:
        """Measure how far glyphs reach above and below the baseline, in pixels."""
        ascent, descent = ASCENT * self.size, DESCENT * self.size
        for each in glyphs:
            extents = self._font(each.font).get_glyph_extents(each.glyph)
            if extents is not None and extents.height:
                top = each.y + extents.y_bearing / UNIT
                ascent, descent = max(ascent, top), max(descent, -top - extents.height / UNIT)
        return min(ascent, _MAX_REACH * self.size), min(descent, _MAX_REACH * self.size)

    def _parts(self, text: str) -> list[tuple[int, str]]:
        """Split a text into parts of one font each."""
        found: list[tuple[int, str]] = []
        for token in _tokens(text):
            for font, cluster in self._with_fonts(token, found[-1][0] if found else 0):
                # A mark that the font lacks would be a box.
                characters = self._files[font].characters
                drawn = (each for each in cluster[1:] if is_needed(each) or ord(each) in characters)
                found.append((font, cluster[0] + "".join(drawn)))
        parts = groupby(found, key=lambda pair: pair[0])
        return [(font, "".join(cluster for _font, cluster in clusters)) for font, clusters in parts]

    def _with_fonts(self, token: str, last: int) -> Iterator[tuple[int, str]]:
        """Yield the clusters of a token, each with its font: one font for all, so that its letters join, or several."""
        whole = self._font_of(token, last)
        for cluster in _clusters(token):
            found = whole if whole is not None else self._font_of(cluster, last)
            yield (self._font_of(cluster[0], last) or 0) if found is None else found, cluster

    def _font_of(self, text: str, last: int) -> int | None:
        """Return the first font that has a text, the last one used before other scripts'; None if no font has it."""
        order = [*range(_MAIN_FONTS), last, *range(_MAIN_FONTS, len(self._files))]
        return next((index for index in order if self._files[index].has_all(text)), None)

    def _shape(self, font: int, run: TextRun, pen_x: float, glyphs: list[Glyph]) -> float:
        """Append the glyphs of a run of one font and direction; returns the pen position after it."""
        buffer = uharfbuzz.Buffer()
        buffer.add_str(run.text)
        buffer.guess_segment_properties()
        buffer.direction = "ltr" if run.left_to_right else "rtl"
        buffer.language = self._language
        uharfbuzz.shape(self._font(font), buffer)
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            glyphs.append(Glyph(font, info.codepoint, pen_x + position.x_offset / UNIT, position.y_offset / UNIT))
            pen_x += position.x_advance / UNIT
        return pen_x


def _tokens(text: str) -> Iterator[str]:
    """Split a text into runs of letters with their marks, and runs of anything else."""
    letters = [unicodedata.category(each)[0] == "L" for each in text]
    start = 0
    for index in range(1, len(text) + 1):
        attached = index < len(text) and unicodedata.category(text[index]) in _ATTACHED_CATEGORIES
        if index == len(text) or (letters[index] != letters[start] and not attached):
            yield text[start:index]
            start = index


def _clusters(text: str) -> Iterator[str]:
    """Split a text into characters, each with the marks attached to it."""
    start = 0
    for index in range(1, len(text) + 1):
        if index == len(text) or unicodedata.category(text[index]) not in _ATTACHED_CATEGORIES:
            yield text[start:index]
            start = index
