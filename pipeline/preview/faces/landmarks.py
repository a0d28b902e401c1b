"""Face landmarks: eyes, nose and mouth of a face that a cascade detected, located without a network.

Eyes are found where gradients point away from one centre, the mouth as the dark, red line below them.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.core.arrays import Bytes, Floats

CROP_SIDE = 128  # pixels of the upright crop in which the mouth is located
EYES = np.array([(46, 44), (82, 44)], np.float32)  # positions of the eyes in that crop
# Height and half width of the mouth of a face that looks straight ahead, in that crop.
MOUTH_Y, MOUTH_HALF, NOSE_SHARE = 81.0, 14.0, 0.56
EYE_WINDOW = 40  # width in pixels at which an eye's surroundings are examined
# Search window of each eye, in shares of the cascade's box.
WINDOWS = ((0.14, 0.26, 0.46, 0.52), (0.54, 0.26, 0.86, 0.52))


def detect_landmarks(
    grey: Bytes, red: Floats, box: tuple[int, int, int, int], eye_hints: Sequence[tuple[float, float]] = ()
) -> Floats:
    """Locate five landmarks (5×2 float32: eyes, nose, corners of the mouth) of the face in ``box``.

    ``box`` is (left, top, width, height), ``grey`` H×W uint8, ``red`` H×W float32: CIELAB's a. ``eye_hints`` are the
    eye centres that a cascade detected. Landmarks may lie a little outside of the picture.
    """
    left, top, width, height = box
    eyes = np.array(
        [_eye(grey, left, top, width, height, _window(box, eye_hints, window)) for window in WINDOWS], np.float32
    )
    default = np.array(
        [(left + 0.31 * width, top + 0.40 * height), (left + 0.69 * width, top + 0.40 * height)], np.float32
    )
    eye_vector, height_difference = eyes[1] - eyes[0], abs(eyes[1, 1] - eyes[0, 1])
    if not 0.26 * width < eye_vector[0] < 0.56 * width or height_difference > 0.22 * width:
        eyes = default
    return _with_mouth(grey, red, eyes)


def _window(
    box: tuple[int, int, int, int], eye_hints: Sequence[tuple[float, float]], default: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """Choose an eye's search window, in shares of ``box``: around a hint within ``default``, else ``default``."""
    left, top, width, height = box
    for x, y in (((x - left) / width, (y - top) / height) for x, y in eye_hints):
        if default[0] <= x <= default[2] and default[1] <= y <= default[3]:
            return (x - 0.10, y - 0.07, x + 0.10, y + 0.07)
    return default


def _eye(
    grey: Bytes, left: int, top: int, width: int, height: int, window: tuple[float, float, float, float]
) -> Floats:
    """Locate the centre of an iris in a window of a face's box (Timm and Barth, "Eye Centre Localisation", 2011)."""
    x0, y0 = max(left + round(window[0] * width), 0), max(top + round(window[1] * height), 0)
    x1, y1 = left + round(window[2] * width), top + round(window[3] * height)
    part = grey[y0:y1, x0:x1]
    if min(part.shape) < 3:
        return np.array(((x0 + x1) / 2, (y0 + y1) / 2), np.float32)
    gain = EYE_WINDOW / part.shape[1]
    small = cv2.resize(part, (EYE_WINDOW, max(round(part.shape[0] * gain), 3)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 1.0).astype(np.float32)
    across, down = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
    magnitude = np.hypot(across, down)
    at = magnitude > magnitude.mean() + 0.3 * magnitude.std()
    rows, columns = np.nonzero(at)
    if not len(rows):
        return np.array(((x0 + x1) / 2, (y0 + y1) / 2), np.float32)
    direction = np.stack([across[at], down[at]], -1) / magnitude[at][:, None]
    high, wide = small.shape
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    outward = np.stack([columns[None, None] - x[..., None], rows[None, None] - y[..., None]], -1)
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True) + 1e-6
    # An iris is dark and its surroundings bright: gradients point outwards.
    agreement = np.clip((outward * direction).sum(-1), 0, None) ** 2
    dark = 255 - cv2.GaussianBlur(small, (0, 0), 2.0)
    middle = np.exp(-(((x - wide / 2) / (0.32 * wide)) ** 2 + ((y - 0.53 * high) / (0.36 * high)) ** 2))
    score = agreement.mean(-1) * dark * middle
    row, column = np.unravel_index(int(score.argmax()), score.shape)
    return np.array((x0 + (column + 0.5) / gain, y0 + (row + 0.5) / gain), np.float32)


