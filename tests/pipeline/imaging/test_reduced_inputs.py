"""Reduced inputs: smaller pictures and params for a draft, which mean the same as the large ones."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import InpaintParams, UpscaleParams
from pipeline.core.arrays import Rgb
from pipeline.decoding.client import decode_picture
from pipeline.imaging.reduced_inputs import reduce_inputs
from tests.pipeline.uninterrupted import go_on


def save(path: Path, array: Rgb) -> Path:
    Image.fromarray(array).save(path, "PNG")
    return path


def photo(width: int, height: int) -> Rgb:
    return np.full((height, width, 3), (200, 100, 50), np.uint8)


def test_a_thin_stroke_of_a_mask_stays(tmp_path: Path) -> None:
    mask = np.zeros((900, 1200), np.uint8)
    mask[450] = 255
    mask[100, 100] = 255
    files = {"photo": save(tmp_path / "photo", photo(1200, 900)), "mask": save(tmp_path / "mask", mask)}
    params = reduce_inputs(files, InpaintParams(grow=10), 120, go_on)
    reduced = decode_picture(files["mask"], go_on).rgb[..., 0] == 255
    assert (reduced.shape, reduced[45].all(), reduced[10, 10], reduced.sum()) == ((90, 120), True, True, 121)
    assert params == InpaintParams(grow=1), "the hole is widened by as much of the photo"
    with Image.open(files["photo"]) as image:
        assert (image.size, image.getpixel((5, 5))) == ((120, 90), (200, 100, 50))


def test_a_mask_of_another_size_is_refused_although_both_would_be_reduced_to_one(tmp_path: Path) -> None:
    mask = np.full((300, 400), 255, np.uint8)
    files = {"photo": save(tmp_path / "photo", photo(1200, 900)), "mask": save(tmp_path / "mask", mask)}
    with pytest.raises(DarkroomError) as error:
        reduce_inputs(files, InpaintParams(), 400, go_on)
    assert error.value.detail.code is ErrorCode.INVALID_MASK


def test_transparency_stays_and_nothing_is_enlarged(tmp_path: Path) -> None:
    transparent = np.dstack([photo(400, 300), np.zeros((300, 400), np.uint8)])
    for side, size in ((200, (200, 150)), (1024, (400, 300))):
        files = {"photo": save(tmp_path / "photo", transparent)}
        assert reduce_inputs(files, UpscaleParams(), side, go_on) == UpscaleParams()
        with Image.open(files["photo"]) as image:
            assert (image.size, image.mode, image.getextrema()[3]) == (size, "RGBA", (0, 0))
