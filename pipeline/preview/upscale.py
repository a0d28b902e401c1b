"""``upscale`` on the preview engine: Lanczos, then sharpening that follows the edges."""

from typing import Any

import cv2
import numpy as np

from pipeline.artifacts import QUALITY, RESULT, SAVED, Rgb
from pipeline.errors import DarkroomError, ErrorCode
from pipeline.files import save_picture, save_thumbnail
from pipeline.params import UpscaleParams
from pipeline.picture import Alpha, Decoded, decode, on_white
from pipeline.preview.arrays import Bytes, Floats
from pipeline.requests import Engine, Kind
from pipeline.results import Quality
from pipeline.stages import Artifact, Plan, Slot, Stage, Work

MAX_RESULT_PIXELS = 100_000_000
BAND = 512  # result rows made at a time
REACH = 4  # source rows that Lanczos looks at, on either side

PICTURE: Artifact[Decoded] = Artifact("picture", "H×W×3 uint8 sRGB, upright, with its H×W alpha or None")
RESULT_ALPHA: Artifact[Alpha | None] = Artifact("result_alpha", "the result's alpha, H×W uint8, or None")


class LoadPicture(Stage):
    """Decode the picture, keep its alpha, and refuse what would become too large."""

    name = "load"
    message = "Opening the picture"
    slot = Slot.CPU
    provides = (PICTURE,)

    def run(self, work: Work) -> None:
        picture = decode(work.files["photo"])
        width, height = enlarged_size(picture.rgb, _scale(work))
        if width * height > MAX_RESULT_PIXELS:
            raise DarkroomError(
                ErrorCode.TOO_LARGE,
                f"The result would have {width}×{height} pixels; {MAX_RESULT_PIXELS:,} is the limit. "
                "Ask for a smaller scale.",
            )
        work[PICTURE] = picture


class Enlarge(Stage):
    """Resample with a Lanczos kernel, band by band, and sharpen along edges."""

    name = "enlarge"
    message = "Enlarging"
    slot = Slot.COMPUTE
    requires = (PICTURE,)
    provides = (RESULT, RESULT_ALPHA)

    def run(self, work: Work) -> None:
        picture = work[PICTURE]
        width, height = enlarged_size(picture.rgb, _scale(work))
        result = np.empty((height, width, 3), np.uint8)
        alpha = None if picture.alpha is None else np.empty((height, width), np.uint8)
        for start in range(0, height, BAND):
            rows = slice(start, min(start + BAND, height))
            result[rows] = _sharpened(_resampled(picture.rgb, width, height, rows))
            if alpha is not None and picture.alpha is not None:
                alpha[rows] = _resampled(picture.alpha, width, height, rows)[1:-1]
            work.report(rows.stop / height)
        work[RESULT], work[RESULT_ALPHA] = result, alpha


class MeasureResult(Stage):
    """Score the result against the picture, at the picture's size."""

    name = "validate"
    message = "Checking the result"
    slot = Slot.COMPUTE
    requires = (PICTURE, RESULT)
    provides = (QUALITY,)

    def run(self, work: Work) -> None:
        before, after = work[PICTURE].rgb, work[RESULT]
        work[QUALITY] = measure(before, after)


class SavePicture(Stage):
    """Encode the result: PNG when it has alpha, JPEG otherwise; and a thumbnail on white."""

    name = "save"
    message = "Saving the result"
    slot = Slot.CPU
    requires = (RESULT, RESULT_ALPHA)
    provides = (SAVED,)

    def run(self, work: Work) -> None:
        result, alpha = work[RESULT], work[RESULT_ALPHA]
        small = save_thumbnail(on_white(Decoded(result, alpha)), work)
        work.report(0.2)
        work[SAVED] = (save_picture(result, alpha, work), small)


def enlarged_size(rgb: Rgb, scale: float) -> tuple[int, int]:
    """Width and height of the result: each side times ``scale``, rounded."""
    height, width = rgb.shape[:2]
    return round(width * scale), round(height * scale)


def measure(before: Rgb, after: Rgb) -> Quality:
    """Structure: agreement of the result, reduced again, with the original. Sharpness: its detail against that.

    Style is as structure: an enlargement should look like what it enlarges.
    """
    height, width = before.shape[:2]
    scale = min(1.0, 1600 / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    one, two = (
        cv2.cvtColor(cv2.resize(p, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY) for p in (before, after)
    )
    error = float(np.abs(one.astype(np.float32) - two).mean())
    agreement = float(np.clip(1 - error / 25, 0, 1))
    detail = [float(cv2.Laplacian(p, cv2.CV_32F).std()) for p in (one, two)]
    visual = min(1.0, detail[1] / detail[0]) if detail[0] > 0.5 else 1.0
    return Quality.of(structure=agreement, style=agreement, visual=visual)


def _scale(work: Work) -> float:
    return work.params_as(UpscaleParams).scale


def _resampled(source: Bytes, width: int, height: int, rows: slice) -> Bytes:
    """Rows of the enlarged picture with one more above and below (repeated at the ends)."""
    per_row = source.shape[0] / height
    wanted = np.clip(np.arange(rows.start - 1, rows.stop + 1), 0, height - 1)
    y = (wanted.astype(np.float32) + 0.5) * np.float32(per_row) - 0.5
    x = (np.arange(width, dtype=np.float32) + 0.5) * np.float32(source.shape[1] / width) - 0.5
    first = max(0, int(y[0]) - REACH)
    part = source[first : int(y[-1]) + REACH + 2]
    columns, lines = np.meshgrid(x, y - np.float32(first))
    return cv2.remap(part, columns, lines, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)


def _sharpened(framed: Rgb) -> Rgb:
    """Unsharp masking where there are edges, none in flat areas, whose noise it would raise."""
    picture = framed.astype(np.float32)
    soft = cv2.GaussianBlur(picture, (3, 3), 0.8)
    detail = picture - soft
    grey = cv2.cvtColor(framed, cv2.COLOR_RGB2GRAY)
    slope: Floats = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    amount = 0.9 * np.clip((slope - 12) / 60, 0, 1)[..., None]
    return np.asarray(np.clip(picture + amount * detail + 0.5, 0, 255).astype(np.uint8)[1:-1])


def plan() -> Plan:
    """The stages, with the share of the time that each takes."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadPicture(), 0.1),
        (Enlarge(), 0.6),
        (MeasureResult(), 0.05),
        (SavePicture(), 0.25),
    )
    results: tuple[Artifact[Any], ...] = (SAVED, QUALITY)
    return Plan(Kind.UPSCALE, Engine.PREVIEW, steps, results=results)
