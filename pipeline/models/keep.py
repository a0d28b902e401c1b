"""Which of the things in the photo stay as they are."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.artifacts import OBJECTS, PHOTO
from pipeline.models.artifacts import DETECTIONS, KEPT, OUTLINES
from pipeline.models.interfaces import Box, Masks
from pipeline.objects import PERSON
from pipeline.params import RestyleRoomParams
from pipeline.results import FoundObject
from pipeline.stages import Stage, Work

# An outline may leave its box by this share of the box's sides; what lies farther off is not the thing.
MARGIN = 0.1


class Keep(Stage):
    """The objects of the result, and the mask of those that were asked to stay."""

    name = "keep"
    message = "Choosing what stays as it is"
    requires = (PHOTO, DETECTIONS, OUTLINES)
    provides = (OBJECTS, KEPT)
    depends = ("keep", "keep_people")

    def run(self, work: Work) -> None:
        params = work.params_as(RestyleRoomParams)
        height, width = work[PHOTO].shape[:2]
        detections, outlines = work[DETECTIONS], work[OUTLINES]
        asked = {*params.keep, *([PERSON] if params.keep_people else [])}
        objects: list[FoundObject] = []
        kept: Masks | None = None
        for detection, logits in zip(detections, outlines.logits, strict=True):
            area = _area(logits, detection.box, height, width)
            stays = detection.label in asked and area > 0
            if stays:
                kept = np.zeros((height, width), bool) if kept is None else kept
                _add(kept, logits, detection.box)
            left, top, right, bottom = (round(side, 1) for side in detection.box)
            objects.append(
                FoundObject(
                    label=detection.label,
                    box=(left, top, right, bottom),
                    score=round(detection.score, 4),
                    area=round(area, 4),
                    kept=stays,
                )
            )
        work[OBJECTS] = tuple(sorted(objects, key=lambda each: -each.area))
        work[KEPT] = kept
        found = {each.label for each in objects if each.kept}
        work.notes.extend(
            f"No {label} was found to keep." for label in dict.fromkeys(params.keep) if label not in found
        )


def _reach(box: Box, height: float, width: float) -> tuple[int, int, int, int]:
    """The pixels that a thing of this box may cover: first column and row, and those after the last."""
    left, top, right, bottom = box
    across, down = MARGIN * (right - left), MARGIN * (bottom - top)
    return (
        int(max(np.floor(left - across), 0)),
        int(max(np.floor(top - down), 0)),
        int(min(np.ceil(right + across), width)),
        int(min(np.ceil(bottom + down), height)),
    )


def _area(logits: NDArray[np.float16], box: Box, height: int, width: int) -> float:
    """The share of the photo that the outline covers within its reach, counted at the logits' own resolution."""
    rows, columns = logits.shape
    down, across = rows / height, columns / width
    scaled = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
    left, top, right, bottom = _reach(scaled, rows, columns)
    return float(np.count_nonzero(logits[top:bottom, left:right] > 0)) / logits.size


def _add(kept: Masks, logits: NDArray[np.float16], box: Box) -> None:
    """Set what the outline covers within its reach: the logits are interpolated first, so that its edge is smooth."""
    height, width = kept.shape
    rows, columns = logits.shape
    left, top, right, bottom = _reach(box, height, width)
    # From the centre of a pixel of the photo to where that lies among the centres of the logits.
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
    kept[top:bottom, left:right] |= full > 0
