"""Detected objects: converts detections and mask logits to the result's objects, and to masks of any size."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from darkroom.contract.results import FoundObject
from pipeline.imaging.outlines import MAX_OBJECTS, outline_canvas_size, outlines_of
from pipeline.models.arrays import Box, Masks
from pipeline.models.artifacts import MaskLogits
from pipeline.models.interfaces import Detection

# A mask may leave its box by this share of the box's sides; pixels farther away are cut off.
MARGIN = 0.1
MIN_AREA = 0.0001  # smallest area reported for a mask that is not empty


def objects_from_detections(
    detections: Sequence[Detection], mask_logits: MaskLogits, height: int, width: int
) -> list[FoundObject]:
    """Convert the detections of a photo of ``height`` × ``width`` to result objects, in the same order.

    Only the largest 24 have outlines, and can be selected by a point.
    """
    areas = [
        _area(logits, each.box, height, width) for each, logits in zip(detections, mask_logits.logits, strict=True)
    ]
    largest = [index for index in np.argsort(areas)[::-1][:MAX_OBJECTS] if areas[index] > 0]
    size = outline_canvas_size(height, width)
    masks = (_mask(mask_logits.logits[index], detections[index].box, (height, width), size) for index in largest)
    rings = dict(zip(largest, outlines_of(masks, height, width), strict=True))
    return [
        FoundObject(
            label=each.label,
            box=(round(each.box[0], 1), round(each.box[1], 1), round(each.box[2], 1), round(each.box[3], 1)),
            score=round(each.score, 4),
            area=round(area, 4) or (MIN_AREA if area else 0.0),
            outlines=rings.get(index, []),
        )
        for index, (each, area) in enumerate(zip(detections, areas, strict=True))
    ]


def add_mask(target_mask: Masks, logits: NDArray[np.float16], box: Box) -> None:
    """Set the pixels of an H×W bool mask that an object covers, within its box and a margin, in place.

    ``box`` is in the mask's pixels. The logits are interpolated first, so that the mask's edge is smooth.
    """
    height, width = target_mask.shape
    rows, columns = logits.shape
    left, top, right, bottom = _bounds_with_margin(box, height, width)
    # Affine map from pixel centres of the mask to pixel centres of the logits.
    down, across = rows / height, columns / width
    inverse = np.array(
        [[across, 0, (left + 0.5) * across - 0.5], [0, down, (top + 0.5) * down - 0.5]], dtype=np.float64
    )
    full: NDArray[Any] = cv2.warpAffine(
        logits.astype(np.float32),
        inverse,
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    target_mask[top:bottom, left:right] |= full > 0


def _mask(logits: NDArray[np.float16], box: Box, photo: tuple[int, int], size: tuple[int, int]) -> Masks:
    mask = np.zeros(size, np.bool_)
    down, across = size[0] / photo[0], size[1] / photo[1]
    add_mask(mask, logits, (box[0] * across, box[1] * down, box[2] * across, box[3] * down))
    return mask


def _bounds_with_margin(box: Box, height: float, width: float) -> tuple[int, int, int, int]:
    """Return the pixels that an object of this box may cover: left, top, right, bottom; the last two exclusive."""
    left, top, right, bottom = box
    across, down = MARGIN * (right - left), MARGIN * (bottom - top)
    return (
        int(max(np.floor(left - across), 0)),
        int(max(np.floor(top - down), 0)),
        int(min(np.ceil(right + across), width)),
        int(min(np.ceil(bottom + down), height)),
    )


def _area(logits: NDArray[np.float16], box: Box, height: int, width: int) -> float:
    """Return the share of the photo that an object covers, counted at the logits' own resolution."""
    rows, columns = logits.shape
    down, across = rows / height, columns / width
    scaled = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
    left, top, right, bottom = _bounds_with_margin(scaled, rows, columns)
    return float(np.count_nonzero(logits[top:bottom, left:right] > 0)) / logits.size
