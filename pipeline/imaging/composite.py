"""What is kept of the photo, laid over the picture at the photo's full resolution."""

from math import ceil

import cv2
import numpy as np

from pipeline.core.arrays import Rgb
from pipeline.imaging.masks import Mask

FEATHER = 1 / 150  # of the picture's longer side: how far from what is kept the photo fades out


def composite(photo: Rgb, painted: Rgb, kept: Mask | None, *, feather: float = FEATHER) -> Rgb:
    """``painted`` with what ``kept`` (H×W bool) marks taken from ``photo``, both H×W×3 uint8.

    Inside of the mask, pixels are the photo's to the bit; outside of it, the photo fades out over ``feather`` times
    the longer side, one pixel at least; beyond that, pixels are the painted ones to the bit.
    """
    if kept is None or not kept.any():
        return painted
    reach = max(feather * max(kept.shape), 1.0) + 1
    rows, columns = (_reached(np.asarray(kept.any(axis=axis)), ceil(reach)) for axis in (1, 0))
    result = painted.copy()
    part = result[rows, columns]
    photo, kept = photo[rows, columns], kept[rows, columns]
    distance = cv2.distanceTransform((~kept).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    band = (distance > 0) & (distance < reach)
    share = (0.5 + 0.5 * np.cos(np.pi * distance[band] / reach))[:, None]
    part[band] = np.rint(share * photo[band] + (1 - share) * part[band]).astype(np.uint8)
    part[kept] = photo[kept]
    return result


def _reached(line: Mask, reach: int) -> slice:
    """From the first to the last that is true, and ``reach`` more on either side."""
    places = np.flatnonzero(line)
    return slice(max(int(places[0]) - reach, 0), int(places[-1]) + reach + 1)
