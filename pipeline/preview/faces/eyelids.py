"""Eyelid animation: stretches the skin above an eye down over it and draws the lashes along the lid's edge."""

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from pipeline.core.arrays import Floats, Rgb

LEVELS = 8  # steps from open to closed
# In distances between the eyes, from here on.
WINDOW_ASIDE, WINDOW_ABOVE, WINDOW_BELOW = 0.36, 0.34, 0.24  # how far the examined window reaches around an eye
LID_HEIGHT = 0.15  # height of the skin above the eye that is stretched
MARGIN, WIDTH_FACTOR = 0.022, 1.15  # how far the lid reaches beyond the detected eye; how much wider it is
LASHES, LASH_DARKNESS = 0.011, 0.62
COLUMNS = 61  # of the window in which the eye's outline is fitted
MIN_DIFFERENCE = 6.0  # least CIE76 ΔE between an eye and skin
MIN_CONTRAST = 1.6  # least ratio of the eye's difference from skin to its surroundings': glasses fail it


@dataclass(frozen=True)
class EyeOutline:
    """Outline of an eye: two parabolas between its corners, in eye distances from the iris' centre.

    ``x`` and ``y`` are the middle of the line through the corners, ``tilt`` is that line's slope. ``half`` is the
    distance from the middle to a corner, ``upper`` and ``lower`` those to the lids.
    """

    x: float = 0.0
    y: float = 0.02
    half: float = 0.23
    upper: float = 0.10
    lower: float = 0.07
    tilt: float = 0.0

    def lids(self, across: Floats) -> tuple[Floats, Floats]:
        """Return the heights (positive is down) of upper and lower lid at ``across``; constant beyond the corners."""
        arch = np.clip(1 - ((across - self.x) / self.half) ** 2, 0, 1)
        line = self.y + self.tilt * np.clip(across - self.x, -self.half, self.half)
        return line - self.upper * arch, line + self.lower * arch


# Step size and limits of each outline parameter in the fit.
STEPS = {"x": 0.012, "y": 0.008, "half": 0.012, "upper": 0.008, "lower": 0.008, "tilt": 0.04}
LIMITS = {
    "x": (-0.09, 0.09),
    "y": (-0.04, 0.08),
    "half": (0.17, 0.29),
    "upper": (0.05, 0.16),
    "lower": (0.02, 0.12),
    "tilt": (-0.28, 0.28),
}


