"""Ken Burns effect: slow camera moves over a still, and fitting of pictures to a canvas of another shape."""

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

ZOOM = 0.12  # largest zoom of the camera
WHOLE_ZOOM = 0.06  # the same for a picture that is shown whole
ZOOM_PER_SECOND = 0.03  # limits the zoom of short clips, which would look hurried
PAN = 0.04  # of the window: distance of its middle from the focus at either end, room permitting
MAX_CROPPED_SHARE = 0.45  # of a picture's area: it is shown whole if more would be cut off
BACKGROUND_BRIGHTNESS = 0.55  # brightness of the background of a picture that is shown whole
BLUR = 0.06  # of the canvas' longer side: standard deviation of that background's blur
MIDDLE = (0.5, 0.5)
OVERSAMPLING = 1.25  # pixels of the picture per pixel of a frame, where the camera is nearest
INTERPOLATION_MARGIN = 4  # pixels around the window that interpolation reads


@dataclass(frozen=True)
class Window:
    """Rectangle of a picture, in fractional pixels."""

    left: float
    top: float
    width: float
    height: float

    def towards(self, other: "Window", part: float) -> "Window":
        """Interpolate to another window, ``part`` from 0 to 1. Stays within any rectangle that contains both."""
        return Window(
            self.left + (other.left - self.left) * part,
            self.top + (other.top - self.top) * part,
            self.width + (other.width - self.width) * part,
            self.height + (other.height - self.height) * part,
        )

    def scaled(self, left: float, top: float, across: float, down: float) -> "Window":
        """Convert the window to a crop that starts at (``left``, ``top``) and is scaled by ``across`` and ``down``."""
        return Window((self.left - left) * across, (self.top - top) * down, self.width * across, self.height * down)


@dataclass(frozen=True)
class CameraMove:
    """Camera move over a picture: ``frames`` frames of height×width×3 uint8.

    ``picture`` (H×W×3 uint8) is the part of the original that is ever seen, resampled to the resolution needed. Points
    are in the original's pixels, x before y; whole numbers are pixel centres.
    """

    picture: Rgb
    width: int
    height: int
    frames: int
    start: Window
    end: Window
    first_pixel: Window  # the original's first pixel, as a window of the picture

    def frame(self, number: int, picture: Rgb | None = None) -> Rgb:
        """Render a frame, counted from 0, of the picture or of a replacement of the same size."""
        window, shown = self._window(number), self.picture if picture is None else picture
        pixel = Window(window.left, window.top, window.width / self.width, window.height / self.height)
        size, flags = (self.width, self.height), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        frame = cv2.warpAffine(shown, _pixel_centres(pixel), size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return frame.astype(np.uint8, copy=False)

    def render(self) -> Generator[Rgb, None, None]:
        """Yield all frames of the picture."""
        yield from map(self.frame, range(self.frames))

    def map_points(self, points: Points) -> Points:
        """Map n×2 points of the original to pixels of ``picture``."""
        places = _pixel_centres(self.first_pixel)
        return (points @ places[:, :2].T + places[:, 2]).astype(np.float32)

    def project(self, number: int, point: Points) -> tuple[float, float]:
        """Project a point (x, y) of the original into a frame: 0 to 1 of its sides, clamped to them."""
        window = self._window(number)
        x, y = (float(place) + 0.5 for place in self.map_points(point[None])[0])
        return _within((x - window.left) / window.width, 1), _within((y - window.top) / window.height, 1)

    def _window(self, number: int) -> Window:
        return self.start.towards(self.end, (1 - cos(pi * number / max(self.frames - 1, 1))) / 2)


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
    """Plan a slow move over H×W×3 uint8 that fills height×width×3 (the "Ken Burns effect").

    The camera zooms in or out by up to 12 % and pans over the ``focus`` in a direction that ``seed`` decides. ``focus``
    is (x, y) in 0 to 1 of the picture, its middle if None, and stays within every frame. The move starts and ends
    gently and never shows anything outside the picture.

    If covering the canvas would cut off more than 45 % of the picture, the whole picture is shown, and the camera
    hardly moves. The background is the picture's own blurred and darkened enlargement. The exception: ``subject``
    (width and height in pixels of the main motif) is given and fits where the camera is farthest.
    """
    across, down = _covered(picture.shape[1], picture.shape[0], width, height)
    pixel, focus, pan, zoom = Window(0, 0, 1, 1), focus or MIDDLE, PAN, ZOOM
    subject_fits = subject is not None and subject[0] <= across and subject[1] <= down
    if not subject_fits and across * down < (1 - MAX_CROPPED_SHARE) * picture.shape[0] * picture.shape[1]:
        picture, pixel, focus = _fit_on_blurred_background(picture, width, height, focus)
        pan, zoom = 0.0, WHOLE_ZOOM
    slowdown = min(1.0, ZOOM_PER_SECOND * frames / FPS / zoom)
    start, end = _ends(picture, (width, height), focus, pan * slowdown, zoom * slowdown, seed)
    picture, crop = _sampled(picture, width, height, start, end)
    return CameraMove(picture, width, height, frames, start.scaled(*crop), end.scaled(*crop), pixel.scaled(*crop))


def resize_to_cover(frame: Rgb, width: int, height: int, focus: tuple[float, float] | None = None) -> Rgb:
    """Resize H×W×3 uint8 to cover height×width×3, cropped around ``focus`` (0 to 1 of the frame's sides)."""
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
    """Return the size of the largest part of ``columns`` × ``rows`` that has the canvas' shape."""
    scale = min(columns / width, rows / height)
    return width * scale, height * scale


def _ends(
    picture: Rgb, canvas: tuple[int, int], focus: tuple[float, float], pan: float, zoom: float, seed: int
) -> tuple[Window, Window]:
    """Choose the first and the last window. Whatever both contain, all windows between them contain too."""
    rows, columns = picture.shape[:2]
    widest = _covered(columns, rows, *canvas)
    rng = np.random.default_rng(seed)
    zooms = (1.0, 1 + zoom) if rng.random() < 0.5 else (1 + zoom, 1.0)
    angle = rng.random() * 2 * pi
    ends = []
    for zoom_factor, side in zip(zooms, (-pan, pan), strict=True):
        across, down = widest[0] / zoom_factor, widest[1] / zoom_factor
        left = focus[0] * columns + (side * cos(angle) - 0.5) * across
        top = focus[1] * rows + (side * sin(angle) - 0.5) * down
        ends.append(Window(_within(left, columns - across), _within(top, rows - down), across, down))
    return ends[0], ends[1]


def _sampled(
    picture: Rgb, width: int, height: int, start: Window, end: Window
) -> tuple[Rgb, tuple[float, float, float, float]]:
    """Resample the part that the camera passes over to slightly more than its display size.

    Also returns its left and top and the scales across and down. One high-quality resampling allows fast bilinear
    sampling of each frame. From a much larger picture, bilinear sampling would flicker; at just the display size,
    sharpness would vary.
    """
    rows, columns = picture.shape[:2]
    left = max(floor(min(start.left, end.left)) - INTERPOLATION_MARGIN, 0)
    top = max(floor(min(start.top, end.top)) - INTERPOLATION_MARGIN, 0)
    right = min(ceil(max(start.left + start.width, end.left + end.width)) + INTERPOLATION_MARGIN, columns)
    bottom = min(ceil(max(start.top + start.height, end.top + end.height)) + INTERPOLATION_MARGIN, rows)
    part = np.ascontiguousarray(picture[top:bottom, left:right])
    scale = OVERSAMPLING * max(width / min(start.width, end.width), height / min(start.height, end.height))
    size = max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1)
    sampled = np.asarray(Image.fromarray(part).resize(size, Image.Resampling.LANCZOS))
    return sampled, (left, top, size[0] / part.shape[1], size[1] / part.shape[0])


