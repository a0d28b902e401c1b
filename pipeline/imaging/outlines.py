"""Object outlines: traces masks as closed polygons (rings), simplified to a few kilobytes per photo.

Drawing and hit testing use the same rings, so that they always agree.
"""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from darkroom.contract.params import Point
from darkroom.contract.results import FoundObject
from pipeline.imaging.mask_reading import Mask

Corner = tuple[float, float]  # x, y in the photo's pixels
Ring = list[Corner]

CANVAS_SIDE = 1024  # pixels of the longer side at which masks are traced
MAX_OBJECTS = 24  # objects of one photo that have outlines
MAX_RINGS = 8  # rings of one object
MAX_CORNERS = 48  # corners of one ring
MAX_TOTAL_CORNERS = 960  # corners of all rings of one photo
MIN_RING_AREA = 0.02  # of the object's area: smaller rings are dropped
TOLERANCE = 0.0012  # of the longer side: initial deviation allowed to a simplified ring
TOLERANCE_GROWTH = 1.3  # factor of the tolerance while there are too many corners


def outline_canvas_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and width at which to draw a photo's masks: at most 1024 a side, never enlarged."""
    scale = min(CANVAS_SIDE / max(height, width), 1.0)
    return max(round(height * scale), 1), max(round(width * scale), 1)


def outlines_of(masks: Iterable[Mask], height: int, width: int) -> list[list[Ring]]:
    """Trace each h×w bool mask of a photo of ``height`` × ``width``: its rings, largest first; none if it is empty.

    Corners are whole pixels within the photo. Holes are rings, too, so fill by the even-odd rule. Rings are simplified
    after Douglas and Peucker (1973): at most 48 corners a ring and 960 in total.
    """
    contours = [_contours(mask) for mask in masks]
    tolerance = TOLERANCE
    while True:
        outlines = [_rings(found, tolerance, height, width) for found in contours]
        if sum(len(ring) for rings in outlines for ring in rings) <= MAX_TOTAL_CORNERS or tolerance > 1:
            return outlines
        tolerance *= TOLERANCE_GROWTH


def contains_point(rings: Sequence[Sequence[Corner]], x: float, y: float) -> bool:
    """Return True if the point is inside the rings by the even-odd rule, tested with a ray to the right."""
    inside = False
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if (y1 > y) != (y2 > y) and x < x1 + (x2 - x1) * (y - y1) / (y2 - y1):
                inside = not inside
    return inside


def objects_at_points(
    objects: Sequence[FoundObject], points: Iterable[Point], height: int, width: int
) -> tuple[set[int], list[str]]:
    """Find the objects at points of a photo of ``height`` × ``width``: indices of the smallest object at each point.

    Also returns a note for each point without an object. Points are shares of width and height, from the top left.
    """
    found, notes = set(), []
    for across, down in points:
        there = [
            index for index, each in enumerate(objects) if contains_point(each.outlines, across * width, down * height)
        ]
        if there:
            found.add(min(there, key=lambda index: objects[index].area))
        else:
            notes.append(f"Nothing was found to keep at {across:.3g}, {down:.3g}.")
    return found, list(dict.fromkeys(notes))


class _Contours:
    """Unsimplified rings of one h×w mask: N×2 int32 each, largest first; ``box`` is the largest one's bounding box."""

    def __init__(self, shape: tuple[int, ...], rings: list[NDArray[np.int32]]) -> None:
        self.height, self.width = shape
        self.rings = rings
        left, top, wide, high = cv2.boundingRect(rings[0]) if rings else (0, 0, 0, 0)
        self.box = np.array([[left, top], [left + wide, top], [left + wide, top + high], [left, top + high]])


def _contours(mask: Mask) -> _Contours:
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    by_area = sorted(((cv2.contourArea(ring), len(ring), index) for index, ring in enumerate(found)), reverse=True)
    min_area = MIN_RING_AREA * np.count_nonzero(mask)
    kept = [index for place, (area, _, index) in enumerate(by_area) if place == 0 or area >= min_area]
    return _Contours(mask.shape, [np.asarray(found[index], np.int32).reshape(-1, 2) for index in kept[:MAX_RINGS]])


def _rings(found: _Contours, tolerance: float, height: int, width: int) -> list[Ring]:
    rings = []
    for place, contour in enumerate(found.rings):
        ring = _placed(_simplified(contour, tolerance * max(found.height, found.width)), found, height, width)
        if len(ring) < 3 and place == 0:
            # A ring too thin to enclose anything is replaced by its bounding box.
            across, down = width / found.width, height / found.height
            ring = [(float(round(x * across)), float(round(y * down))) for x, y in found.box]
        if len(ring) >= 3:
            rings.append(ring)
    return rings


def _simplified(contour: NDArray[np.int32], tolerance: float) -> NDArray[np.int32]:
    while True:
        corners = np.asarray(cv2.approxPolyDP(contour, tolerance, True), np.int32).reshape(-1, 2)
        if len(corners) <= MAX_CORNERS:
            return corners
        tolerance *= TOLERANCE_GROWTH


def _placed(corners: NDArray[np.int32], found: _Contours, height: int, width: int) -> Ring:
    """Convert mask pixels to photo pixels, by their centres; border pixels map to the photo's border."""
    ring: Ring = []
    for x, y in corners:
        place = (_along(int(x), found.width, width), _along(int(y), found.height, height))
        if place not in ring[-1:] and place not in ring[:1]:
            ring.append(place)
    return ring


def _along(pixel: int, pixels: int, side: int) -> float:
    if pixel in (0, pixels - 1):
        return float(side if pixel else 0)
    return float(round((pixel + 0.5) * side / pixels))
