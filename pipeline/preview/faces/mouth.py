"""Mouth animation: moves the jaw's pixels down and paints the inside of the mouth, which the picture does not show.

Only the degree of opening is an input; there are no visemes.
"""

from collections.abc import Callable

import cv2
import numpy as np

from pipeline.core.arrays import Floats, Rgb
from pipeline.imaging.bands import compute_in_bands

BAND_PIXELS = 64_000  # of the mouth's region that are computed at a time: dozens of temporary arrays fit the cache
LEVELS = 28  # steps from closed to open
# In widths of the mouth, from here on: how far the lower lip moves down and the upper one up.
LOWER_LIP_DROP, UPPER_LIP_LIFT = 0.21, 0.035
OPENING_EXPONENT = 2.3  # 2 would be a parabola between the corners
OPENING_HALF_WIDTH = 0.47  # from the middle to the ends of the opening
JAW_REACH = 1.3  # how far to the sides the jaw moves the cheeks
# Below the mouth, in distances from the eyes to it: where full movement ends, and any movement.
CHIN_DISTANCE, NECK_DISTANCE = 0.80, 1.30
NOSE_DISTANCE = 0.34  # above the mouth, in the same unit: how far up the upper lip moves skin
SEARCH_HEIGHT = 0.2  # above and below the corners: height of the search strip for the line between the lips
COLUMNS, ROWS = 61, 41  # resolution of that strip
TEETH_HEIGHT, TEETH_HALF_WIDTH = 0.055, 0.31  # how far the upper teeth reach below the closed lips, and aside
TONGUE_HEIGHT = 0.12  # how far the tongue's light reaches above the lower lip
CAVITY_COLOUR, TONGUE_COLOUR, TEETH_COLOUR = (
    np.array(colour, np.float32) for colour in ((46, 17, 16), (128, 62, 58), (240, 222, 204))
)
REFERENCE_LIGHTNESS = 172.0  # lightness of skin, 0 to 255, for which those colours are chosen


