"""A camera that moves slowly over a picture, and pictures brought to a canvas of another shape."""

from collections.abc import Generator
from dataclasses import dataclass
from math import ceil, cos, floor, pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core.arrays import Rgb
from pipeline.video import FPS

Points = NDArray[np.float32]

ZOOM = 0.12  # the most that the camera comes nearer by
WHOLE_ZOOM = 0.06  # the same for a picture that is to be seen whole, of which it takes half from either side
ZOOM_PER_SECOND = 0.03  # less for what is shown shortly, lest it hurries
PAN = 0.04  # of what is shown: how far its middle lies from the focus at either end, where there is room
MOST_CUT = 0.45  # of a picture's area: where more would be cut off, it is shown whole
SURROUNDINGS = 0.55  # brightness of what is around a picture that is shown whole
BLUR = 0.06  # of the canvas' longer side: standard deviation of the blur around it
MIDDLE = (0.5, 0.5)
SAMPLES = 1.25  # pixels of the picture for one of a frame where the camera is nearest
REACH = 4  # pixels around what is shown that an interpolation looks at


@dataclass(frozen=True)
class Window:
    """A part of a picture: where it begins and how large it is, in pixels, not whole ones."""

    left: float
    top: float
    width: float
    height: float

    def towards(self, other: "Window", part: float) -> "Window":
        """On the way to another, 0 to 1: within both of what they are both within."""
        return Window(
            self.left + (other.left - self.left) * part,
            self.top + (other.top - self.top) * part,
            self.width + (other.width - self.width) * part,
            self.height + (other.height - self.height) * part,
        )

    def scaled(self, left: float, top: float, across: float, down: float) -> "Window":
        """The same after the picture was cut at ``left`` and ``top`` and scaled by ``across`` and ``down``."""
        return Window((self.left - left) * across, (self.top - top) * down, self.width * across, self.height * down)


@dataclass(frozen=True)
class CameraMove:
    """A camera's way over a picture in ``frames`` frames of height×width×3 uint8.

    ``picture`` is what it passes over, H×W×3 uint8: the part of the original that is ever seen, as large as that
    takes. Points of the original are its pixels, x before y; a whole number is a pixel's middle.
    """

    picture: Rgb
    width: int
    height: int
    frames: int
    start: Window
    end: Window
    first_pixel: Window  # where the original's is in the picture, and how large

    def frame(self, number: int, picture: Rgb | None = None) -> Rgb:
        """What is seen in a frame, from 0, of the picture or of another of its size that takes its place."""
        window, shown = self._window(number), self.picture if picture is None else picture
        pixel = Window(window.left, window.top, window.width / self.width, window.height / self.height)
        size, flags = (self.width, self.height), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        frame = cv2.warpAffine(shown, _middles(pixel), size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return frame.astype(np.uint8, copy=False)

    def map_points(self, points: Points) -> Points:
        """Where n×2 points of the original are in the picture, in its pixels."""
        places = _middles(self.first_pixel)
        return (points @ places[:, :2].T + places[:, 2]).astype(np.float32)

    def project(self, number: int, point: Points) -> tuple[float, float]:
        """Where a point (x, y) of the original is in a frame: 0 to 1 of its sides, the nearest when it is outside."""
        window = self._window(number)
        x, y = (float(place) + 0.5 for place in self.map_points(point[None])[0])
        return _within((x - window.left) / window.width, 1), _within((y - window.top) / window.height, 1)

    def _window(self, number: int) -> Window:
        return self.start.towards(self.end, (1 - cos(pi * number / max(self.frames - 1, 1))) / 2)


def camera_move_frames(
    picture: Rgb, width: int, height: int, frames: int, *, focus: tuple[float, float] | None = None, seed: int
) -> Generator[Rgb, None, None]:
    """``frames`` frames, height×width×3 uint8, of a camera that moves over H×W×3 uint8, as ``planned`` says."""
    move = plan_camera_move(picture, width, height, frames, focus=focus, seed=seed)
    for number in range(frames):
        yield move.frame(number)


def plan_camera_move(
    picture: Rgb,
    width: int,
    height: int,
    frames: int,
    *,
    focus: tuple[float, float] | None = None,
    subject: tuple[float, float] | None = None,
    seed: int,
) -> CameraMove:
    """A slow move over H×W×3 uint8 that fills height×width×3 (the "Ken Burns effect").

    The camera comes nearer by up to 12 % or goes back by as much, and passes over the ``focus`` (x, y in 0 to 1 of the
    picture; its middle when None) in a direction that ``seed`` decides; it starts and ends gently and never shows what
    lies outside the picture. The focus is within every frame. Where covering the canvas would cut off more than 45 %
    of the picture, the whole of it is shown in front of its own blurred and darkened enlargement, and the camera
    hardly moves; unless what the picture is about is known, ``subject`` wide and high in pixels, and there is room for
    that where the camera is farthest.
    """
    across, down = _covered(picture.shape[1], picture.shape[0], width, height)
    pixel, focus, pan, zoom = Window(0, 0, 1, 1), focus or MIDDLE, PAN, ZOOM
    held = subject is not None and subject[0] <= across and subject[1] <= down
    if not held and across * down < (1 - MOST_CUT) * picture.shape[0] * picture.shape[1]:
        picture, pixel, focus = _fit_on_blurred_background(picture, width, height, focus)
        pan, zoom = 0.0, WHOLE_ZOOM
    calm = min(1.0, ZOOM_PER_SECOND * frames / FPS / zoom)
    start, end = _ends(picture, (width, height), focus, pan * calm, zoom * calm, seed)
    picture, cut = _sampled(picture, width, height, start, end)
    return CameraMove(picture, width, height, frames, start.scaled(*cut), end.scaled(*cut), pixel.scaled(*cut))


def resize_to_cover(frame: Rgb, width: int, height: int, focus: tuple[float, float] | None = None) -> Rgb:
    """H×W×3 uint8 enlarged or reduced to cover height×width×3; cut around ``focus`` (0 to 1 of the frame's sides)."""
    rows, columns = frame.shape[:2]
    across, down = _covered(columns, rows, width, height)
    x, y = focus or MIDDLE
    left = _within(round(x * columns - across / 2), columns - round(across))
    top = _within(round(y * rows - down / 2), rows - round(down))
    part = frame[int(top) : int(top) + max(round(down), 1), int(left) : int(left) + max(round(across), 1)]
    if part.shape[:2] == (height, width):
        return np.ascontiguousarray(part)
    kernel = cv2.INTER_AREA if across > width else cv2.INTER_CUBIC
    return cv2.resize(part, (width, height), interpolation=kernel).astype(np.uint8, copy=False)


def _covered(columns: float, rows: float, width: int, height: int) -> tuple[float, float]:
    """How large a part of ``columns`` × ``rows`` is that has the canvas' shape."""
    scale = min(columns / width, rows / height)
    return width * scale, height * scale


def _ends(
    picture: Rgb, canvas: tuple[int, int], focus: tuple[float, float], pan: float, zoom: float, seed: int
) -> tuple[Window, Window]:
    """What is shown first and last. Whatever both contain, everything between them contains too."""
    rows, columns = picture.shape[:2]
    widest = _covered(columns, rows, *canvas)
    chance = np.random.default_rng(seed)
    zooms = (1.0, 1 + zoom) if chance.random() < 0.5 else (1 + zoom, 1.0)
    angle = chance.random() * 2 * pi
    ends = []
    for nearer, side in zip(zooms, (-pan, pan), strict=True):
        across, down = widest[0] / nearer, widest[1] / nearer
        left = focus[0] * columns + (side * cos(angle) - 0.5) * across
        top = focus[1] * rows + (side * sin(angle) - 0.5) * down
        ends.append(Window(_within(left, columns - across), _within(top, rows - down), across, down))
    return ends[0], ends[1]


def _sampled(
    picture: Rgb, width: int, height: int, start: Window, end: Window
) -> tuple[Rgb, tuple[float, float, float, float]]:
    """The part that the camera passes over, as large as it is shown and a little larger; and how it was cut and scaled.

    Once and well, so that each frame can be taken from it quickly: between the four pixels around a place. Of a much
    larger picture that would flicker, of one just as large it would be now sharp, now soft.
    """
    rows, columns = picture.shape[:2]
    left = max(floor(min(start.left, end.left)) - REACH, 0)
    top = max(floor(min(start.top, end.top)) - REACH, 0)
    right = min(ceil(max(start.left + start.width, end.left + end.width)) + REACH, columns)
    bottom = min(ceil(max(start.top + start.height, end.top + end.height)) + REACH, rows)
    part = np.ascontiguousarray(picture[top:bottom, left:right])
    scale = SAMPLES * max(width / min(start.width, end.width), height / min(start.height, end.height))
    size = max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1)
    sampled = np.asarray(Image.fromarray(part).resize(size, Image.Resampling.LANCZOS))
    return sampled, (left, top, size[0] / part.shape[1], size[1] / part.shape[0])


