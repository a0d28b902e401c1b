"""Colour grading: applies the light of a style to the whole picture."""

import cv2
import numpy as np

from darkroom.contract.styles import Light
from pipeline.core.arrays import Bytes, Floats, Rgb

VIGNETTE_DEPTH = 0.28  # of a vignette of strength 1: a deeper one changes how what stays looks
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709


def grade(rgb: Rgb, light: Light, strength: float, *, rows: slice, height: int) -> Rgb:
    """Grade a band of a picture: ``rows`` of ``height``. h×W×3 uint8 in, the same out.

    Each pixel depends only on its own value and position (for the vignette), so edges stay where they are.
    """
    graded: Floats = cv2.LUT(rgb, _curves(light, strength))
    saturation = 1 + 0.6 * light.saturation * strength
    vignette = None
    if light.vignette:
        vignette = cv2.cvtColor(
            _vignette(rgb.shape[1], rows, height, VIGNETTE_DEPTH * light.vignette * strength), cv2.COLOR_GRAY2RGB
        )
    if saturation != 1:
        # Each channel's distance from grey, times the saturation.
        mixture = saturation * np.eye(3) + (1 - saturation) * LUMA
        graded = cv2.transform(graded.astype(np.float32), mixture)
    if vignette is None:
        return np.asarray(cv2.add(graded, np.zeros(4), dtype=cv2.CV_8U), np.uint8)
    return np.asarray(cv2.multiply(graded, vignette, dtype=cv2.CV_8U), np.uint8)


def _curves(light: Light, strength: float) -> Bytes:
    """Build a tone curve per channel, 256×1×3 uint8, for cv2.LUT."""
    value = (np.arange(256, dtype=np.float32) / 255)[:, None]
    gains = np.array([1 + 0.16 * light.temperature, 1 - 0.1 * light.tint, 1 - 0.2 * light.temperature], np.float32)
    gains /= gains @ LUMA
    linear = value**2.2 * (2**light.exposure) * gains
    # A soft shoulder instead of clipping, so highlights keep their order.
    knee = np.float32(0.8)
    over = np.maximum(linear - knee, 0)
    linear = np.minimum(linear, knee) + over / (1 + over / (1 - knee))
    curve = np.clip(linear, 0, 1) ** (1 / 2.2)
    sigmoid = curve + 0.6 * light.contrast * curve * (1 - curve) * (2 * curve - 0.9)
    faded = sigmoid * (1 - 0.45 * light.fade) + 0.3 * light.fade * (0.5 + 0.5 * (1 - sigmoid))
    mixed = value * (1 - strength) + faded * strength
    return np.ascontiguousarray((np.clip(mixed, 0, 1) * 255 + 0.5).astype(np.uint8)[:, None, :])


def _vignette(width: int, rows: slice, height: int, depth: float) -> Floats:
    x = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    y = ((np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) / height * 2 - 1)[:, None]
    return (1 - depth * np.clip((x * x + y * y) / 2, 0, 1) ** 1.5).astype(np.float32)
