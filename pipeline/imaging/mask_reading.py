"""Mask reading: tells the hole of an uploaded mask, and masks from other pictures.

A mask is black and white with soft edges, of whatever colour model. Transparent pixels count as black, so that white
strokes on nothing are a mask. OpenAI's form is the other way round: the photo itself, transparent where it is filled.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.arrays import Rgb
from pipeline.decoding.picture_decoder import Alpha, DecodedPicture

Mask = NDArray[np.bool_]
Grey = NDArray[np.uint8]

WHITE = 128  # the grey from which on a pixel is white
TRANSPARENT_NOTE = "The mask shows a picture that is transparent in one part: the transparent part was filled."
HOW_MASKS_WORK = (
    "A mask has the photo's size: it is white where the photo is to be filled and black where the photo stays; edges "
    "may be soft."
)
_OTHER_PICTURE = (
    "The mask is not black and white: it looks like a photo or a drawing. "
    f"{HOW_MASKS_WORK} A copy of the photo that is transparent where it is to be filled is a mask, too."
)

# The blackest black and the whitest white of a mask are its most frequent greys below and above the middle.
_DARKEST_GREY, _LIGHTEST_GREY, _LEVELS = 64, 191, 16
_MAX_CHROMA, _COLOURED_SHARE = 64, 0.02
# Other greys are soft edges. A hundredth of the picture may have any, half of it some.
_STRAY_SHARE, _EDGE_SHARE = 0.01, 0.5
_SHARP_PIXELS = 10  # how far greys are from the border of a hole that is not soft: a JPEG has them within its blocks
# How far those of a soft one reach, at least and as a share of a side, and the share of them that may be farther.
_SOFT_PIXELS, _SOFT_SIDE, _FAR_SHARE = 12, 0.15, 0.05
_MIN_COHERENCE = 0.8  # of the greys' slopes: those of a soft edge point one way, those of a texture anywhere
_SAMPLE_SIDE = 1500  # pixels of the longer side that are looked at
# Alpha that counts as opaque; difference of a copy from the photo in levels, and of an equal one; colours of a picture.
_OPAQUE, _COPY_LEVELS, _EQUAL_LEVELS, _PICTURE_COLOURS = 247, 24, 4, 16


@dataclass(frozen=True)
class ReadMask:
    """Hole of a mask, H×W bool; and a note if it was told by transparency."""

    hole: Mask
    note: str | None = None


def hole_of(mask: DecodedPicture, photo: Rgb) -> ReadMask:
    """Return the hole of a mask. Raises ``DarkroomError`` (``invalid_mask``) for no mask, and for one of another size
    than the photo's.
    """
    (height, width), (high, wide) = photo.shape[:2], mask.rgb.shape[:2]
    if (high, wide) != (height, width):
        raise DarkroomError(
            ErrorCode.INVALID_MASK,
            f"The mask is {wide}×{high} pixels and the upright photo {width}×{height}. "
            "Upload a mask of the photo's size.",
        )
    step = -(-max(mask.rgb.shape) // _SAMPLE_SIDE)
    sample = np.ascontiguousarray(mask.rgb[::step, ::step])
    shown = np.ones(sample.shape[:2], np.bool_)
    if mask.alpha is not None:
        alpha = np.ascontiguousarray(mask.alpha[::step, ::step])
        if _is_transparent_form(sample, alpha, photo[::step, ::step]):
            return ReadMask(mask.alpha < WHITE, TRANSPARENT_NOTE)
        shown = alpha >= WHITE
    grey = _grey(mask.rgb)
    if mask.alpha is not None:
        grey = np.asarray(cv2.multiply(grey, mask.alpha, scale=1 / 255))
    if _is_coloured(sample, shown) or not is_black_and_white(np.ascontiguousarray(grey[::step, ::step])):
        raise DarkroomError(ErrorCode.INVALID_MASK, _OTHER_PICTURE)
    return ReadMask(grey >= WHITE)


def is_black_and_white(grey: Grey) -> bool:
    """Return True if a picture's greys, H×W, are black, white, and soft edges between them."""
    counts = np.bincount(grey.ravel(), minlength=256)
    black, white = int(counts[:WHITE].argmax()), WHITE + int(counts[WHITE:].argmax())
    # The middle of a small hole with soft edges may be grey.
    white = white if white >= _LIGHTEST_GREY else 255
    is_white = (grey >= WHITE).astype(np.uint8)
    other = np.abs(grey.astype(np.int16) - np.where(is_white, white, black)) > _LEVELS
    if black > _DARKEST_GREY or other.mean() > _EDGE_SHARE:
        return False
    if other.mean() <= _STRAY_SHARE:
        return True
    inside, outside = (np.asarray(cv2.distanceTransform(side, cv2.DIST_L2, 3)) for side in (is_white, 1 - is_white))
    from_border = np.where(is_white, inside, outside)[other]
    if float((from_border > _SHARP_PIXELS).mean()) <= _STRAY_SHARE:
        return True
    reach = max(_SOFT_PIXELS, _SOFT_SIDE * min(grey.shape))
    far = float((from_border > reach).mean())
    return far <= _FAR_SHARE and float(_coherence(grey)[other].mean()) >= _MIN_COHERENCE


def _coherence(grey: Grey) -> NDArray[np.float32]:
    """Return how much the slopes around each pixel agree, 0 to 1 (structure tensor)."""
    x, y = (cv2.Sobel(grey, cv2.CV_32F, dx, 1 - dx, ksize=3) for dx in (1, 0))
    xx, yy, xy = (np.asarray(cv2.boxFilter(product, -1, (5, 5))) for product in (x * x, y * y, x * y))
    total = xx + yy
    return np.asarray(np.sqrt((xx - yy) ** 2 + 4 * xy**2) / np.maximum(total, 1e-6), np.float32)


def _is_coloured(rgb: Rgb, shown: Mask) -> bool:
    """Return True if the pixels that show are of other colours than greys."""
    chroma = (rgb.max(axis=2) - rgb.min(axis=2))[shown]
    return bool(chroma.size) and float((chroma > _MAX_CHROMA).mean()) > _COLOURED_SHARE


def _is_transparent_form(rgb: Rgb, alpha: Alpha, photo: Rgb) -> bool:
    """Return True if a mask is unmistakably told by transparency: what is opaque is the photo, a picture, or black."""
    opaque = alpha >= _OPAQUE
    if not opaque.any() or not (alpha < WHITE).any() or not is_black_and_white(alpha):
        return False
    shown = rgb[opaque].astype(np.int16)
    is_most = bool(opaque.mean() > 0.5)
    if shown.max() <= _DARKEST_GREY:
        return is_most
    difference = float(np.abs(shown - photo[opaque]).mean())
    if not _is_coloured(rgb, opaque) and is_black_and_white(_grey(rgb)):
        # White strokes on nothing; but a drawing in black and white is a copy of such a photo if it equals it.
        return difference <= _EQUAL_LEVELS and float(shown.std()) > _DARKEST_GREY
    return difference <= _COPY_LEVELS or (is_most and len(np.unique(shown // 8, axis=0)) >= _PICTURE_COLOURS)


def _grey(rgb: Rgb) -> Grey:
    """Return the greys of a picture (ITU-R BT.601)."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
