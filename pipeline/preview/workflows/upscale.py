"""``upscale`` on the preview engine: Lanczos resampling, then edge-aware sharpening without halos."""

from math import ceil
from typing import Any

import cv2
import numpy as np

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import Content, UpscaleParams
from pipeline.core.arrays import Bytes, Floats
from pipeline.core.artifacts import QUALITY, RESULT, SAVED
from pipeline.core.stages import Artifact, Plan, Slot, Stage, StageContext
from pipeline.imaging.bands import compute_in_bands
from pipeline.imaging.resize import linearly_enlarged
from pipeline.imaging.upscaling import (
    BAND_PIXELS,
    PICTURE,
    RESULT_ALPHA,
    LoadPicture,
    MeasureResult,
    SavePicture,
    enlarged_alpha,
    enlarged_size,
    resampled,
)

SHARPENING = 1.0
BLUR = 0.5  # pixels of the picture: standard deviation of the unsharp mask's blur
FLAT, EDGE = 3, 18  # levels between neighbouring pixels: no sharpening up to FLAT, full from EDGE on


class Enlarge(Stage):
    """Resample with a Lanczos kernel, band by band, and sharpen along edges."""

    name = "enlarge"
    message = "Enlarging"
    slot = Slot.COMPUTE
    requires = (PICTURE,)
    provides = (RESULT, RESULT_ALPHA)

    def run(self, context: StageContext) -> None:
        picture, params = context[PICTURE], context.params_as(UpscaleParams)
        if params.content is not Content.PHOTO:
            context.notes.append("The preview engine enlarges every picture alike: content had no effect.")
        width, height = enlarged_size(picture.rgb, params.scale)
        alpha = enlarged_alpha(picture.alpha, width, height, context)
        # Sharpening is clamped to the range of each pixel's neighbourhood, which prevents halos.
        box = np.ones((3, 3), np.uint8)
        limits: tuple[Bytes, ...] = (cv2.erode(picture.rgb, box), cv2.dilate(picture.rgb, box))
        margin = ceil(3 * BLUR * params.scale) + 1
        result = np.empty((height, width, 3), np.uint8)

        def enlarge_rows(rows: slice) -> None:
            minimum, maximum = (linearly_enlarged(limit, width, height, rows) for limit in limits)
            sharp = _sharpened(_resampled_with_margin(picture.rgb, width, height, rows, margin), params.scale, margin)
            cv2.min(cv2.max(sharp, minimum, dst=sharp), maximum, dst=result[rows])

        compute_in_bands(width, height, enlarge_rows, context.report, pixels=BAND_PIXELS)
        context[RESULT], context[RESULT_ALPHA] = result, alpha


def _resampled_with_margin(source: Bytes, width: int, height: int, rows: slice, margin: int) -> Bytes:
    """Return ``rows`` of the enlarged picture with ``margin`` more above and below, repeated at the ends."""
    extended_rows = slice(max(rows.start - margin, 0), min(rows.stop + margin, height))
    above, below = extended_rows.start - (rows.start - margin), rows.stop + margin - extended_rows.stop
    return cv2.copyMakeBorder(resampled(source, width, height, extended_rows), above, below, 0, 0, cv2.BORDER_REPLICATE)


def _sharpened(padded: Bytes, scale: float, margin: int) -> Bytes:
    """Sharpen brightness by unsharp masking along edges, not in flat areas, where it would amplify noise.

    Blur and slopes are scaled, because edges are ``scale`` times as wide after enlarging.
    """
    grey = cv2.cvtColor(padded, cv2.COLOR_RGB2GRAY)
    blurred = cv2.GaussianBlur(grey, (0, 0), BLUR * scale)
    slope: Floats = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    inner = slice(margin, -margin)
    slope = slope[inner]
    slope *= scale / 8  # Sobel's own gain: now levels for each pixel of the picture
    slope -= FLAT
    slope *= SHARPENING / (EDGE - FLAT)
    np.clip(slope, 0, SHARPENING, out=slope)
    detail = cv2.subtract(grey[inner], blurred[inner], dtype=cv2.CV_32F)
    # What is added and what is subtracted, in levels: three channels of bytes are much faster than of floats.
    lighter, darker = (cv2.multiply(slope, detail, scale=sign, dtype=cv2.CV_8U) for sign in (1, -1))
    sharp = cv2.add(padded[inner], cv2.cvtColor(lighter, cv2.COLOR_GRAY2RGB))
    return cv2.subtract(sharp, cv2.cvtColor(darker, cv2.COLOR_GRAY2RGB), dst=sharp)


def plan() -> Plan:
    """Return the plan: each stage with its share of the time."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadPicture(), 0.1),
        (Enlarge(), 0.6),
        (MeasureResult(), 0.05),
        (SavePicture(), 0.25),
    )
    results: tuple[Artifact[Any], ...] = (SAVED, QUALITY)
    return Plan(Kind.UPSCALE, Engine.PREVIEW, steps, results=results)
