"""Subtitles as a part of the picture: white with a dark outline, so that they can be read on anything."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Rgb
from pipeline.subtitles.bidirectional import is_left_to_right
from pipeline.subtitles.cues import Cue
from pipeline.subtitles.line_breaking import balance_lines, break_penalty, breakable_pieces, unwrap_lines
from pipeline.subtitles.typesetting import ASCENT, DESCENT, Coverage, Line, Typesetter

MAX_LINES = 4
SAFE = 0.05  # of each side: what screens may cut off (title safe of EBU R 95, which is for 16:9)
# Of a video's shorter side: the size of the letters. Where 42 columns do not fit, text is wrapped again.
_SIZE_TALL, _SIZE_SQUARE, _SIZE_WIDE = 0.055, 0.047, 0.055
_LOWER_TALL, _LOWER = 0.14, 0.07  # of the height, left free below: on tall videos for what phones show there
_LEADING = 1.24  # of the size: from one baseline to the next
_OUTLINE = 0.075  # of the size
_BLUR, _DROP, _SHADE = 0.11, 0.05, 0.65  # the shadow: its blur and its offset, of the size, and how dark it is
_FINER = 2  # outlines are made on so many times the pixels
_SMALLER = 0.94  # the next size to try when text does not fit


@dataclass(frozen=True)
class SubtitleOverlay:
    """What is drawn over a part of a frame: how much of the frame stays, and what is added, both h×w×3 uint8.

    ``left`` and ``top`` say where.
    """

    left: int
    top: int
    background_weight: Rgb
    premultiplied: Rgb


def safe_area(width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of where text may be, in pixels."""
    across, down = ceil(width * SAFE), ceil(height * SAFE)
    return across, down, width - across, height - down


class SubtitleBurner:
    """Draws cues into the frames of a video of ``width`` × ``height`` pixels. For one thread.

    ``language`` is a BCP 47 tag. Letters have a size that can be read on a phone; what is too wide for that is wrapped
    again, into up to four lines, and what even then does not fit gets smaller letters. Emoji are left out.
    """

    def __init__(self, cues: Sequence[Cue], width: int, height: int, language: str) -> None:
        self._cues = cues
        self._starts = [cue.start for cue in cues]
        self._width, self._height, self._language = width, height, language
        self._tall = height > 1.2 * width
        share = _SIZE_TALL if self._tall else _SIZE_WIDE if width > 1.2 * height else _SIZE_SQUARE
        self._typesetter = Typesetter(share * min(width, height), language)
        self._drawn: tuple[int, SubtitleOverlay | None] = (-1, None)

    def burn(self, frame: Rgb, seconds: float) -> Rgb:
        """Draw the cue of that moment into the frame (H×W×3 uint8, changed in place), if there is one."""
        overlay = self.overlay(seconds)
        if overlay is not None:
            height, width = overlay.background_weight.shape[:2]
            part = frame[overlay.top : overlay.top + height, overlay.left : overlay.left + width]
            part[:] = cv2.add(cv2.multiply(part, overlay.background_weight, scale=1 / 255), overlay.premultiplied)
        return frame

    def overlay(self, seconds: float) -> SubtitleOverlay | None:
        """What is drawn at that moment, if anything is. It lies within the safe area."""
        index = bisect_right(self._starts, seconds) - 1
        if index < 0 or seconds >= self._cues[index].end:
            return None
        if self._drawn[0] != index:
            self._drawn = (index, self._draw(self._cues[index]))
        return self._drawn[1]

    def _draw(self, cue: Cue) -> SubtitleOverlay | None:
        text = self._typesetter.drawable(unwrap_lines(cue.lines, self._language))
        if not text:
            return None
        rightward = is_left_to_right(text, self._language)
        own = [drawable for line in cue.lines if (drawable := self._typesetter.drawable(line))]
        setter, lines = self._wrapped(text, own)
        return self._overlay(setter, [setter.line(line, rightward=rightward) for line in lines])

    def _wrapped(self, text: str, own: list[str]) -> tuple[Typesetter, list[str]]:
        """The lines that fit, and what sets them: the cue's own, else others of the same size, else smaller ones."""
        left, _top, right, _bottom = safe_area(self._width, self._height)
        setter = self._typesetter
        while True:
            room = right - left - 2 * _border(setter.size) - 1
            if all(setter.width(line) <= room for line in own):
                return setter, own
            words = breakable_pieces(text)
            widths = [setter.width(word) for _between, word in words]
            gaps = [setter.width(between) if between else 0.0 for between, _word in words]
            against = [0.0, *(break_penalty(one, two, self._language) for (_, one), (_, two) in pairwise(words))]
            for lines in range(2, MAX_LINES + 1):
                found = balance_lines(widths, gaps, against, room, lines)
                if found is not None:
                    return setter, ["".join(between + word for between, word in words[part]).strip() for part in found]
            setter = Typesetter(setter.size * _SMALLER, self._language)

    def _overlay(self, setter: Typesetter, lines: list[Line]) -> SubtitleOverlay:
        size = setter.size
        border = _border(size)
        left, top, right, bottom = safe_area(self._width, self._height)
        width = min(ceil(max(line.width for line in lines)) + 2 * border + 1, right - left)
        tall = (len(lines) - 1) * _LEADING + ASCENT + DESCENT
        height = min(ceil(tall * size) + 2 * border, bottom - top)
        lowest = min(round(self._height * (1 - (_LOWER_TALL if self._tall else _LOWER))) + border, bottom)
        placed = [
            (line, (width - line.width) / 2, border + (ASCENT + index * _LEADING) * size)
            for index, line in enumerate(lines)
        ]
        covered = setter.rasterise(placed, width, height, _FINER)
        stays, added = _inked(covered, size)
        return SubtitleOverlay((self._width - width) // 2, lowest - height, stays, added)


def _border(size: float) -> int:
    """Pixels around the letters that their outline and their shadow may take."""
    return ceil((_OUTLINE + 2 * _BLUR + _DROP) * size) + 1


def _inked(covered: Coverage, size: float) -> tuple[Rgb, Rgb]:
    """What stays of a frame, and what is added, where letters cover so much of the finer pixels."""
    height, width = (side // _FINER for side in covered.shape)
    reach = 2 * round(_OUTLINE * size * _FINER) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    outlined = cv2.dilate(covered, disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    letters, outline = (
        cv2.resize(each, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        for each in (covered, outlined)
    )
    blurred = cv2.GaussianBlur(outline, (0, 0), _BLUR * size, borderType=cv2.BORDER_CONSTANT)
    shadow = np.pad(blurred, ((round(_DROP * size), 0), (0, 0)))[:height] * _SHADE
    return _levels((1 - shadow) * (1 - outline) * (1 - letters)), _levels(letters)


def _levels(share: NDArray[np.floating]) -> Rgb:
    """h×w shares, 0 to 1, as h×w×3 levels, 0 to 255."""
    levels = np.rint(share * 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)
