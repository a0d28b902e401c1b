"""Hole crops: split an inpainting mask into disjoint crops with enough context around each hole."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.imaging.mask_reading import Mask

CELL = 8  # pixels: crops closer to each other than this are merged
Boxes = NDArray[np.int64]  # N×4: top, left, bottom, right in pixels, the last two exclusive


@dataclass(frozen=True)
class Crop:
    """A rectangle of the photo, in pixels; ``bottom`` and ``right`` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.right - self.left

    def view(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Return this part of an H×W or H×W×C picture, as a view."""
        return picture[self.top : self.bottom, self.left : self.right]


def hole_crops(hole: Mask, *, context: float, margin: int, min_side: int = 0) -> tuple[Crop, ...]:
    """Compute disjoint crops that together contain every hole pixel of an H×W bool mask.

    Each hole has ``context`` times its longer side around it, at least ``margin`` pixels. Each side of a crop is at
    least ``min_side`` pixels. Crops end at the photo's border. Holes whose crops meet share one.
    """
    height, width = hole.shape
    boxes = _components(hole.astype(np.uint8))
    while True:
        around = _around(boxes, (height, width), context, margin, min_side)
        group = _groups(around, (height, width))
        count = int(group.max(initial=-1)) + 1
        if count == len(boxes):
            return tuple(Crop(*map(int, box)) for box in around)
        low, high = np.full((count, 2), np.iinfo(np.int64).max), np.zeros((count, 2), np.int64)
        np.minimum.at(low, group, boxes[:, :2])
        np.maximum.at(high, group, boxes[:, 2:])
        boxes = np.concatenate((low, high), axis=1)


def _components(mask: NDArray[np.uint8]) -> Boxes:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    left, top, width, height = stats[1:, :4].T.astype(np.int64)
    return np.stack((top, left, top + height, left + width), axis=1)


def _around(boxes: Boxes, size: tuple[int, int], context: float, margin: int, min_size: int) -> Boxes:
    sides = boxes[:, 2:] - boxes[:, :2]
    context_pixels = np.maximum(np.ceil(sides.max(axis=1, initial=0, keepdims=True) * context), margin).astype(np.int64)
    limit = np.array(size, np.int64)
    low, high = np.maximum(boxes[:, :2] - context_pixels, 0), np.minimum(boxes[:, 2:] + context_pixels, limit)
    lacking = np.maximum(np.minimum(min_size, limit) - (high - low), 0)
    low, high = low - lacking // 2, high + (lacking + 1) // 2
    # A crop that would reach beyond one side of the photo is extended at the other.
    moved = np.maximum(-low, 0) - np.maximum(high - limit, 0)
    return np.concatenate((low + moved, high + moved), axis=1)


def _groups(boxes: Boxes, size: tuple[int, int]) -> NDArray[np.int64]:
    """Return each box's group number. Boxes that meet, directly or through others, are one group."""
    cells = np.zeros((-(-size[0] // CELL), -(-size[1] // CELL)), np.uint8)
    for top, left, bottom, right in boxes:
        cells[top // CELL : -(-bottom // CELL), left // CELL : -(-right // CELL)] = 1
    _, labels = cv2.connectedComponents(cells, connectivity=8)
    found = np.asarray(labels)[boxes[:, 0] // CELL, boxes[:, 1] // CELL]
    _, group = np.unique(found, return_inverse=True)
    return np.asarray(group, np.int64).reshape(-1)