class Eyelid:
    """Upper lid of one eye of ``picture`` (H×W×3 uint8 sRGB); ``eye_index`` (0 or 1) is its index in ``landmarks``.

    Raises ``ValueError`` if no open eye is visible: it is outside of the picture, closed or behind glasses.
    """

    def __init__(self, picture: Rgb, landmarks: Floats, eye_index: int) -> None:
        between = (landmarks[1] - landmarks[0]).astype(np.float64)
        self._unit = float(max(np.hypot(*between), 1.0))
        self._across, iris = between / self._unit, landmarks[eye_index].astype(np.float64)
        self._down = np.array([-self._across[1], self._across[0]])
        height, width = picture.shape[:2]
        reach = self._unit * np.hypot(WINDOW_ASIDE, WINDOW_ABOVE)
        (x0, y0), (x1, y1) = (np.floor(iris - reach).astype(int), np.ceil(iris + reach).astype(int) + 1)
        if min(x0, y0) < 0 or x1 > width or y1 > height:
            raise ValueError("the eye is at the edge of the picture, or beyond")
        self.region = slice(int(y0), int(y1)), slice(int(x0), int(x1))
        self._picture = np.ascontiguousarray(picture[self.region])
        self.outline = _outline(self._window(iris - (x0, y0)))
        self._x, self._y = np.meshgrid(np.arange(x1 - x0, dtype=np.float32), np.arange(y1 - y0, dtype=np.float32))
        x, y = (self._x + x0 - iris[0]) / self._unit, (self._y + y0 - iris[1]) / self._unit
        self._aside = np.asarray(x * self._across[0] + y * self._across[1], np.float32)
        self._below = np.asarray(x * self._down[0] + y * self._down[1], np.float32)
        self._rendered: dict[int, Rgb] = {}

    def render(self, closed: float) -> Rgb:
        """Render ``region`` with the eye closed to the given degree, 0 (the original pixels, bit for bit) to 1.

        Each of the ``LEVELS`` steps is rendered once and cached: do not modify the returned array.
        """
        level = round(min(max(closed, 0.0), 1.0) * LEVELS)
        if level == 0:
            return self._picture
        if level not in self._rendered:
            self._rendered[level] = self._closed(level / LEVELS)
        return self._rendered[level]

    def _closed(self, share: float) -> Rgb:
        aside, below = self._aside, self._below
        upper, lower = self.outline.lids(aside)
        arch = np.sqrt(np.clip(1 - ((aside - self.outline.x) / (WIDTH_FACTOR * self.outline.half)) ** 2, 0, 1))
        upper, lower = upper - MARGIN * arch, lower + MARGIN * arch
        edge = upper + share * (lower - upper)
        fixed_edge = upper - LID_HEIGHT
        stretched = fixed_edge + (below - fixed_edge) * (upper - fixed_edge) / np.maximum(edge - fixed_edge, 1e-6)
        covered = (below > fixed_edge) & (below < edge)
        shift = np.where(covered, stretched - below, np.where(below < edge + 2 / self._unit, upper - below, 0))
        shift = np.where(below <= fixed_edge, 0, shift) * self._unit
        moved = cv2.remap(
            self._picture,
            np.asarray(self._x + shift * self._down[0], np.float32),
            np.asarray(self._y + shift * self._down[1], np.float32),
            cv2.INTER_CUBIC,
        ).astype(np.float32)
        lid = np.clip((edge - below) * self._unit + 0.5, 0, 1) * (arch > 0) * (below > fixed_edge)
        lash = np.exp(-(((below - edge) / LASHES) ** 2)) * arch * min(3 * share, 1.0) * LASH_DARKNESS
        mixed = self._picture + lid[..., None] * (moved - self._picture)
        return np.asarray(np.clip(mixed * (1 - lash[..., None]), 0, 255).round(), np.uint8)

    def _window(self, iris: Floats) -> Floats:
        """Crop the eye's surroundings, upright and reduced, in CIELAB: rows×COLUMNS×3 float32."""
        gain = self._unit * 2 * WINDOW_ASIDE / (COLUMNS - 1)
        rows = round((WINDOW_ABOVE + WINDOW_BELOW) * self._unit / gain) + 1
        corner = iris - self._unit * (WINDOW_ASIDE * self._across + WINDOW_ABOVE * self._down)
        back = np.column_stack([self._across * gain, self._down * gain, corner]).astype(np.float32)
        soft = cv2.GaussianBlur(self._picture, (0, 0), max(0.5 * gain, 0.3))
        small = cv2.warpAffine(
            soft, back, (COLUMNS, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def _outline(lab: Floats) -> EyeOutline:
    """Fit an eye outline by hill climbing: it encloses most pixels unlike skin and fewest pixels like skin.

    A deformable template (Yuille, Hallinan and Cohen, 1992) on the distance from the colour of the skin below the eye.
    """
    rows, columns = lab.shape[:2]
    x, y = np.meshgrid(
        np.linspace(-WINDOW_ASIDE, WINDOW_ASIDE, columns), np.linspace(-WINDOW_ABOVE, WINDOW_BELOW, rows)
    )
    skin = np.median(lab[(y > 0.15) & (np.abs(x) < 0.2)], 0)
    skin_difference = np.linalg.norm(lab - skin, axis=2)
    default = EyeOutline()
    eye = _within(default, x, y)
    threshold = 0.5 * float(np.median(skin_difference[eye]))
    gain_map = np.minimum(skin_difference, 3 * threshold) - threshold

    def total_gain(outline: EyeOutline) -> float:
        return float(gain_map[_within(outline, x, y)].sum())

    outline, best = default, total_gain(default)
    improved = True
    while improved:
        improved = False
        for (part, step), sign in product(STEPS.items(), (-1, 1)):
            value = getattr(outline, part) + sign * step
            if not LIMITS[part][0] <= value <= LIMITS[part][1]:
                continue
            candidate = EyeOutline(**{**vars(outline), part: value})
            if (gain := total_gain(candidate)) > best + 1e-6:
                outline, best, improved = candidate, gain, True
    eye = _within(outline, x, y)
    beside = (np.abs(x) < 0.3) & (y > -0.2) & ~eye
    if float(skin_difference[eye].mean()) < max(MIN_CONTRAST * float(skin_difference[beside].mean()), MIN_DIFFERENCE):
        raise ValueError("nothing that differs from skin as an eye does")
    return outline


def _within(outline: EyeOutline, x: Floats, y: Floats) -> Floats:
    upper, lower = outline.lids(x)
    return np.asarray((y > upper) & (y < lower) & (np.abs(x - outline.x) < outline.half), bool)
