"""Downscaling of pictures, for progress images and for bounded result sizes."""

import cv2
import numpy as np

from pipeline.core.arrays import Rgb

PROGRESS_IMAGE_SIDE = 256  # longer side of a progress image, in pixels


def downscaled(picture: Rgb, side: int) -> Rgb:
    """Shrink H×W×3 uint8 to a longer side of at most ``side`` pixels, in its own aspect ratio; never enlarge it."""
    height, width = picture.shape[:2]
    gain = side / max(height, width)
    if gain >= 1:
        return picture
    size = (max(round(width * gain), 1), max(round(height * gain), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
