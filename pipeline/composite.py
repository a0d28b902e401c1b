"""What is kept of the photo, laid over the picture at the photo's full resolution."""

import cv2
import numpy as np

from pipeline.artifacts import Rgb
from pipeline.masks import Mask

FEATHER = 1 / 150  # of the picture's longer side: how far from what is kept the photo fades out


def composite(photo: Rgb, painted: Rgb, kept: Mask | None, *, feather: float = FEATHER) -> Rgb:
    """``painted`` with what ``kept`` (H×W bool) marks taken from ``photo``, both H×W×3 uint8.

    Inside of the mask, pixels are the photo's to the bit; outside of it, the photo fades out over ``feather`` times
    the longer side, one pixel at least; beyond that, pixels are the painted ones to the bit.
    """
    if kept is None or not kept.any():
        return painted
    result = painted.copy()
    distance = cv2.distanceTransform((~kept).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    reach = max(feather * max(kept.shape), 1.0) + 1
    band = (distance > 0) & (distance < reach)
    share = (0.5 + 0.5 * np.cos(np.pi * distance[band] / reach))[:, None]
    result[band] = np.rint(share * photo[band] + (1 - share) * painted[band]).astype(np.uint8)
    result[kept] = photo[kept]
    return result
