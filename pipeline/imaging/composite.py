"""Compositing: pastes the kept parts of the photo over the painted picture, at the photo's full resolution."""

from math import ceil

import cv2
import numpy as np

from pipeline.core.arrays import Rgb
from pipeline.imaging.mask_reading import Mask

FEATHER = 1 / 150  # of the picture's longer side: the distance over which the photo fades out


def composite(photo: Rgb, generated: Rgb, kept: Mask | None, *, feather: float = FEATHER) -> Rgb:
    """Paste the pixels of ``photo`` that ``kept`` (H×W bool) marks over ``generated``. Pictures are H×W×3 uint8.

    Inside the mask, pixels are the photo's, bit for bit. Outside it, the photo fades out over ``feather`` times the
    longer side, at least one pixel. Beyond that, pixels are the painted ones, bit for bit.
    """
    if kept is None or not kept.any():
        return generated
    reach = max(feather * max(kept.shape), 1.0) + 1
    rows, columns = (_extent(np.asarray(kept.any(axis=axis)), ceil(reach)) for axis in (1, 0))
    result = generated.copy()
    part = result[rows, columns]
    photo, kept = photo[rows, columns], kept[rows, columns]
    distance = cv2.distanceTransform((~kept).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    band = (distance > 0) & (distance < reach)
    share = (0.5 + 0.5 * np.cos(np.pi * distance[band] / reach))[:, None]
    part[band] = np.rint(share * photo[band] + (1 - share) * part[band]).astype(np.uint8)
    part[kept] = photo[kept]
    return result


def _extent(line: Mask, reach: int) -> slice:
    """Return the slice from the first to the last true element, with ``reach`` more on either side."""
    indices = np.flatnonzero(line)
    return slice(max(int(indices[0]) - reach, 0), int(indices[-1]) + reach + 1)
