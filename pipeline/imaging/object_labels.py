"""Object labels: places labels on a picture without overlaps, and draws them.

A label is text in a pill: a rectangle with semicircular ends. All boxes are whole pixels within the picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from darkroom.contract.coco_objects import THING
from pipeline.core.arrays import Rgb

TEXT_SIZE = 1 / 55  # size of the text, of the picture's longer side
MAX_TEXT_SHARE = 1 / 4  # of the picture's shorter side
MIN_TEXT_PIXELS = 11  # pixels
TEXT_COLOUR = (255, 255, 255)  # the text and the border
VERTICAL_OFFSETS = (0.0, 1.2, -1.2, 2.4, -2.4)  # how far a label may move up or down to find room, in its own heights

Size = tuple[int, int]  # width, height
Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two are the first pixels outside
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Label:
    """The text of object ``index`` and its pill's box, which is at least as wide as high."""

    index: int
    text: str
    box: Box
    font: Font


def place_labels(names: Sequence[str], anchors: Sequence[tuple[int, int] | None], size: Size) -> list[Label]:
    """Choose a text and a box for each object that has an anchor, the pixel that its label is best centred on.

    Boxes lie within a picture of ``size`` and never overlap. The text is the number, from 1, and the name, or the
    number alone where both have no room. A label without any room is left out, as one over another hides both.
    """
    pixels = max(min(round(TEXT_SIZE * max(size)), int(MAX_TEXT_SHARE * min(size))), MIN_TEXT_PIXELS)
    font = ImageFont.load_default(pixels)
    labels: list[Label] = []
    for index, (name, anchor) in enumerate(zip(names, anchors, strict=True)):
        if anchor is None:
            continue
        height = ceil(pixels * 1.5)
        candidates = (
            Label(index, text, box, font)
            for text in _texts(index + 1, name)
            for box in _boxes(anchor, (max(ceil(font.getlength(text)) + pixels, height), height), size)
        )
        free = (label for label in candidates if not any(_overlap(label.box, other.box) for other in labels))
        labels.extend(label for label in [next(free, None)] if label is not None)
    return labels


def draw_label(picture: Rgb, label: Label, colour: tuple[int, int, int]) -> None:
    """Draw the pill in ``colour`` with a white border and white text; no pixel outside its box is changed."""
    left, top, right, bottom = label.box
    width, height = right - left, bottom - top
    part = picture[top:bottom, left:right]
    _mix(part, TEXT_COLOUR, _pill(width, height, 0))
    _mix(part, colour, _pill(width, height, max(round(height / 18), 1)))
    image = Image.fromarray(part)
    ImageDraw.Draw(image).text((width / 2, height / 2), label.text, fill=TEXT_COLOUR, font=label.font, anchor="mm")
    part[:] = np.asarray(image)


def _texts(number: int, name: str) -> Iterator[str]:
    """Yield the possible texts of a label, best first. The font has Latin-1 letters only."""
    words = " ".join(name.split())
    if words not in ("", THING) and words.isprintable() and max(words) <= "ÿ":
        yield f"{number} {words}"
    yield f"{number}"


def _boxes(anchor: tuple[int, int], label: Size, size: Size) -> Iterator[Box]:
    """Yield possible boxes of a label near ``anchor``, best first, within the picture; none if it is too small."""
    width, height = label
    if width > size[0] or height > size[1]:
        return
    for move in VERTICAL_OFFSETS:
        left = min(max(anchor[0] - width // 2, 0), size[0] - width)
        top = min(max(anchor[1] - height // 2 + round(move * height), 0), size[1] - height)
        yield left, top, left + width, top + height


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _pill(width: int, height: int, inset: int) -> NDArray[np.float64]:
    """Compute a pill's coverage of each pixel: h×w, 0 to 1. It is ``inset`` pixels smaller than the box on each side.

    Drawn here, because Pillow's ``rounded_rectangle`` raises ``ValueError`` for some pills whose sides are no integers.
    """
    across = np.maximum(np.abs(np.arange(width) - (width - 1) / 2) - (width - height) / 2, 0)
    down = np.abs(np.arange(height) - (height - 1) / 2)
    # Distance from the line between the centres of the two semicircles.
    distance = np.hypot(across[None, :], down[:, None])
    return np.asarray(np.clip(height / 2 - inset - distance + 0.5, 0, 1), np.float64)


def _mix(part: Rgb, colour: tuple[int, int, int], share: NDArray[np.float64]) -> None:
    part[:] = np.rint(part + (np.array(colour) - part) * share[..., None]).astype(np.uint8)