def _fit_on_blurred_background(
    picture: Rgb, width: int, height: int, focus: tuple[float, float]
) -> tuple[Rgb, Window, tuple[float, float]]:
    """The whole picture in front of itself, in the canvas' shape; where its first pixel is in that, and how large; and
    where the camera is to look, 0 to 1 of it: at its middle, or as far from there as keeps the focus in view."""
    canvas = ceil(width * (1 + WHOLE_ZOOM)), ceil(height * (1 + WHOLE_ZOOM))
    # Blurred at an eighth of the size: nothing finer is left in it anyway.
    cut = resize_to_cover(picture, max(canvas[0] // 8, 1), max(canvas[1] // 8, 1), focus)
    blurred = cv2.GaussianBlur(cut, (0, 0), BLUR * max(canvas) / 8, borderType=cv2.BORDER_REPLICATE)
    dark = cv2.convertScaleAbs(blurred, alpha=SURROUNDINGS)
    result = cv2.resize(dark, canvas, interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)
    rows, columns = picture.shape[:2]
    scale = min(canvas[0] / columns, canvas[1] / rows)
    size = max(round(columns * scale), 1), max(round(rows * scale), 1)
    front = Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    left, top = (canvas[0] - size[0]) // 2, (canvas[1] - size[1]) // 2
    result[top : top + size[1], left : left + size[0]] = np.asarray(front)
    x, y = (left + focus[0] * size[0]) / canvas[0], (top + focus[1] * size[1]) / canvas[1]
    seen = 0.5 / (1 + WHOLE_ZOOM)
    looked_at = min(max(0.5, x - seen), x + seen), min(max(0.5, y - seen), y + seen)
    return result, Window(left, top, size[0] / columns, size[1] / rows), looked_at


def _middles(pixel: Window) -> NDArray[np.float64]:
    """2×3: where pixels' middles are, by their numbers, when the first of them is there and all are as large."""
    return np.array(
        [[pixel.width, 0, pixel.left + pixel.width / 2 - 0.5], [0, pixel.height, pixel.top + pixel.height / 2 - 0.5]]
    )


def _within(start: float, room: float) -> float:
    """A start that is neither before 0 nor beyond the room there is."""
    return min(max(start, 0.0), max(room, 0.0))
