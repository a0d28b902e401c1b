"""Uploaded inpainting masks: white is filled, black stays."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import InpaintParams
from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.decoding.client import decode_picture

Mask = NDArray[np.bool_]

WHITE = 128  # the grey from which on a pixel is white

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
        height, width = context[PHOTO].shape[:2]
        mask = read_mask(context.files["mask"], context.check)
        if mask.shape != (height, width):
            raise _invalid_mask_error(
                f"The mask is {mask.shape[1]}×{mask.shape[0]} pixels and the upright photo {width}×{height}. "
                "Upload a mask of the photo's size."
            )
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


def read_mask(path: Path, check: Callable[[], None]) -> Mask:
    """Decode a picture as a mask, H×W bool: true where its grey (ITU-R BT.601) is 128 or more.

    Transparent pixels are black. Raises like ``decode_picture``; the message of a ``DarkroomError`` names the mask.
    """
    try:
        picture = decode_picture(path, check)
    except DarkroomError as error:
        raise DarkroomError(
            error.detail.code, f"The mask: {error.detail.message}", retryable=error.detail.retryable
        ) from error
    grey = cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY)
    if picture.alpha is not None:
        grey = cv2.multiply(grey, picture.alpha, scale=1 / 255)
    white: Mask = np.asarray(grey) >= WHITE
    return white


def dilated(mask: Mask, by: int) -> Mask:
    """Dilate ``mask``, H×W bool, by ``by`` pixels in every direction."""
    if not by or mask.all():
        return mask
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    wider: Mask = np.asarray(distance) <= by
    return wider


def _invalid_mask_error(message: str) -> DarkroomError:
    return DarkroomError(ErrorCode.INVALID_MASK, message)
