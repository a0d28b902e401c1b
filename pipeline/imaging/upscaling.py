"""Upscaling: the stages that both engines share before and after enlarging, and Lanczos resampling."""

from functools import cache
from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import Format, UpscaleParams
from darkroom.contract.results import Quality
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import QUALITY, RESULT, SAVED
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.decoding.client import decode_picture
from pipeline.decoding.picture_decoder import Alpha, DecodedPicture
from pipeline.imaging.bands import compute_in_bands
from pipeline.imaging.codec import on_white
from pipeline.imaging.load_save import save_picture, save_thumbnail
from pipeline.imaging.tiles import LOBES

Bytes = NDArray[np.uint8]

MAX_RESULT_PIXELS = 200_000_000
MAX_JPEG_SIDE = 65_500  # libjpeg's own limit, a little below the format's
BAND_PIXELS = 1_000_000  # pixels of the result that are resampled at a time: each band reads rows of the next
REACH = 4  # source pixels on either side: Pillow's Lanczos kernel reads 3, plus one to be safe
MEASURED_SIDE = 1600
THUMBNAIL_SOURCE = 960  # twice the thumbnail's longer side: size of the picture that it is made from

PICTURE: Artifact[DecodedPicture] = Artifact("picture", "H×W×3 uint8 sRGB, upright, with its H×W alpha or None")
RESULT_ALPHA: Artifact[Alpha | None] = Artifact("result_alpha", "the result's alpha, H×W uint8, or None")


class LoadPicture(Stage):
    """Decode the picture with its alpha, and reject it if its result would be too large.

    Fully transparent pixels take the colour of the nearest visible pixel. Otherwise their invisible colour would bleed
    into the edges when enlarged.
    """

    name = "load"
    message = "Opening the picture"
    slot = Slot.CPU
    provides = (PICTURE,)

    def run(self, context: StageContext) -> None:
        picture = decode_picture(context.files["photo"], context.check)
        params = context.params_as(UpscaleParams)
        width, height = enlarged_size(picture.rgb, params.scale)
        if width * height > MAX_RESULT_PIXELS:
            raise _too_large(width, height, f"{MAX_RESULT_PIXELS:,} pixels are the limit. Ask for a smaller scale.")
        jpeg = picture.alpha is None and params.format is Format.JPEG
        if jpeg and max(width, height) > MAX_JPEG_SIDE:
            raise _too_large(
                width, height, f"a JPEG's sides end at {MAX_JPEG_SIDE:,}. Ask for a PNG or a smaller scale."
            )
        context[PICTURE] = (
            picture
            if picture.alpha is None
            else DecodedPicture(_fill_transparent_colours(picture.rgb, picture.alpha), picture.alpha)
        )


class MeasureResult(Stage):
    """Score the result against the original, at the original's size."""

    name = "validate"
    message = "Checking the result"
    slot = Slot.COMPUTE
    requires = (PICTURE, RESULT)
    provides = (QUALITY,)

    def run(self, context: StageContext) -> None:
        context[QUALITY] = measure(context[PICTURE].rgb, context[RESULT])


class SavePicture(Stage):
    """Encode the result in the params' format, always PNG with alpha; and a thumbnail on white."""

    name = "save"
    message = "Saving the result"
    slot = Slot.CPU
    requires = (RESULT, RESULT_ALPHA)
    provides = (SAVED,)

    def run(self, context: StageContext) -> None:
        result, alpha = context[RESULT], context[RESULT_ALPHA]
        small = save_thumbnail(_reduced_on_white(result, alpha), context)
        context.report(0.1)
        context[SAVED] = (save_picture(result, alpha, context), small)


def enlarged_size(rgb: Rgb, scale: float) -> tuple[int, int]:
    """Return the width and height of the result: each side times ``scale``, rounded."""
    height, width = rgb.shape[:2]
    return round(width * scale), round(height * scale)


def resampled(source: Bytes, width: int, height: int, rows: slice) -> Bytes:
    """Resample H×W(×3) uint8 to ``height`` × ``width`` with a Lanczos kernel, but compute some rows only.

    The rows are the same as if the whole picture were resampled at once. Whole factors take a third of the time.
    """
    per_row = source.shape[0] / height
    top, bottom = rows.start * per_row, rows.stop * per_row
    first, last = max(floor(top) - REACH, 0), min(ceil(bottom) + REACH, source.shape[0])
    factor = height // source.shape[0]
    if (height, width) == (factor * source.shape[0], factor * source.shape[1]):
        start = rows.start - factor * first
        return _multiplied(source[first:last], factor)[start : start + rows.stop - rows.start]
    part = Image.fromarray(np.ascontiguousarray(source[first:last]))
    box = (0, top - first, source.shape[1], bottom - first)
    return np.asarray(part.resize((width, rows.stop - rows.start), Image.Resampling.LANCZOS, box=box))


