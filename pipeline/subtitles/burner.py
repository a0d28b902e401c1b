"""Subtitle burner: draws white text with a dark outline into frames, readable on any background."""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from darkroom.contract.subtitle_characters import drawable_form, missing_characters, no_font_message
from pipeline.core.arrays import Rgb
from pipeline.speech.segmentation import clusters
from pipeline.subtitles.bidirectional import is_left_to_right
from pipeline.subtitles.cues import Cue
from pipeline.subtitles.line_breaking import balance_lines, breakable_pieces, unwrap_lines
from pipeline.subtitles.typesetting import Coverage, Line, Typesetter

MAX_LINES = 4
SAFE_MARGIN = 0.05  # of each side: margin that screens may cut off (title safe area of EBU R 95, for 16:9)
# Font size, of a video's shorter side. Text is wrapped again where 42 columns do not fit.
_SIZE_TALL, _SIZE_SQUARE, _SIZE_WIDE = 0.055, 0.047, 0.055
# Of the height, left free below: more on tall videos, where phones show controls.
_BOTTOM_MARGIN_TALL, _BOTTOM_MARGIN = 0.14, 0.07
_LEADING = 1.24  # of the size: from one baseline to the next
_OUTLINE = 0.075  # of the size
# The shadow's blur and offset, of the size, and its opacity.
_SHADOW_BLUR, _SHADOW_OFFSET, _SHADOW_OPACITY = 0.11, 0.05, 0.65
_SUPERSAMPLING = 2  # factor of supersampling
_INVISIBLE = ("Cc", "Cf", "Mn", "Zs")
_SHRINK = 0.94  # factor to the next size to try when text does not fit


@dataclass(frozen=True)
class SubtitleOverlay:
    """Overlay on a part of a frame, at ``left`` and ``top``: a factor and an addend, both h×w×3 uint8."""

    left: int
    top: int
    background_weight: Rgb
    premultiplied: Rgb


def cannot_burn_reason(cues: Iterable[Cue]) -> str | None:
    """Return why cues cannot be burned in: the fonts lack characters that they need; None if they can."""
    missing = missing_characters("".join(line for cue in cues for line in cue.lines))
    return no_font_message(missing) if missing else None


def omitted_characters(cues: Iterable[Cue]) -> tuple[str, ...]:
    """Return what burned-in cues leave out, such as emoji, each once."""
    lines = " ".join(line for cue in cues for line in cue.lines)
    return tuple(
        dict.fromkeys(
            cluster
            for cluster in clusters(lines)
            if any(drawable_form(each) is None and unicodedata.category(each) not in _INVISIBLE for each in cluster)
        )
    )


