"""Line segment detection: the straight segments on which camera and room box are estimated."""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.core.arrays import Bytes, Floats

MAX_SEGMENTS = 400


@dataclass(frozen=True)
class LineSegments:
    """Line segments of a picture, N of them, in pixels from its centre, x right and y down.

    ``start``, ``end``, ``middle``: N×2; ``direction``: N×2 unit vectors; ``length``: N pixels.
    """

    start: Floats
    end: Floats
    middle: Floats
    direction: Floats
    length: Floats


def detect_segments(grey: Bytes) -> LineSegments:
    """Detect the longest segments of an H×W uint8 picture by LSD (Grompone von Gioi et al., 2010).

    Segments along the picture's frame (letterboxing, borders) are left out. May return zero segments.
    """
    height, width = grey.shape
    shortest = 0.025 * max(height, width)
    found = cv2.createLineSegmentDetector().detect(grey)[0]
    points = np.zeros((0, 4), np.float32) if found is None else found.reshape(-1, 4).astype(np.float32)
    delta = points[:, 2:] - points[:, :2]
    length = np.hypot(delta[:, 0], delta[:, 1])
    limit = np.array([width - 1, height - 1], np.float32)
    on_frame = np.zeros(len(points), bool)
    for axis in (0, 1):
        for edge in (0.0, float(limit[axis])):
            near = np.abs(points[:, [axis, axis + 2]] - edge) < 3
            on_frame |= near.all(axis=1)
    keep = np.flatnonzero((length >= shortest) & ~on_frame)
    keep = keep[np.argsort(-length[keep], kind="stable")][:MAX_SEGMENTS]
    centre = np.tile(limit / 2, 2)
    centred = points[keep] - centre
    start, end = centred[:, :2], centred[:, 2:]
    return LineSegments(start, end, (start + end) / 2, delta[keep] / length[keep, None], length[keep])