def _fit_on_blurred_background(
    picture: Rgb, width: int, height: int, focus: tuple[float, float]
) -> tuple[Rgb, Window, tuple[float, float]]:
    """Place the whole picture in front of its blurred enlargement, in the canvas' shape.

    Also returns the window of the picture's first pixel, and the camera's target (0 to 1 of the result): its middle, or
    as far from there as keeps the focus in view.
    """
    canvas = ceil(width * (1 + WHOLE_ZOOM)), ceil(height * (1 + WHOLE_ZOOM))
    # Blurred at an eighth of the size, because the blur leaves nothing finer.
    crop = resize_to_cover(picture, max(canvas[0] // 8, 1), max(canvas[1] // 8, 1), focus)
    blurred = cv2.GaussianBlur(crop, (0, 0), BLUR * max(canvas) / 8, borderType=cv2.BORDER_REPLICATE)
    dark = cv2.convertScaleAbs(blurred, alpha=BACKGROUND_BRIGHTNESS)
    result = cv2.resize(dark, canvas, interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)
    rows, columns = picture.shape[:2]
    scale = min(canvas[0] / columns, canvas[1] / rows)
    size = max(round(columns * scale), 1), max(round(rows * scale), 1)
    front = Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    left, top = (canvas[0] - size[0]) // 2, (canvas[1] - size[1]) // 2
    result[top : top + size[1], left : left + size[0]] = np.asarray(front)
    x, y = (left + focus[0] * size[0]) / canvas[0], (top + focus[1] * size[1]) / canvas[1]
    half_view = 0.5 / (1 + WHOLE_ZOOM)
    target = min(max(0.5, x - half_view), x + half_view), min(max(0.5, y - half_view), y + half_view)
    return result, Window(left, top, size[0] / columns, size[1] / rows), target


def _pixel_centres(pixel: Window) -> NDArray[np.float64]:
    """Return the 2×3 transform from pixel indices to pixel centres, given the first pixel's window."""
    return np.array(
        [[pixel.width, 0, pixel.left + pixel.width / 2 - 0.5], [0, pixel.height, pixel.top + pixel.height / 2 - 0.5]]
    )


def _within(start: float, room: float) -> float:
    """Clamp a start to between 0 and the available room."""
    return min(max(start, 0.0), max(room, 0.0))
