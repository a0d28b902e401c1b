"""Resizing of pictures: downscaling for progress images and bounded result sizes, and linear enlargement."""

from math import ceil, floor
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Rgb

Pixels = NDArray[Any]  # uint8 or float32

PROGRESS_IMAGE_SIDE = 256  # longer side of a progress image, in pixels


def downscaled(picture: Rgb, side: int) -> Rgb:
    """Shrink H×W×3 uint8 to a longer side of at most ``side`` pixels, in its own aspect ratio; never enlarge it."""
    height, width = picture.shape[:2]
    gain = side / max(height, width)
    if gain >= 1:
        return picture
    size = (max(round(width * gain), 1), max(round(height * gain), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def linearly_enlarged(source: Pixels, width: int, height: int, rows: slice) -> Pixels:
    """Enlarge H×W×C to ``height`` × ``width`` by linear interpolation, but compute some rows only."""
    down, right = source.shape[0] / height, source.shape[1] / width
    first = max(floor(rows.start * down) - 1, 0)
    part = source[first : ceil(rows.stop * down) + 1]
    if height % source.shape[0] == 0:
        # A row's place in the part is a whole number of rows of the result: the quickest way.
        factor = height // source.shape[0]
        enlarged = cv2.resize(part, (width, factor * len(part)), interpolation=cv2.INTER_LINEAR)
        return np.asarray(enlarged, source.dtype)[rows.start - factor * first :][: rows.stop - rows.start]
    # From the centre of a result's pixel to a place in the part.
    transform = np.array([[right, 0, 0.5 * right - 0.5], [0, down, (rows.start + 0.5) * down - 0.5 - first]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (width, rows.stop - rows.start)
    return np.asarray(cv2.warpAffine(part, transform, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), source.dtype)