def _multiplied(source: Bytes, factor: int) -> Bytes:
    """Resample H×W(×3) uint8 to a whole multiple of its size with a Lanczos kernel.

    All pixels at one place between those of the source have the same weights. So OpenCV filters the source once for
    each place.
    """
    height, width = source.shape[:2]
    kernels = _lanczos_kernels(factor)
    result = np.empty((factor * height, factor * width, *source.shape[2:]), np.uint8)
    for place, column in enumerate(kernels):
        places = [cv2.sepFilter2D(source, cv2.CV_8U, row, column, borderType=cv2.BORDER_REPLICATE) for row in kernels]
        result[place::factor] = cv2.merge(places).reshape(height, *result.shape[1:])
    return result


@cache
def _lanczos_kernels(factor: int) -> list[NDArray[np.float64]]:
    """Return the kernel of each of ``factor`` places in a source pixel: seven weights that add up to 1."""
    kernels = []
    for place in range(factor):
        distance = np.arange(-LOBES, LOBES + 1) - ((place + 0.5) / factor - 0.5)
        weights = np.where(np.abs(distance) < LOBES, np.sinc(distance) * np.sinc(distance / LOBES), 0)
        kernels.append(weights / weights.sum())
    return kernels


def enlarged_alpha(alpha: Alpha | None, width: int, height: int, context: StageContext) -> Alpha | None:
    """Resample H×W uint8 alpha, or None, by Lanczos. Cancellation is checked per band; progress is not reported."""
    if alpha is None:
        return None
    result = np.empty((height, width), np.uint8)

    def resample_rows(rows: slice) -> None:
        result[rows] = resampled(alpha, width, height, rows)

    compute_in_bands(width, height, resample_rows, lambda _: context.report(0), pixels=BAND_PIXELS)
    return result


def measure(before: Rgb, after: Rgb) -> Quality:
    """Score an enlargement against the original, both H×W×3 uint8.

    Structure is the agreement of the result, reduced again, with the original. Visual is its detail relative to the
    original's. Style equals structure, as an enlargement should look like the original.
    """
    height, width = before.shape[:2]
    scale = min(1.0, MEASURED_SIDE / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    one, two = (
        cv2.cvtColor(cv2.resize(p, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY) for p in (before, after)
    )
    error = float(np.abs(one.astype(np.float32) - two).mean())
    agreement = float(np.clip(1 - error / 25, 0, 1))
    detail = [float(cv2.Laplacian(p, cv2.CV_32F).std()) for p in (one, two)]
    visual = min(1.0, detail[1] / detail[0]) if detail[0] > 0.5 else 1.0
    return Quality.from_scores(structure=agreement, style=agreement, visual=visual)


def _fill_transparent_colours(rgb: Rgb, alpha: Alpha) -> Rgb:
    """Set fully transparent pixels to the colour of the nearest visible pixel."""
    hidden = alpha == 0
    if not hidden.any() or hidden.all():
        return rgb
    _, labels = cv2.distanceTransformWithLabels(
        hidden.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # Every visible pixel has a label of its own.
    colours = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    colours[labels[~hidden]] = rgb[~hidden]
    spread = rgb.copy()
    spread[hidden] = colours[labels[hidden]]
    return spread


def _reduced_on_white(result: Rgb, alpha: Alpha | None) -> Rgb:
    """Reduce the result on white for the thumbnail, in bands, without another copy at full size."""
    height, width = result.shape[:2]
    step = max(max(height, width) // THUMBNAIL_SOURCE, 1)
    # Long and thin pictures keep a pixel of their shorter side.
    down, across = min(step, height), min(step, width)
    size = (ceil(width / across), ceil(height / down))
    small = np.empty((size[1], size[0], 3), np.uint8)
    rows = max(BAND_PIXELS // (width * down), 1)
    for first in range(0, size[1], rows):
        part = slice(first * down, min((first + rows) * down, height))
        white = on_white(DecodedPicture(result[part], None if alpha is None else alpha[part]))
        lines = small[first : first + rows]
        lines[:] = cv2.resize(white, (size[0], len(lines)), interpolation=cv2.INTER_AREA)
    return small


def _too_large(width: int, height: int, why: str) -> DarkroomError:
    return DarkroomError(ErrorCode.TOO_LARGE, f"The result would have {width}×{height} pixels; {why}")
