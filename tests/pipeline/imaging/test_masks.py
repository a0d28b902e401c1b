"""Masks as callers send them: white is filled."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import InpaintParams
from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import StageContext
from pipeline.imaging.masks import HOLE, LoadMask, dilated, read_mask
from tests.pipeline.uninterrupted import go_on

SIZE = (60, 40)


def load(mask: Image.Image, folder: Path, *, from_words: bool = False, **params: object) -> np.ndarray:
    mask.save(folder / "mask.png")
    context = StageContext(InpaintParams(**params), {"mask": folder / "mask.png"}, folder)
    context[PHOTO] = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    LoadMask(allow_full_mask=from_words).run(context)
    return context[HOLE]


def square(mode: str, colour: object, around: object = 0) -> Image.Image:
    mask = Image.new(mode, SIZE, around)
    mask.paste(colour, (10, 10, 20, 20))
    return mask


def error_of(*args: object, **more: object) -> str:
    with pytest.raises(DarkroomError) as raised:
        load(*args, **more)
    assert raised.value.detail.code is ErrorCode.INVALID_MASK
    return raised.value.detail.message


@pytest.mark.parametrize(
    "mask",
    [
        square("L", 255),
        square("1", 1),
        square("L", 128, 127),
        square("RGB", (255, 255, 255)),
        square("RGBA", (255, 255, 255, 255), (255, 255, 255, 0)),
        square("RGBA", (255, 255, 255, 255), (255, 255, 255, 100)),
        square("LA", (255, 255), (0, 0)),
        square("I;16", 65535),
    ],
    ids=lambda mask: mask.mode,
)
def test_white_pixels_are_the_hole_in_every_format(mask: Image.Image, tmp_path: Path) -> None:
    expected = np.zeros((SIZE[1], SIZE[0]), bool)
    expected[10:20, 10:20] = True
    np.testing.assert_array_equal(load(mask, tmp_path), expected)


def test_a_mask_of_another_size_is_rejected_with_both_sizes(tmp_path: Path) -> None:
    message = error_of(Image.new("L", (50, 40), 255), tmp_path)
    assert "50×40" in message
    assert "60×40" in message


def test_a_mask_without_white_is_rejected_with_a_hint(tmp_path: Path) -> None:
    assert "white is what is filled" in error_of(Image.new("L", SIZE, 0), tmp_path)


def test_a_full_mask_needs_a_prompt_and_an_engine_that_supports_it(tmp_path: Path) -> None:
    white = Image.new("L", SIZE, 255)
    assert "prompt" in error_of(white, tmp_path, from_words=True)
    assert "prompt" not in error_of(white, tmp_path, prompt="a room")
    assert load(white, tmp_path, from_words=True, prompt="a room").all()
    assert "grown by 64" in error_of(square("L", 255), tmp_path, grow=64)


def test_a_damaged_mask_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(b"GIF89a" + bytes(60))
    with pytest.raises(DarkroomError, match=r"^The mask: .*GIF"):
        read_mask(tmp_path / "mask.png", go_on)


def test_the_masks_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (40, 60), 255).save(tmp_path / "mask.png", exif=exif)
    assert read_mask(tmp_path / "mask.png", go_on).shape == (40, 60)


@given(mask=arrays(bool, (23, 31)), by=st.integers(0, 64))
@settings(max_examples=60, deadline=None)
def test_dilation_adds_the_pixels_within_the_distance(mask: np.ndarray, by: int) -> None:
    result = dilated(mask, by)
    points = np.argwhere(mask)
    expected = np.zeros_like(mask)
    if len(points):
        y, x = np.mgrid[:23, :31]
        nearest = ((y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2).min(-1)
        expected = nearest <= by * by
    np.testing.assert_array_equal(result, expected)
