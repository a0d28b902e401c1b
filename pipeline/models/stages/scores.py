"""How good a painted picture is, measured on it.

The four scores are measurements, each with a scale that is explained where it is computed; nobody has yet asked people
whether they agree.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Rgb
from pipeline.models.arrays import Box, Bytes, Floats
from pipeline.models.interfaces import Detection
from pipeline.models.stages.edges import find_edges

RETRY_BELOW = 0.60  # a score under it has the picture painted again
FAINT = 0.5  # of the photo's thresholds: softer light is no lost structure
TELLING = 0.1  # a picture with less than this free of edges, such as noise, tells little by having some at a place
TOLERANCE = 2  # pixels by which an edge may have moved
CLIP_SCALE = 100.0  # the inverse of the temperature that CLIP was trained to (Radford et al. 2021)
PLAIN = 0.5  # standard deviation of the Laplacian, in grey levels, that is no detail at all
NOISY = 3.0  # times the photo's detail: more patterns than any wallpaper has
SAME_PLACE = 0.3  # intersection over union of two boxes from which on they are one place


def structure(edges: Bytes, painted: Rgb) -> float:
    """How many of the photo's edges the picture has, beyond chance, in [0, 1].

    ``edges`` (h×w uint8, 255 on an edge) are the photo's, ``painted`` is h×w×3 of that size. An edge is found again
    within 2 pixels. Much of any pattern is near some edge, so chance is taken off as in Cohen's kappa (1960): the
    picture's edges with 2 pixels around them cover a share of everything, and so much would be found by chance.
    """
    expected = edges > 0
    if not expected.any():
        return 1.0
    size = 2 * TOLERANCE + 1
    near = cv2.dilate(find_edges(painted, threshold_scale=FAINT), np.ones((size, size), np.uint8)) > 0
    found, chance = float(near[expected].mean()), float(near.mean())
    return max((found - chance) / max(1 - chance, TELLING), 0.0)


def style(similarities: Floats, wanted: int) -> float:
    """How far the picture is nearer to the wanted style's words than to the others', in [0, 1]; 0.5 is undecided.

    ``similarities`` are CLIP's cosines of the picture with N captions. The mean, over the others, of the probability
    with which the wanted one wins against it alone (Bradley & Terry 1952, at CLIP's own scale).
    """
    if len(similarities) < 2:
        return 1.0
    ahead = CLIP_SCALE * (similarities[wanted] - np.delete(similarities, wanted))
    # The logistic function, written so that nothing overflows.
    return float((0.5 + 0.5 * np.tanh(0.5 * ahead)).mean())


def visual(photo: Rgb, painted: Rgb) -> float:
    """Sharpness and exposure against the photo's, both h×w×3 uint8 of the size that was painted, in [0, 1].

    The geometric mean of the detail that there is (standard deviation of the Laplacian, relative to the photo's, at
    most 1, and falling again where it is so much that it must be noise) and of the share of pixels that are not black
    or white but for those that the photo had.
    """
    before, after = _grey(photo), _grey(painted)
    detail = [float(cv2.Laplacian(grey, cv2.CV_32F).std()) for grey in (before, after)]
    relative = max(detail[1], PLAIN) / max(detail[0], PLAIN)
    sharp = min(relative, 1.0, NOISY / relative)
    clipped = [float(((grey <= 2) | (grey >= 253)).mean()) for grey in (before, after)]
    exposed = 1 - max(clipped[1] - clipped[0], 0.0)
    return float(np.sqrt(sharp * exposed))


def objects(before: Sequence[Detection], after: Sequence[Detection]) -> float | None:
    """The share of the photo's things that are seen again at their place, each weighing what it was sure to be there.

    In [0, 1]; None when nothing was seen in the photo. A thing of ``after`` stands for one of ``before`` at most.
    """
    if not before:
        return None
    left = list(after)
    again = 0.0
    for thing in sorted(before, key=lambda thing: -thing.score):
        same = [other for other in left if other.label == thing.label]
        best = max(same, key=lambda other: intersection_over_union(thing.box, other.box), default=None)
        if best is not None and intersection_over_union(thing.box, best.box) >= SAME_PLACE:
            left.remove(best)
            again += thing.score
    total = sum(thing.score for thing in before)
    return again / total if total else 0.0


def intersection_over_union(one: Box, other: Box) -> float:
    """Intersection over union.

    >>> intersection_over_union((0, 0, 2, 2), (1, 0, 3, 2))
    0.3333333333333333
    """
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    total = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - shared
    return shared / total if total > 0 else 0.0


def _grey(picture: Rgb) -> Bytes:
    grey: NDArray[Any] = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return grey
