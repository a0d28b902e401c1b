"""Quality scores of a generated picture: structure, style, visual and objects, in [0, 1].

Each function documents its scale. The scores are not validated against human judgement.
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

RETRY_BELOW = 0.60  # a picture with a lower score is generated again
FAINT_EDGE_SCALE = 0.5  # of the photo's edge thresholds, as softer light is no lost structure
MIN_UNMATCHED_SHARE = 0.1  # minimum share without edges, for the chance correction of noisy pictures
TOLERANCE = 2  # pixels by which an edge may have moved
CLIP_SCALE = 100.0  # inverse of CLIP's trained temperature (Radford et al. 2021)
MIN_DETAIL = 0.5  # standard deviation of the Laplacian, in grey levels, below which there is no detail
MAX_RELATIVE_DETAIL = 3.0  # times the photo's detail; more must be noise
MIN_IOU = 0.3  # minimum IoU of two boxes at the same place


def structure(edges: Bytes, generated: Rgb) -> float:
    """Score the structure: share of the photo's edges found in the picture, corrected for chance, in [0, 1].

    ``edges`` (h×w uint8, 255 on an edge) are the photo's; ``generated`` is h×w×3 of the same size. Edges match within 2
    pixels. The chance correction follows Cohen's kappa (1960): the chance of a match is the share of the picture within
    2 pixels of its own edges.
    """
    expected = edges > 0
    if not expected.any():
        return 1.0
    size = 2 * TOLERANCE + 1
    near = cv2.dilate(find_edges(generated, threshold_scale=FAINT_EDGE_SCALE), np.ones((size, size), np.uint8)) > 0
    found, chance = float(near[expected].mean()), float(near.mean())
    return max((found - chance) / max(1 - chance, MIN_UNMATCHED_SHARE), 0.0)


def style(similarities: Floats, wanted_index: int) -> float:
    """Score the style: preference for the wanted style's caption over the others', in [0, 1]; 0.5 is undecided.

    ``similarities`` are CLIP's cosines of the picture with N captions. The score is the mean probability that the
    wanted caption wins against each other one alone (Bradley & Terry 1952, at CLIP's own scale).
    """
    if len(similarities) < 2:
        return 1.0
    margins = CLIP_SCALE * (similarities[wanted_index] - np.delete(similarities, wanted_index))
    # The logistic function, written so that nothing overflows.
    return float((0.5 + 0.5 * np.tanh(0.5 * margins)).mean())


def visual(photo: Rgb, generated: Rgb) -> float:
    """Score sharpness and exposure against the photo's, both h×w×3 uint8 of the generated size, in [0, 1].

    The geometric mean of two terms. Sharpness is the standard deviation of the Laplacian relative to the photo's, at
    most 1. It falls again above three times the photo's, which must be noise. Exposure is 1 minus the additional share
    of black or white pixels.
    """
    before, after = _grey(photo), _grey(generated)
    detail = [float(cv2.Laplacian(grey, cv2.CV_32F).std()) for grey in (before, after)]
    relative = max(detail[1], MIN_DETAIL) / max(detail[0], MIN_DETAIL)
    sharp = min(relative, 1.0, MAX_RELATIVE_DETAIL / relative)
    clipped = [float(((grey <= 2) | (grey >= 253)).mean()) for grey in (before, after)]
    exposed = 1 - max(clipped[1] - clipped[0], 0.0)
    return float(np.sqrt(sharp * exposed))


def objects(before: Sequence[Detection], after: Sequence[Detection]) -> float | None:
    """Score the objects: share of the photo's objects detected again at their place, weighted by detection score.

    In [0, 1]; None without objects in the photo. Each detection of ``after`` matches at most one of ``before``.
    """
    if not before:
        return None
    unmatched = list(after)
    matched = 0.0
    for detection in sorted(before, key=lambda detection: -detection.score):
        same = [other for other in unmatched if other.label == detection.label]
        best = max(same, key=lambda other: intersection_over_union(detection.box, other.box), default=None)
        if best is not None and intersection_over_union(detection.box, best.box) >= MIN_IOU:
            unmatched.remove(best)
            matched += detection.score
    total = sum(detection.score for detection in before)
    return matched / total if total else 0.0


def intersection_over_union(one: Box, other: Box) -> float:
    """Compute the intersection over union of two boxes, in [0, 1].

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