def _with_mouth(grey: Bytes, red: Floats, eyes: Floats) -> Floats:
    """Add the nose and the corners of the mouth to the two eyes: 5×2 float32."""
    centre, eye_vector = eyes.mean(0), eyes[1] - eyes[0]
    gain = float(np.hypot(*eye_vector)) / float(EYES[1, 0] - EYES[0, 0])
    angle = float(np.arctan2(eye_vector[1], eye_vector[0]))
    scaled_rotation = gain * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    to_picture = np.column_stack([scaled_rotation, centre - scaled_rotation @ EYES.mean(0)]).astype(np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if gain > 1:
        grey, red = (cv2.GaussianBlur(each, (0, 0), 0.5 * gain) for each in (grey, red))
    upright = cv2.warpAffine(grey, to_picture, (CROP_SIDE, CROP_SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    reddish = cv2.warpAffine(red, to_picture, (CROP_SIDE, CROP_SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    middle, half, y = _mouth(upright.astype(np.float32), reddish.astype(np.float32))
    below = EYES.mean(0) + np.array((middle - EYES[:, 0].mean(), y - EYES[0, 1]), np.float32)
    nose = EYES.mean(0) + NOSE_SHARE * (below - EYES.mean(0))
    crop = np.array([*EYES, nose, below - (half, 0), below - (-half, 0)], np.float32)
    return np.asarray(crop @ to_picture[:, :2].T + to_picture[:, 2], np.float32)


def _mouth(grey: Floats, red: Floats) -> tuple[float, float, float]:
    """Locate the mouth in the upright crop: its middle, half width and height; defaults where nothing shows it."""
    top, bottom, left, right = 68, 98, 44, 84
    blurred = cv2.GaussianBlur(grey, (0, 0), 1.2)
    # The line between the lips: darker than what is above and below.
    line = np.roll(blurred, 4, 0) + np.roll(blurred, -4, 0) - 2 * blurred
    line = np.clip(line[top:bottom, left:right], 0, None)
    lips = cv2.GaussianBlur(red, (0, 0), 1.5)[top:bottom, left:right]
    lips = np.clip(lips - np.median(lips), 0, None)
    rows = line[:, 10:30].mean(1) / (line.max() + 1e-3) + 0.8 * lips[:, 10:30].mean(1) / (lips.max() + 1e-3)
    default = np.exp(-(((np.arange(top, bottom) - MOUTH_Y) / 9.0) ** 2))
    y = int((rows * default).argmax())
    band = slice(max(y - 2, 0), y + 3)
    columns = line[band].max(0) / (line[band].max() + 1e-3) + lips[band].max(0) / (lips[band].max() + 1e-3)
    # A mouth is dark or red from end to end, and about as wide as the eyes are apart.
    lip_columns = np.flatnonzero(cv2.GaussianBlur(columns.reshape(1, -1), (0, 0), 1.0)[0] > 0.55)
    if line[band].max() < 4 or not len(lip_columns):
        return float(EYES[:, 0].mean()), MOUTH_HALF, MOUTH_Y
    start, end = left + float(lip_columns[0]), left + float(lip_columns[-1])
    half = float(np.clip((end - start) / 2, 0.7 * MOUTH_HALF, 1.35 * MOUTH_HALF))
    middle = float(np.clip((start + end) / 2, EYES[:, 0].mean() - 6, EYES[:, 0].mean() + 6))
    return middle, half, float(top + y)
