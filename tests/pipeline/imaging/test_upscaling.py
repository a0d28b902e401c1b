"""Enlarging: sizes, resampling, transparent colours and scores, on pictures whose right result is known."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import UpscaleParams
from pipeline.core.artifacts import RESULT, SAVED
from pipeline.core.stages import StageContext
from pipeline.imaging import upscaling
from pipeline.imaging.resize import linearly_enlarged
from pipeline.imaging.upscaling import (
    PICTURE,
    RESULT_ALPHA,
    LoadPicture,
    SavePicture,
    enlarged_size,
    measure,
    resampled,
)


def noise(height: int, width: int) -> np.ndarray:
    rough = np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return cv2.GaussianBlur(rough, (3, 3), 0)


@pytest.mark.parametrize(("scale", "size"), [(2, (62, 42)), (1.5, (46, 32)), (3.99, (124, 84))])
def test_each_side_grows_by_the_scale(scale: float, size: tuple[int, int]) -> None:
    assert enlarged_size(np.zeros((21, 31, 3), np.uint8), scale) == size


@pytest.mark.parametrize("size", [(97, 71), (160, 90), (45, 35), (90, 71)])
def test_a_band_is_that_part_of_pillows_picture(size: tuple[int, int]) -> None:
    picture = noise(35, 45)
    width, height = size
    whole = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS)).astype(int)
    for start in range(0, height, 13):
        rows = slice(start, min(start + 13, height))
        # Both round twice, and not in the same place.
        assert np.abs(resampled(picture, width, height, rows).astype(int) - whole[rows]).max() <= 2


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_whole_factor_gives_pillows_picture_but_for_its_edge(factor: int) -> None:
    picture = noise(35, 45)
    size = (45 * factor, 35 * factor)
    whole = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS)).astype(int)
    bands = [slice(start, min(start + 13, size[1])) for start in range(0, size[1], 13)]
    difference = np.abs(np.concatenate([resampled(picture, *size, rows) for rows in bands]) - whole)
    edge = 3 * factor
    assert difference[edge:-edge, edge:-edge].max() <= 2
    # Beyond the edge, the outermost pixels are repeated; Pillow leaves them out.
    assert difference.mean() < 1
    alpha = picture[..., 0]
    found = resampled(alpha, *size, slice(0, size[1]))
    np.testing.assert_array_equal(found, resampled(picture, *size, slice(0, size[1]))[..., 0])


@pytest.mark.parametrize("size", [(90, 70), (97, 71), (45, 35), (180, 140)])
def test_a_linear_band_is_that_part_of_pillows_picture(size: tuple[int, int]) -> None:
    picture = noise(35, 45)
    width, height = size
    whole = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR)).astype(int)
    for start in range(0, height, 13):
        rows = slice(start, min(start + 13, height))
        found = linearly_enlarged(picture, width, height, rows)
        assert found.shape == (rows.stop - rows.start, width, 3)
        # OpenCV's places are rounded to 1/32 of a pixel.
        assert np.abs(found - whole[rows]).max() <= 4


def load(folder: Path, picture: Image.Image, **params: object) -> StageContext:
    picture.save(folder / "in.png")
    context = StageContext(UpscaleParams.model_validate(params), {"photo": folder / "in.png"}, folder)
    stage = LoadPicture()
    context.enter_stage(stage)
    stage.run(context)
    return context


def test_transparent_pixels_take_the_colour_of_the_nearest_visible_one(tmp_path: Path) -> None:
    shade = np.arange(40)[:, None, None] * 5
    pixels = np.zeros((40, 50, 4), np.uint8)
    pixels[:, 2:5] = np.concatenate([shade, 255 - shade, 30 + 0 * shade, 255 + 0 * shade], -1)
    pixels[:, 20:22] = (10, 60, 220, 1)
    rgb = load(tmp_path, Image.fromarray(pixels), scale=2)[PICTURE].rgb
    assert np.array_equal(rgb[:, :12], pixels[:, 2:3, :3].repeat(12, 1)), "of the same row"
    assert (rgb[:, 13:] == (10, 60, 220)).all()
    assert load(tmp_path, Image.fromarray(pixels[..., :3]), scale=2)[PICTURE].alpha is None


@pytest.mark.parametrize(
    ("limit", "value", "params", "error"),
    [
        ("MAX_RESULT_PIXELS", 80 * 100, {}, False),
        ("MAX_RESULT_PIXELS", 80 * 100 - 1, {}, True),
        ("MAX_JPEG_SIDE", 100, {"format": "jpeg"}, False),
        ("MAX_JPEG_SIDE", 99, {"format": "jpeg"}, True),
        ("MAX_JPEG_SIDE", 99, {"format": "png"}, False),
    ],
)
def test_a_result_at_the_limit_is_made_and_one_above_it_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, params: dict[str, str], error: bool
) -> None:
    monkeypatch.setattr(upscaling, limit, value)
    picture = Image.new("RGB", (50, 40))
    if not error:
        assert load(tmp_path, picture, scale=2, **params)[PICTURE].rgb.shape == (40, 50, 3)
        return
    with pytest.raises(DarkroomError, match="100×80") as raised:
        load(tmp_path, picture, scale=2, **params)
    assert raised.value.detail.code is ErrorCode.TOO_LARGE


def test_scores_are_full_for_repeated_pixels_and_fall_with_error_and_blur() -> None:
    before = noise(60, 80)
    same = measure(before, before.repeat(2, 0).repeat(2, 1))
    assert (same.structure, same.style, same.visual) == (1, 1, 1)
    brighter = measure(before, np.clip(before.astype(int) + 10, 0, 255).astype(np.uint8))
    assert brighter.structure == pytest.approx(1 - 10 / 25, abs=0.02)
    assert brighter.style == brighter.structure
    assert brighter.visual == pytest.approx(1, abs=0.05)
    blurred = measure(before, cv2.GaussianBlur(before, (0, 0), 2))
    assert blurred.visual < 0.2
    flat = np.full((60, 80, 3), 90, np.uint8)
    assert measure(flat, flat).visual == 1
    assert measure(before, flat).visual == 0


@pytest.mark.parametrize("size", [(30, 40), (2500, 40), (3, 2900)])
def test_the_thumbnail_of_a_transparent_result_is_on_white(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(upscaling, "BAND_PIXELS", 5000)
    height, width = size
    context = StageContext(UpscaleParams(scale=2), {}, tmp_path)
    context[RESULT] = np.full((height, width, 3), (200, 40, 30), np.uint8)
    alpha = np.full((height, width), 255, np.uint8)
    alpha[: height // 2] = 0
    context[RESULT_ALPHA] = alpha
    SavePicture().run(context)
    result, thumbnail = context[SAVED]
    assert (result.width, result.height, result.content_type) == (width, height, "image/png")
    with Image.open(thumbnail.path) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    if height > 3:
        quarter = max(len(pixels) // 4, 1)
        assert np.abs(pixels[:quarter] - 255).max() < 12
        assert np.abs(pixels[-quarter:] - (200, 40, 30)).max() < 16
    assert max(pixels.shape[:2]) <= 480