class Mouth:
    """Mouth of one face in ``picture`` (H×W×3 uint8 sRGB), given the face's five landmarks (5×2, pixels).

    Raises ``ValueError`` if no part of the mouth is within the picture.
    """

    def __init__(self, picture: Rgb, landmarks: Floats) -> None:
        frame = _MouthFrame(landmarks)
        self.region = frame.region(*picture.shape[:2])
        self._picture = np.ascontiguousarray(picture[self.region])
        if min(self._picture.shape[:2]) < 2:
            raise ValueError("the mouth is outside of the picture")
        self._frame = frame
        rows, columns = (np.arange(side.start, side.stop, dtype=np.float32) for side in self.region)
        self._x, self._y = np.meshgrid(columns - columns[0], rows - rows[0])
        across, down = frame.coordinates(columns[None, :], rows[:, None])
        self._across = across
        self._below = down - _lip_line(picture, frame)(across)
        self._light = _lightness(picture, landmarks) / REFERENCE_LIGHTNESS
        self._rendered: dict[int, Rgb] = {}

    def render(self, opening: float) -> Rgb:
        """Render ``region`` with the mouth opened to the given degree, 0 (the original pixels, bit for bit) to 1.

        Each of the ``LEVELS`` steps is rendered once and cached: do not modify the returned array.
        """
        level = round(min(max(opening, 0.0), 1.0) * LEVELS)
        if level == 0:
            return self._picture
        if level not in self._rendered:
            self._rendered[level] = self._opened(level / LEVELS)
        return self._rendered[level]

    def _opened(self, opening: float) -> Rgb:
        result = np.empty_like(self._picture)

        def open_rows(rows: slice) -> None:
            result[rows] = self._opened_rows(opening, rows)

        compute_in_bands(result.shape[1], result.shape[0], open_rows, pixels=BAND_PIXELS)
        return result

    def _opened_rows(self, opening: float, rows: slice) -> Rgb:
        frame, across, below = self._frame, self._across[rows], self._below[rows]
        lens = np.clip(1 - np.abs(across / OPENING_HALF_WIDTH) ** OPENING_EXPONENT, 0, 1)
        up, low = -UPPER_LIP_LIFT * opening * lens, LOWER_LIP_DROP * opening * lens
        jaw = below
        if float(below.max()) > 0:  # above the line between the lips, the jaw moves nothing
            # Inverse warp by fixed-point iteration, which converges because the movement folds nothing over.
            for _ in range(5):
                jaw_weight = _jaw_weight(across, np.maximum(jaw, 0), frame.eye_to_mouth)
                jaw = np.asarray(below - opening * LOWER_LIP_DROP * jaw_weight, np.float32)
        lip = below + opening * UPPER_LIP_LIFT * lens * (1 - _smoothstep(-below / (NOSE_DISTANCE * frame.eye_to_mouth)))
        lower = below > (up + low) / 2
        source = np.where(lower, np.maximum(jaw, 0), np.minimum(lip, 0))
        shift = (source - below) * frame.width
        result = np.asarray(
            cv2.remap(
                self._picture,
                np.asarray(self._x[rows] + shift * frame.down[0], np.float32),
                np.asarray(self._y[rows] + shift * frame.down[1], np.float32),
                cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.uint8,
        )
        pixel = 1 / frame.width
        inside = np.clip((np.minimum(below - up, low - below) / pixel + 0.5) / 1.5, 0, 1) * (lens > 0)
        open_rows, open_columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
        if len(open_rows):
            # Only where the mouth is open, which is a small part of what the jaw moves.
            box = np.s_[open_rows[0] : open_rows[-1] + 1, open_columns[0] : open_columns[-1] + 1]
            inner = self._interior(opening, across[box], below[box], up[box], low[box])
            mixed = result[box] + inside[box][..., None] * (inner - result[box])
            result[box] = np.clip(mixed, 0, 255).round()
        return result

    def _interior(self, opening: float, across: Floats, below: Floats, up: Floats, low: Floats) -> Floats:
        """Paint the inside of the mouth, H×W×3 float32, 0 to 255: dark, with teeth above and the tongue's red below."""
        tongue = (
            _smoothstep(1 - (low - below) / TONGUE_HEIGHT)
            * np.clip(1 - (across / 0.36) ** 2, 0, 1)
            * _smoothstep(opening / 0.6)
        )
        behind = CAVITY_COLOUR + (0.75 * tongue)[..., None] * (TONGUE_COLOUR - CAVITY_COLOUR)
        edge = TEETH_HEIGHT * np.sqrt(np.clip(1 - (across / (1.25 * TEETH_HALF_WIDTH)) ** 2, 0, 1))
        teeth = _smoothstep((edge - below) / 0.02) * _smoothstep((TEETH_HALF_WIDTH - np.abs(across)) / 0.1)
        # The upper lip casts its shadow on the teeth.
        shade = 0.5 + 0.45 * _smoothstep((below - up) / 0.09)
        colour = behind + teeth[..., None] * (shade[..., None] * TEETH_COLOUR - behind)
        return np.asarray(colour * self._light, np.float32)


class _MouthFrame:
    """Coordinate system of a face, in widths of its mouth, with the middle of the mouth as origin.

    ``across`` points to the right of the picture, ``down`` to the chin.
    """

    def __init__(self, points: Floats) -> None:
        corners = points[3:5].astype(np.float64)
        eyes = points[:2].mean(0).astype(np.float64)
        self.middle = corners.mean(0)
        self.width = float(max(np.hypot(*(corners[1] - corners[0])), 1.0))
        self.across = (corners[1] - corners[0]) / self.width
        self.down = np.array([-self.across[1], self.across[0]])
        self.eye_to_mouth = float(max((self.middle - eyes) @ self.down / self.width, 0.3))  # from the eyes to the mouth

    def coordinates(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Convert pixels to coordinates across and down."""
        right, below = (x - self.middle[0]) / self.width, (y - self.middle[1]) / self.width
        across = right * self.across[0] + below * self.across[1]
        down = right * self.down[0] + below * self.down[1]
        return np.asarray(across, np.float32), np.asarray(down, np.float32)

    def pixels(self, across: Floats, down: Floats) -> Floats:
        """Convert coordinates to pixels, …×2: the inverse of ``coordinates``."""
        return np.asarray(
            self.middle + self.width * (across[..., None] * self.across + down[..., None] * self.down), np.float32
        )

    def region(self, height: int, width: int) -> tuple[slice, slice]:
        """Return the rows and columns that move, clipped to the picture: empty slices if they lie outside of it."""
        top, bottom = (
            -NOSE_DISTANCE * self.eye_to_mouth - SEARCH_HEIGHT,
            NECK_DISTANCE * self.eye_to_mouth + SEARCH_HEIGHT,
        )
        corners = self.pixels(
            np.array([-JAW_REACH, JAW_REACH, -JAW_REACH, JAW_REACH]), np.array([top, top, bottom, bottom])
        )
        (x0, y0), (x1, y1) = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int) + 1
        rows = slice(int(np.clip(y0, 0, height)), int(np.clip(y1, 0, height)))
        return rows, slice(int(np.clip(x0, 0, width)), int(np.clip(x1, 0, width)))


def _jaw_weight(across: Floats, below: Floats, eye_to_mouth: float) -> Floats:
    """Weight of a place in the lower lip's movement, 0 to 1; ``below`` is its distance below the line between the lips.

    At the lips the weight is a lens between the corners, which do not move. At the chin it is wide and soft; below the
    neck it is 0.
    """
    depth = np.clip(below / (CHIN_DISTANCE * eye_to_mouth), 0, 1)
    half = OPENING_HALF_WIDTH + (JAW_REACH - OPENING_HALF_WIDTH) * depth
    profile = np.clip(1 - np.abs(across / half) ** OPENING_EXPONENT, 0, 1)
    soft = np.clip(below / 0.3, 0, 1)
    fade = 1 - _smoothstep((below - CHIN_DISTANCE * eye_to_mouth) / ((NECK_DISTANCE - CHIN_DISTANCE) * eye_to_mouth))
    return np.asarray(profile ** (1 + soft) * fade, np.float32)


def _lip_line(picture: Rgb, frame: _MouthFrame) -> Callable[[Floats], Floats]:
    """Trace the line between the lips: returns its distance below the corners as a function of the place across.

    The darkest continuous path through the strip between the corners, by dynamic programming, smoothed by a polynomial.
    """
    across, down = np.linspace(-0.5, 0.5, COLUMNS), np.linspace(-SEARCH_HEIGHT, SEARCH_HEIGHT, ROWS)
    strip = frame.pixels(*np.meshgrid(across, down))
    blur = max(frame.width / COLUMNS, 0.5)
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), blur)
    strip_grey = cv2.remap(grey, strip[..., 0], strip[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    strip_grey = strip_grey.astype(np.float32)
    line = np.clip(np.roll(strip_grey, 4, 0) + np.roll(strip_grey, -4, 0) - 2 * strip_grey, 0, None)
    line[:4] = line[-4:] = 0
    line_score = line / (line.max() + 1e-3) - 0.5 * (down[:, None] / SEARCH_HEIGHT) ** 2
    best, backtrack = line_score[:, 0].copy(), np.zeros((ROWS, COLUMNS), int)
    for column in range(1, COLUMNS):
        steps = np.stack([np.roll(best, step) - 0.05 * abs(step) for step in (-1, 0, 1)])
        steps[0, -1] = steps[2, 0] = -np.inf
        backtrack[:, column] = np.array([1, 0, -1])[steps.argmax(0)]
        best = steps.max(0) + line_score[:, column]
    rows = np.empty(COLUMNS, int)
    rows[-1] = int(best.argmax())
    for column in range(COLUMNS - 1, 0, -1):
        rows[column - 1] = rows[column] + backtrack[rows[column], column]
    weight = 0.05 + line[rows, np.arange(COLUMNS)] / (line.max() + 1e-3)
    curve = np.polynomial.Polynomial.fit(across, down[rows], 4, w=weight, domain=[-0.5, 0.5])
    return lambda where: np.asarray(curve(np.clip(where, -0.5, 0.5)), np.float32)


def _lightness(picture: Rgb, points: Floats) -> float:
    """Measure the lightness of the skin between the eyes and the mouth's corners: 70 to 200, of 255."""
    cheeks = np.clip((points[:2] + points[3:5]) / 2, 0, np.array(picture.shape[1::-1]) - 1).astype(int)
    reach = max(int(np.hypot(*(points[1] - points[0])) / 12), 1)
    patches = [
        picture[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1].reshape(-1, 3) for x, y in cheeks
    ]
    return float(np.clip(np.median(np.concatenate(patches).mean(1)), 70, 200))


def _smoothstep(share: Floats | float) -> Floats:
    """Smoothstep: maps 0…1 to 0…1 with zero slope at both ends."""
    share = np.clip(share, 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
