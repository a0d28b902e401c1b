"""Reduced inputs: the pictures of a job at a smaller size, with the params that count pixels, for a quick draft."""

from collections.abc import Callable, Mapping
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel

from darkroom.contract.params import InpaintParams
from pipeline.decoding.client import decode_picture
from pipeline.decoding.picture_decoder import DecodedPicture
from pipeline.imaging.mask_reading import Mask, hole_of
from pipeline.imaging.resize import downscaled

PHOTO, MASK = "photo", "mask"
_COMPRESSION = 1  # of the files, which are read once


def reduce_inputs(files: Mapping[str, Path], params: BaseModel, side: int, check: Callable[[], None]) -> BaseModel:
    """Replace each picture of ``files`` (role → path) by one with a longer side of at most ``side``; none is enlarged.

    Returns the params for the reduced pictures. Raises what ``check`` raises, and ``DarkroomError`` as
    ``decode_picture`` does, or ``invalid_mask`` for a mask of another size than the photo's.
    """
    if not isinstance(params, InpaintParams):
        for path in files.values():
            _reduce(decode_picture(path, check), side, path)
        return params
    photo, mask = (decode_picture(files[role], check) for role in (PHOTO, MASK))
    hole = hole_of(mask, photo.rgb).hole
    Image.fromarray(_reduced_hole(hole, side)).save(files[MASK], "PNG", compress_level=_COMPRESSION)
    _reduce(photo, side, files[PHOTO])
    return params.model_copy(update={"grow": ceil(params.grow * min(side / max(hole.shape), 1))})


def _reduce(picture: DecodedPicture, side: int, path: Path) -> None:
    if max(picture.rgb.shape[:2]) <= side:
        return
    image = Image.fromarray(downscaled(picture.rgb, side))
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(downscaled(picture.alpha, side)))
    image.save(path, "PNG", compress_level=_COMPRESSION)


def _reduced_hole(hole: Mask, side: int) -> NDArray[np.uint8]:
    """Reduce H×W bool to uint8, 255 where any part of a pixel is white: a thin stroke stays."""
    touched = downscaled(hole.astype(np.uint8) * 255, side) > 0
    return touched.astype(np.uint8) * 255
