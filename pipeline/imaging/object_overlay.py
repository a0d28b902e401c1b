"""Overlay of detected objects: tints, outlines and labels drawn over a photo for people to look at."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from darkroom.contract.results import FoundObject
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import OBJECTS, PHOTO, RESULT
from pipeline.core.best_effort import best_effort
from pipeline.core.stages import Stage, StageContext
from pipeline.imaging.object_labels import Size, draw_label, place_labels
from pipeline.imaging.resize import downscaled

MAX_SIDE = 1600  # longer side of the picture at most
TINT = 0.38  # share of a thing's colour within its outline
LINE_WIDTH = 1 / 400  # width of the outlines, of the picture's longer side
MAX_COORDINATE = 4 * MAX_SIDE  # coordinates are clipped to this, as OpenCV's integers and the memory have limits
COLOURS = (
    (230, 57, 70), (29, 130, 210), (196, 130, 0), (46, 160, 90), (155, 81, 224), (0, 150, 150), (240, 98, 146),
    (125, 140, 20), (84, 95, 235), (214, 93, 14), (0, 140, 110), (170, 60, 120),
)  # fmt: skip

Ring = NDArray[np.int32]


class DrawObjects(Stage):
    """Draw every object over the photo, at most 1600 pixels a side: tint, outline, number and, if it fits, name.

    If drawing fails, the result is the photo itself, with a note.
    """

    name = "show"
    message = "Drawing what was found"
    requires = (PHOTO, OBJECTS)
    provides = (RESULT,)

    def run(self, context: StageContext) -> None:
        photo, objects = context[PHOTO], context[OBJECTS]
        with best_effort("overlay of the objects", context):
            context[RESULT] = draw_objects(photo, objects)
        if RESULT not in context:
            context[RESULT] = downscaled(photo, MAX_SIDE)


def draw_objects(photo: Rgb, objects: Sequence[FoundObject]) -> Rgb:
    """Draw ``objects`` over H×W×3 uint8 sRGB. Return h×w×3 uint8, at most 1600 pixels a side.

    Objects are numbered from 1 in their order; later ones cover earlier ones. Outlines may reach beyond the photo.
    A label without room is left out.
    """
    height, width = photo.shape[:2]
    picture = downscaled(photo, MAX_SIDE).copy()
    size = (picture.shape[1], picture.shape[0])
    factor = np.array([size[0] / width, size[1] / height])
    shapes = [_scaled(each, factor) for each in objects]
    line = max(round(LINE_WIDTH * max(size)), 1)
    for number, shape in enumerate(shapes):
        _tint(picture, shape, COLOURS[number % len(COLOURS)])
    for number, shape in enumerate(shapes):
        # A white line under the coloured one keeps it visible on any background.
        cv2.polylines(picture, shape, True, (255, 255, 255), line + 2, cv2.LINE_AA)
        cv2.polylines(picture, shape, True, COLOURS[number % len(COLOURS)], line, cv2.LINE_AA)
    anchors = [_label_anchor(shape, size) for shape in shapes]
    for label in place_labels([each.label for each in objects], anchors, size):
        draw_label(picture, label, COLOURS[label.index % len(COLOURS)])
    return picture


def _scaled(found: FoundObject, factor: NDArray[np.float64]) -> list[Ring]:
    """Scale an object's rings to the pixels of the drawn picture."""
    rings = [np.array(ring) * factor for ring in found.outlines if ring]
    return [np.rint(np.clip(ring, -MAX_COORDINATE, MAX_COORDINATE)).astype(np.int32) for ring in rings]


def _clipped_mask(shape: list[Ring], size: Size) -> tuple[int, int, NDArray[np.uint8]]:
    """Clip an object's bounding box to the picture. Return its left and top, and the object's mask: h×w, 0 or 1.

    The mask is empty if the object is outside the picture.
    """
    left, top, wide, high = cv2.boundingRect(np.concatenate(shape)) if shape else (0, 0, 0, 0)
    right, bottom = min(left + wide, size[0]), min(top + high, size[1])
    left, top = max(left, 0), max(top, 0)
    mask = np.zeros((max(bottom - top, 0), max(right - left, 0)), np.uint8)
    if mask.size:
        cv2.fillPoly(mask, shape, 1, offset=(-left, -top))
    return left, top, mask


def _tint(picture: Rgb, shape: list[Ring], colour: tuple[int, int, int]) -> None:
    left, top, mask = _clipped_mask(shape, (picture.shape[1], picture.shape[0]))
    part = picture[top : top + mask.shape[0], left : left + mask.shape[1]]
    mixed = part[mask > 0] * (1 - TINT) + np.array(colour) * TINT
    part[mask > 0] = np.rint(mixed).astype(np.uint8)


def _label_anchor(shape: list[Ring], size: Size) -> tuple[int, int] | None:
    """Find the pixel of an object farthest from its outline and the picture's border; None if it has no pixel."""
    left, top, mask = _clipped_mask(shape, size)
    if not mask.any():
        return None
    bordered = np.pad(mask, 1)
    _, _, _, (x, y) = cv2.minMaxLoc(cv2.distanceTransform(bordered, cv2.DIST_L2, cv2.DIST_MASK_3))
    return left + x - 1, top + y - 1
