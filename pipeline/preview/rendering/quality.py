"""Quality scores of a restyled picture: structure, style and visual detail."""

import cv2
import numpy as np

from darkroom.contract.results import Quality
from pipeline.core.arrays import Bytes, Floats, Mask

FAR_COLOUR = 40.0  # CIE76 ΔE from the palette at which the style score is 0
CHANGED = 24  # of 255: from this difference on, a pixel was repainted and not just graded
EDGE = 9  # pixels of the square around a pixel within which a surface's edge may lie
DAMAGE = 0.01  # share of the picture that was repainted without evidence, at which the scores fall to 1/e


def measure_quality(
    before: Bytes, after: Bytes, repainted: Mask | None, palette: list[str], graded: Bytes | None = None
) -> Quality:
    """Score ``after`` against ``before``, both h×w×3 uint8 sRGB of one size.

    ``repainted`` is the mask of the pixels that are certain to be floor, wall or ceiling; None if there are none.
    ``graded`` is ``before`` in the style's light: what was not repainted looks like it. Pixels that differ from both
    outside of ``repainted`` are damage to what must stay, which lowers structure and visual steeply.

    Structure: the share of the photo's edges that the result keeps, outside the interiors of repainted surfaces, where
    new floors have new seams. Style: how close the repainted surfaces (the whole picture, if none) are to the nearest
    palette colour, in hue and lightness. Visual: the share of detail kept.
    """
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (before, after)]
    mask = np.ones(before.shape[:2], bool)
    if repainted is not None:
        mask = cv2.erode(repainted.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    structure = _edges_kept(grey[0], grey[1], mask)
    style = _palette_closeness(after, repainted, palette)
    visual = _detail_kept(grey[0], grey[1], mask)
    if graded is not None:
        intact = float(np.exp(-_damage(before, after, repainted, graded) / DAMAGE))
        structure, visual = structure * intact, visual * intact
    return Quality.from_scores(structure=structure, style=style, visual=visual)


def _damage(before: Bytes, after: Bytes, repainted: Mask | None, graded: Bytes) -> float:
    """Measure the share of the picture that was repainted outside of ``repainted``. Kept objects are as ``before``."""
    changed = np.minimum(cv2.absdiff(after, graded).max(-1), cv2.absdiff(after, before).max(-1)) > CHANGED
    if repainted is not None:
        changed &= cv2.dilate(repainted.astype(np.uint8), np.ones((EDGE, EDGE), np.uint8)) == 0
    # Thin lines are edges that scaling has blurred.
    return float(cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)).mean())


def _edges_kept(before: Bytes, after: Bytes, mask: Mask) -> float:
    expected = (_edges(before) > 0) & mask
    if not expected.any():
        return 1.0
    found = cv2.dilate(_edges(after, 0.7), np.ones((3, 3), np.uint8)) > 0
    return float(found[expected].mean())


def _detail_kept(before: Bytes, after: Bytes, mask: Mask) -> float:
    if not mask.any():
        return 1.0
    detail = [
        float(cv2.Laplacian(cv2.GaussianBlur(grey, (3, 3), 0), cv2.CV_32F)[mask].std()) for grey in (before, after)
    ]
    return min(1.0, detail[1] / detail[0]) if detail[0] > 0.5 else 1.0


def _edges(grey: Bytes, threshold_scale: float = 1.0) -> Bytes:
    soft = cv2.GaussianBlur(grey, (0, 0), 1.2)
    # Thresholds follow each picture's own contrast; otherwise softer light would count as lost structure.
    upper = threshold_scale * float(np.clip(soft.std() * 2.2, 30, 160))
    return cv2.Canny(soft, 0.45 * upper, upper)


def _palette_closeness(after: Bytes, repainted: Mask | None, palette: list[str]) -> float:
    small = cv2.cvtColor(after.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    pixels: Floats = small[repainted] if repainted is not None and repainted.any() else small.reshape(-1, 3)
    pixels = pixels[:: max(1, len(pixels) // 20000)]
    colours = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in palette], np.float32)[None] / 255
    targets = cv2.cvtColor(colours, cv2.COLOR_RGB2LAB)[0]
    difference = pixels[:, None] - targets[None]
    # Shade changes lightness more than hue: it counts for less.
    distance = np.sqrt((0.35 * difference[..., 0]) ** 2 + difference[..., 1] ** 2 + difference[..., 2] ** 2).min(1)
    return float(np.clip(1 - distance / FAR_COLOUR, 0, 1).mean())