def safe_area(width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the area for text, in pixels."""
    across, down = ceil(width * SAFE_MARGIN), ceil(height * SAFE_MARGIN)
    return across, down, width - across, height - down


class SubtitleBurner:
    """Burner of cues into the frames of a video of ``width`` × ``height`` pixels. Not thread-safe.

    ``language`` is a BCP 47 tag. The font size is readable on a phone. Lines too wide for it are wrapped again into up
    to four lines; text that still does not fit is set smaller. Emoji are left out.
    """

    def __init__(self, cues: Sequence[Cue], width: int, height: int, language: str) -> None:
        self._cues = cues
        self._starts = [cue.start for cue in cues]
        self._width, self._height, self._language = width, height, language
        self._tall = height > 1.2 * width
        share = _SIZE_TALL if self._tall else _SIZE_WIDE if width > 1.2 * height else _SIZE_SQUARE
        self._typesetter = Typesetter(share * min(width, height), language)
        self._cached: tuple[int, SubtitleOverlay | None] = (-1, None)

    def burn(self, frame: Rgb, seconds: float) -> Rgb:
        """Draw the cue at ``seconds``, if there is one, into the frame (H×W×3 uint8), in place."""
        overlay = self.overlay(seconds)
        if overlay is not None:
            height, width = overlay.background_weight.shape[:2]
            part = frame[overlay.top : overlay.top + height, overlay.left : overlay.left + width]
            part[:] = cv2.add(cv2.multiply(part, overlay.background_weight, scale=1 / 255), overlay.premultiplied)
        return frame

    def overlay(self, seconds: float) -> SubtitleOverlay | None:
        """Return the overlay at ``seconds``, within the safe area, or None if nothing is shown."""
        index = bisect_right(self._starts, seconds) - 1
        if index < 0 or seconds >= self._cues[index].end:
            return None
        if self._cached[0] != index:
            self._cached = (index, self._draw(self._cues[index]))
        return self._cached[1]

    def _draw(self, cue: Cue) -> SubtitleOverlay | None:
        text = self._typesetter.drawable(unwrap_lines(cue.lines, self._language))
        if not text:
            return None
        rightward = is_left_to_right(text, self._language)
        cue_lines = [drawable for line in cue.lines if (drawable := self._typesetter.drawable(line))]
        typesetter, lines = self._wrapped(text, cue_lines)
        return self._overlay(typesetter, [typesetter.line(line, rightward=rightward) for line in lines])

    def _wrapped(self, text: str, cue_lines: list[str]) -> tuple[Typesetter, list[str]]:
        """Wrap a text to fit; returns the typesetter and the lines.

        Tries the cue's own lines, then others of the same size, then smaller ones.
        """
        left, _top, right, _bottom = safe_area(self._width, self._height)
        typesetter, pieces = self._typesetter, breakable_pieces(text, self._language)
        while True:
            available = right - left - 2 * _border(typesetter.size) - 1
            if all(typesetter.width(line) <= available for line in cue_lines):
                return typesetter, cue_lines
            widths = [typesetter.width(piece.text) for piece in pieces]
            gaps = [typesetter.width(piece.separator) if piece.separator else 0.0 for piece in pieces]
            penalties = [piece.penalty for piece in pieces]
            for lines in range(2, MAX_LINES + 1):
                found = balance_lines(widths, gaps, penalties, available, lines)
                if found is not None:
                    return typesetter, [
                        "".join(piece.separator + piece.text for piece in pieces[part]).strip() for part in found
                    ]
            typesetter = Typesetter(typesetter.size * _SHRINK, self._language)

    def _overlay(self, typesetter: Typesetter, lines: list[Line]) -> SubtitleOverlay:
        size = typesetter.size
        border = _border(size)
        left, top, right, bottom = safe_area(self._width, self._height)
        width = min(ceil(max(line.width for line in lines)) + 2 * border + 1, right - left)
        baselines = _baselines(lines, size)
        height = min(ceil(baselines[-1] + lines[-1].descent) + 2 * border, bottom - top)
        baseline_limit = min(
            round(self._height * (1 - (_BOTTOM_MARGIN_TALL if self._tall else _BOTTOM_MARGIN))) + border, bottom
        )
        placed = [
            (line, (width - line.width) / 2, border + baseline) for line, baseline in zip(lines, baselines, strict=True)
        ]
        coverage = typesetter.rasterise(placed, width, height, _SUPERSAMPLING)
        background_weight, premultiplied = _blend_factors(coverage, size)
        return SubtitleOverlay((self._width - width) // 2, baseline_limit - height, background_weight, premultiplied)


def _baselines(lines: Sequence[Line], size: float) -> list[float]:
    """Return the baseline of each line in pixels below the text's top; marks of neighbouring lines do not touch."""
    baselines = [lines[0].ascent]
    for above, below in pairwise(lines):
        baselines.append(baselines[-1] + max(_LEADING * size, above.descent + below.ascent))
    return baselines


def _border(size: float) -> int:
    """Return the pixels around the letters that their outline and shadow need."""
    return ceil((_OUTLINE + 2 * _SHADOW_BLUR + _SHADOW_OFFSET) * size) + 1


def _blend_factors(coverage: Coverage, size: float) -> tuple[Rgb, Rgb]:
    """Compute the factor and the addend of an overlay from the letters' coverage at the finer resolution."""
    height, width = (side // _SUPERSAMPLING for side in coverage.shape)
    reach = 2 * round(_OUTLINE * size * _SUPERSAMPLING) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    outlined = cv2.dilate(coverage, disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    letters, outline = (
        cv2.resize(each, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        for each in (coverage, outlined)
    )
    blurred = cv2.GaussianBlur(outline, (0, 0), _SHADOW_BLUR * size, borderType=cv2.BORDER_CONSTANT)
    shadow = np.pad(blurred, ((round(_SHADOW_OFFSET * size), 0), (0, 0)))[:height] * _SHADOW_OPACITY
    return _levels((1 - shadow) * (1 - outline) * (1 - letters)), _levels(letters)


def _levels(share: NDArray[np.floating]) -> Rgb:
    """Convert h×w shares, 0 to 1, to h×w×3 levels, 0 to 255."""
    levels = np.rint(share * 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)
