"""What was found in a photo, drawn over it for people to look at."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipeline.artifacts import OBJECTS, PHOTO, RESULT, Rgb
from pipeline.objects import THING
from pipeline.reduction import reduced
from pipeline.results import FoundObject
from pipeline.stages import Stage, Work

SIDE = 1600  # longer side of the picture at most
TINT = 0.38  # share of a thing's colour within its outline
TEXT = 1 / 55  # height of the labels, of the picture's longer side
LEAST_TEXT = 11  # pixels
LINE = 1 / 400  # width of the outlines, of the picture's longer side
PLACES = ((0.0, 0.0), (0.0, 1.2), (0.0, -1.2), (0.0, 2.4), (0.0, -2.4))  # where a label may move to, in its own sizes
COLOURS = (
    (230, 57, 70), (29, 130, 210), (250, 163, 7), (46, 160, 90), (155, 81, 224), (0, 168, 168), (240, 98, 146),
    (125, 140, 20), (84, 95, 235), (214, 93, 14), (0, 140, 110), (170, 60, 120),
)  # fmt: skip

Box = tuple[float, float, float, float]


class ShowObjects(Stage):
    """The photo, at most 1600 pixels a side, with every object tinted, outlined, numbered and, if it can be, named."""

    name = "show"
    message = "Drawing what was found"
    requires = (PHOTO, OBJECTS)
    provides = (RESULT,)

    def run(self, work: Work) -> None:
        objects = work[OBJECTS]
        work[RESULT] = drawn(work[PHOTO], objects)


def drawn(photo: Rgb, objects: Sequence[FoundObject]) -> Rgb:
    """H×W×3 uint8 sRGB with the outlines of ``objects`` over it, h×w×3 uint8, at most 1600 pixels a side.

    Objects are numbered from 1 in their order; later ones lie over earlier ones.
    """
    height, width = photo.shape[:2]
    picture = reduced(photo, SIDE).copy()
    size = (picture.shape[1], picture.shape[0])
    factor = np.array([size[0] / width, size[1] / height])
    shapes = [[np.rint(np.array(ring) * factor).astype(np.int32) for ring in each.outlines] for each in objects]
    line = max(round(LINE * max(size)), 1)
    for number, shape in enumerate(shapes):
        _tint(picture, shape, COLOURS[number % len(COLOURS)])
    for number, shape in enumerate(shapes):
        # A pale line under the coloured one is seen on any ground.
        cv2.polylines(picture, shape, True, (255, 255, 255), line + 2, cv2.LINE_AA)
        cv2.polylines(picture, shape, True, COLOURS[number % len(COLOURS)], line, cv2.LINE_AA)
    return _labelled(picture, objects, shapes)


def _tint(picture: Rgb, shape: list[NDArray[np.int32]], colour: tuple[int, int, int]) -> None:
    if not shape:
        return
    left, top, wide, high = cv2.boundingRect(np.concatenate(shape))
    part = picture[top : top + high, left : left + wide]
    inside = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(inside, shape, 1, offset=(-left, -top))
    mixed = part[inside > 0] * (1 - TINT) + np.array(colour) * TINT
    part[inside > 0] = np.rint(mixed).astype(np.uint8)


def _labelled(picture: Rgb, objects: Sequence[FoundObject], shapes: list[list[NDArray[np.int32]]]) -> Rgb:
    """Every object's number, and its name if it has one, where it is widest; labels give way to each other."""
    height, width = picture.shape[:2]
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    text = max(round(TEXT * max(height, width)), LEAST_TEXT)
    font = ImageFont.load_default(text)
    taken: list[Box] = []
    for number, (each, shape) in enumerate(zip(objects, shapes, strict=True)):
        if not shape:
            continue
        words = f"{number + 1}" if each.label == THING else f"{number + 1} {each.label}"
        wide, high = draw.textlength(words, font) + text, text * 1.5
        x, y = _middle(shape, width, height)
        tries = [_within(x + across * wide, y + down * high, wide, high, (width, height)) for across, down in PLACES]
        box = next((one for one in tries if not any(_touch(one, other) for other in taken)), tries[0])
        taken.append(box)
        draw.rounded_rectangle(
            box, radius=high / 2, fill=COLOURS[number % len(COLOURS)], outline="#ffffff", width=max(text // 12, 1)
        )
        draw.text(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), words, fill="#ffffff", font=font, anchor="mm")
    return np.asarray(image)


def _middle(shape: list[NDArray[np.int32]], width: int, height: int) -> tuple[float, float]:
    """The pixel that is farthest from all sides."""
    left, top, wide, high = cv2.boundingRect(np.concatenate(shape))
    inside = np.zeros((high + 2, wide + 2), np.uint8)
    cv2.fillPoly(inside, shape, 1, offset=(1 - left, 1 - top))
    _, _, _, (x, y) = cv2.minMaxLoc(cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_3))
    return min(left + x - 1.0, width - 1.0), min(top + y - 1.0, height - 1.0)


def _within(x: float, y: float, wide: float, high: float, size: tuple[int, int]) -> Box:
    """A box of this size around a point, moved into the picture as far as it fits."""
    left = max(min(x - wide / 2, size[0] - wide - 1), 0)
    top = max(min(y - high / 2, size[1] - high - 1), 0)
    return left, top, left + wide, top + high


def _touch(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
