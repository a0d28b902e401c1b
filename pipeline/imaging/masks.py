"""Uploaded inpainting masks: the stage that reads the hole. White is filled, black stays."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import InpaintParams
from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.decoding.client import decode_picture
from pipeline.decoding.picture_decoder import DecodedPicture
from pipeline.imaging.mask_reading import Mask, hole_of

HOLE: Artifact[Mask] = Artifact("hole", "H×W bool, the photo's size: true where it is filled, already grown")


class LoadMask(Stage):
    """Read the mask and dilate it by the params' ``grow``.

    ``allow_full_mask``: the engine can fill a whole photo from a prompt alone.
    """

    name = "mask"
    message = "Reading the mask"
    slot = Slot.CPU
    requires = (PHOTO,)
    provides = (HOLE,)

    def __init__(self, *, allow_full_mask: bool) -> None:
        self._allow_full_mask = allow_full_mask

    def run(self, context: StageContext) -> None:
        """Read and check the mask. Raises ``DarkroomError``: ``invalid_mask``, or as ``decode_picture`` does."""
        params = context.params_as(InpaintParams)
        photo = context[PHOTO]
        found = hole_of(decode_mask(context.files["mask"], context.check), photo)
        mask = found.hole
        if found.note is not None:
            context.add_note(found.note)
        if not mask.any():
            raise _invalid_mask_error("The mask has no white in it, and white is what is filled. Paint the hole white.")
        hole = dilated(mask, params.grow)
        if hole.all() and not (self._allow_full_mask and params.prompt):
            reason = "is white all over" if mask.all() else f"is, grown by {params.grow} pixels, white all over"
            words = ", or give a prompt" if self._allow_full_mask else ""
            raise _invalid_mask_error(
                f"The mask {reason}: nothing of the photo is left to go on with. Leave some of it black{words}."
            )
        context[HOLE] = hole


def decode_mask(path: Path, check: Callable[[], None]) -> DecodedPicture:
    """Decode a mask. Raises like ``decode_picture``; the message of a ``DarkroomError`` names the mask."""
    try:
        return decode_picture(path, check)
    except DarkroomError as error:
        raise DarkroomError(
            error.detail.code, f"The mask: {error.detail.message}", retryable=error.detail.retryable
        ) from error


def dilated(mask: Mask, by: int) -> Mask:
    """Dilate ``mask``, H×W bool, by ``by`` pixels in every direction."""
    if not by or mask.all():
        return mask
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    wider: Mask = np.asarray(distance) <= by
    return wider


def _invalid_mask_error(message: str) -> DarkroomError:
    return DarkroomError(ErrorCode.INVALID_MASK, message)
