"""``inpaint`` on the preview engine: fills holes with patches of their surroundings."""

from collections.abc import Callable
from math import sqrt

import cv2
import numpy as np

from darkroom.contract.digital_source import DigitalSource
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import InpaintParams
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import PHOTO, RESULT, SAVED, SEED
from pipeline.core.stages import Plan, Slot, Stage, StageContext
from pipeline.imaging.holes import hole_crops
from pipeline.imaging.load_save import LoadPhoto, SaveResult
from pipeline.imaging.mask_reading import Mask
from pipeline.imaging.masks import HOLE, LoadMask
from pipeline.imaging.poisson_blending import poisson_blended
from pipeline.preview.inpainting.fill import fill_hole, hole_depth

CONTEXT = 1.0  # of a hole's longer side: how far around it patches are searched
MARGIN = 48  # least pixels of context
MIN_CROP_SIDE = 160  # least pixels of a crop's side
SCRATCH_DEPTH = 4.0  # pixels from a hole's middle to its rim: thinner holes are scratches
MAX_PIXELS = 1_500_000  # of a crop that is filled at full scale
MAX_HOLE_PIXELS = 120_000  # pixels of the hole in such a crop
LARGE_HOLE_SHARE = 0.1  # of the photo: larger holes are more guessed than continued


class FillHoles(Stage):
    """Fill each hole from its surroundings, at the photo's own resolution unless the hole is too large for that."""

    name = "fill"
    message = "Filling the hole with what is around it"
    slot = Slot.COMPUTE
    requires = (PHOTO, HOLE)
    provides = (RESULT, SEED)

    def run(self, context: StageContext) -> None:
        photo, hole, params = context[PHOTO], context[HOLE], context.params_as(InpaintParams)
        if params.prompt:
            context.notes.append("The prompt had no effect: the preview engine fills holes with what is around them.")
        result = photo.copy()
        found = hole_crops(hole, context=CONTEXT, margin=MARGIN, min_side=MIN_CROP_SIDE)
        total = sum(crop.height * crop.width for crop in found)
        done = 0
        min_scale = 1.0
        for crop in found:
            crop_hole, size = crop.view(hole), crop.height * crop.width

            def report(fraction: float, before: int = done, size: int = size) -> None:
                context.report((before + fraction * size) / total)

            report(0.0)
            part, scale = _filled(crop.view(photo), crop_hole, params.seed, report)
            crop.view(result)[:] = part
            min_scale = min(min_scale, scale)
            done += size
        if min_scale < 1:
            context.notes.append(f"The hole was filled at {min_scale:.0%} of the photo's size and enlarged.")
        if np.count_nonzero(hole) > LARGE_HOLE_SHARE * hole.size:
            context.notes.append(
                "The hole is large for the preview engine, which only continues textures: look before you show it."
            )
        context[RESULT], context[SEED] = result, params.seed


def _filled(photo: Rgb, hole: Mask, seed: int, report: Callable[[float], None]) -> tuple[Rgb, float]:
    """Fill the hole of a crop; also returns the scale, 1 at most, at which that was done."""
    if hole_depth(hole) <= SCRATCH_DEPTH:
        return _scratch_filled(photo, hole), 1.0
    height, width = hole.shape
    scale = sqrt(min(MAX_PIXELS / hole.size, MAX_HOLE_PIXELS / np.count_nonzero(hole)))
    if scale >= 1:
        return fill_hole(photo, hole, seed, report), 1.0
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    # A pixel with any part of the hole belongs to it, so that nothing removed is copied back.
    hole_touched = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    filled = fill_hole(small, np.asarray(hole_touched, np.bool_), seed, report)
    large = cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC)
    return poisson_blended(photo, np.asarray(large, np.uint8), hole), scale


def _scratch_filled(photo: Rgb, hole: Mask) -> Rgb:
    """Fill a thin hole by the Navier–Stokes equations (Bertalmío, Bertozzi and Sapiro, 2001)."""
    found = cv2.inpaint(photo, hole.astype(np.uint8), 3, cv2.INPAINT_NS)
    return np.where(hole[..., None], np.asarray(found, np.uint8), photo)


def plan() -> Plan:
    """Return the plan: each stage with its share of the time."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadPhoto(), 0.05),
        (LoadMask(allow_full_mask=False), 0.05),
        (FillHoles(), 0.8),
        (SaveResult(DigitalSource.COMPOSITE_WITH_TRAINED), 0.1),
    )
    return Plan(Kind.INPAINT, Engine.PREVIEW, steps, results=(SAVED, SEED))
