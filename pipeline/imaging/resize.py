"""Pictures made smaller: for a look at what is being made, or because whoever gets them wants no larger ones."""

import cv2
import numpy as np

from pipeline.core.arrays import Rgb

PROGRESS_IMAGE_SIDE = 256  # the longer side of a look at a picture in the making, in pixels


def downscaled(picture: Rgb, side: int) -> Rgb:
    """H×W×3 uint8 with its longer side at most ``side`` pixels, in its own aspect ratio; never enlarged."""
    height, width = picture.shape[:2]
    gain = side / max(height, width)
    if gain >= 1:
        return picture
    size = (max(round(width * gain), 1), max(round(height * gain), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
