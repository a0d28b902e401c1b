"""Object segmentation without class names: splits what is not bare floor, wall or ceiling by colour.

Objects are regions that :mod:`region_merging` leaves apart.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import cv2
import numpy as np

from darkroom.contract.coco_objects import THING
from darkroom.contract.results import FoundObject
from pipeline.core.arrays import Bytes, Floats, Integers, Mask, Rgb
from pipeline.imaging.outlines import MAX_OBJECTS, outlines_of
from pipeline.preview.room.region_merging import RegionMerger, border_lengths, oversegment

MIN_AREA = 0.0025  # of the picture: the least area of an object
MERGE_LIMIT = 10.0  # λ per pixel of the longer side, up to which regions merge
LIGHTNESS = 0.2  # weight of lightness against hue, low because of shadows
MAX_BACKGROUND_AREA = 0.4  # of the picture: larger regions are background if no room is known
MAX_BORDER_SHARE = 0.3  # of the picture's border: as MAX_BACKGROUND_AREA
MAX_LINE_WIDTH = 7  # pixels: thinner appendages of an object are lines of the room


@dataclass(frozen=True)
class ObjectSegments:
    """Segmented objects, numbered from 1, largest first.

    ``label``: h×w uint8 at the analysed size: 0 for none, else the object's number. ``scores`` has, in the same order,
    how much each object differs from its surroundings, in [0, 1].
    """

    label: Bytes
    scores: tuple[float, ...]

    def mask(self, number: int) -> Mask:
        """Return the mask of an object, by its number from 1: h×w bool."""
        return np.asarray(self.label == number)

    def objects(self, height: int, width: int) -> tuple[FoundObject, ...]:
        """Describe the objects of a photo of ``height`` × ``width``, in the order of their numbers."""
        masks = [self.mask(number) for number, _ in enumerate(self.scores, 1)]
        outlines = outlines_of(masks, height, width)
        down, across = height / self.label.shape[0], width / self.label.shape[1]
        found = []
        for mask, rings, score in zip(masks, outlines, self.scores, strict=True):
            left, top, wide, high = cv2.boundingRect(mask.astype(np.uint8))
            found.append(
                FoundObject(
                    label=THING,
                    box=(
                        round(left * across, 1),
                        round(top * down, 1),
                        round((left + wide) * across, 1),
                        round((top + high) * down, 1),
                    ),
                    score=round(score, 4),
                    area=round(float(mask.mean()), 4),
                    outlines=rings,
                )
            )
        return tuple(found)

    def mask_at_size(self, numbers: Collection[int], height: int, width: int) -> Mask:
        """Return the mask of the numbered objects at the photo's size: H×W bool, with smooth edges."""
        chosen = np.isin(self.label, list(numbers)).astype(np.uint8) * 255
        if chosen.shape == (height, width):
            return np.asarray(chosen > 0)
        soft = cv2.GaussianBlur(chosen, (3, 3), 0)
        return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)) > 127


def segment_objects(
    small: Rgb, bare: Mask | None, report: Callable[[float], None] = lambda _fraction: None
) -> ObjectSegments:
    """Segment the objects of an h×w×3 uint8 photo of the analysed size; ``bare``: h×w bool, None if no room is
    known.
    """
    lab = cv2.cvtColor(cv2.bilateralFilter(small, 5, 25, 3), cv2.COLOR_RGB2LAB)
    mask = np.ones(lab.shape[:2], bool) if bare is None else ~bare
    parts = _parts(lab, mask, report)
    if bare is None:
        parts = _without_background(parts)
    return _numbered(lab, parts)


def _parts(lab: Integers, mask: Mask, report: Callable[[float], None]) -> Integers:
    """Segment the ``mask`` pixels into one region per object, h×w int32, 0 elsewhere."""
    first = oversegment(lab, mask)
    count = int(first.max()) + 1
    if count == 1:
        return first
    values = (lab.astype(np.float32) * np.array([LIGHTNESS, 1, 1], np.float32)).reshape(-1, 3)
    flat = first.ravel()
    size = np.bincount(flat, minlength=count).astype(np.float64)
    total = np.stack([np.bincount(flat, weights=values[:, k], minlength=count) for k in range(3)], 1)
    mean: Floats = total / np.maximum(size, 1)[:, None]
    untextured = np.column_stack([mean, np.zeros(count)])
    regions = RegionMerger(size, untextured, border_lengths(first, count))
    return np.asarray(regions.merge(MERGE_LIMIT * max(mask.shape), MIN_AREA * mask.size, report)[first])


def _without_background(parts: Integers) -> Integers:
    """Remove background regions: large ones, and those that make up much of the picture's border."""
    border = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    area = np.bincount(parts.ravel())
    on_border = np.bincount(border, minlength=len(area))
    background = (area > MAX_BACKGROUND_AREA * parts.size) | (on_border > MAX_BORDER_SHARE * border.size)
    return np.where(background[parts], 0, parts)


def _numbered(lab: Integers, parts: Integers) -> ObjectSegments:
    """Clean the regions, keep the largest, and number them from the largest on."""
    found: list[tuple[int, Mask]] = []
    for number in np.unique(parts[parts > 0]):
        region = _cleaned(parts == number)
        area = int(np.count_nonzero(region))
        if area >= MIN_AREA * parts.size:
            found.append((area, region))
    found = sorted(found, key=lambda each: -each[0])[:MAX_OBJECTS]
    label = np.zeros(parts.shape, np.uint8)
    for number, (_, region) in enumerate(found, 1):
        label[region] = number
    return ObjectSegments(label, tuple(_score(lab, region) for _, region in found))


def _cleaned(region: Mask) -> Mask:
    """Reduce a region to its largest piece, close small gaps, and cut thin lines off unless the whole is thin."""
    solid = cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    opened = cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((MAX_LINE_WIDTH, MAX_LINE_WIDTH), np.uint8))
    if np.count_nonzero(opened) > 0.6 * np.count_nonzero(solid):
        solid = opened
    _, label, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if len(stats) == 1:
        return np.zeros_like(region)
    return np.asarray(label == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()))


def _score(lab: Integers, region: Mask) -> float:
    """Measure how much an object's colours differ from those around it: 1 less the overlap of their histograms."""
    reach = np.ones((15, 15), np.uint8)
    ring = (cv2.dilate(region.astype(np.uint8), reach) > 0) & ~region
    if not ring.any():
        return 0.0
    one, other = (
        cv2.calcHist([lab], [0, 1, 2], where.astype(np.uint8), [12, 16, 16], [0, 256, 64, 192, 64, 192]).ravel()
        for where in (region, ring)
    )
    shared = np.minimum(one / max(one.sum(), 1), other / max(other.sum(), 1)).sum()
    return float(np.clip(1 - shared, 0, 1))
