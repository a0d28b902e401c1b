"""Canvas geometry: photos of any size and shape are fitted undistorted, and restored to their own size."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.models.letterbox import MIN_SIDE, Letterbox, downscaled_to

SIDES = st.integers(1, 16_384)
LONG_SIDES = st.sampled_from([64, 128, 512, 768, 1024])


@given(SIDES, SIDES, LONG_SIDES)
def test_canvas_sides_are_multiples_of_8_within_the_long_side(height: int, width: int, long_side: int) -> None:
    fit = Letterbox.for_photo(height, width, long_side)
    assert fit.height % 8 == fit.width % 8 == 0
    assert min(fit.height, fit.width) >= MIN_SIDE
    assert max(fit.height, fit.width) <= long_side
    assert 1 <= fit.inner_height <= fit.height
    assert 1 <= fit.inner_width <= fit.width


@given(st.integers(32, 16_384), st.floats(1 / 3, 3), LONG_SIDES)
def test_the_aspect_ratio_is_kept(height: int, ratio: float, long_side: int) -> None:
    width = max(round(height * ratio), 1)
    fit = Letterbox.for_photo(height, width, long_side)
    scale = max(fit.inner_height, fit.inner_width) / max(height, width)
    assert abs(fit.inner_height - height * scale) <= 0.5
    assert abs(fit.inner_width - width * scale) <= 0.5


@given(st.integers(32, 16_384), st.floats(1 / 3, 3))
def test_padding_only_reaches_the_next_grid_multiple(height: int, ratio: float) -> None:
    fit = Letterbox.for_photo(height, max(round(height * ratio), 1), 768)
    assert fit.height - fit.inner_height < 8
    assert fit.width - fit.inner_width < 8


@given(SIDES, SIDES)
def test_only_photos_below_the_trained_size_are_enlarged(height: int, width: int) -> None:
    fit = Letterbox.for_photo(height, width, 1024)
    if max(height, width) >= 512:
        assert fit.inner_height <= height
        assert fit.inner_width <= width
    else:
        assert max(fit.inner_height, fit.inner_width) == 512


@given(SIDES, SIDES, LONG_SIDES)
def test_halved_maps_the_photo_to_half_the_canvas(height: int, width: int, long_side: int) -> None:
    fit = Letterbox.for_photo(height, width, long_side)
    half = fit.halved()
    assert (half.photo_height, half.photo_width) == (height, width)
    assert max(half.height, half.width) == max(max(fit.height, fit.width) // 2 // 8 * 8, MIN_SIDE)
    assert half.height % 8 == half.width % 8 == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([64, 256]))
@example(229, 229, 64)  # OpenCV's Lanczos is one level off here, even on a picture of one colour
def test_a_round_trip_keeps_size_and_colour(height: int, width: int, long_side: int) -> None:
    fit = Letterbox.for_photo(height, width, long_side)
    photo = np.full((height, width, 3), (200, 30, 90), np.uint8)
    canvas = fit.to_canvas(photo)
    assert canvas.shape == (fit.height, fit.width, 3)
    assert np.array_equal(np.unique(canvas.reshape(-1, 3), axis=0), [[200, 30, 90]])
    back = fit.from_canvas(canvas)
    assert back.shape == photo.shape
    assert np.abs(back.astype(int) - photo).max() <= 1


@pytest.mark.parametrize(("height", "width"), [(600, 200), (300, 300), (200, 600), (601, 397)])
def test_a_round_trip_keeps_positions(height: int, width: int) -> None:
    rows, columns = np.mgrid[:height, :width]
    photo = np.stack([255 * rows / height, 255 * columns / width, 0 * rows], -1).round().astype(np.uint8)
    fit = Letterbox.for_photo(height, width, 256)
    back = fit.from_canvas(fit.to_canvas(photo))
    assert back.shape == photo.shape
    assert np.abs(back.astype(int) - photo).max() <= 6


def test_a_photo_of_the_canvas_size_is_unchanged() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (512, 768, 3), np.uint8)
    fit = Letterbox.for_photo(512, 768, 768)
    assert np.array_equal(fit.to_canvas(photo), photo)
    assert np.array_equal(fit.from_canvas(photo), photo)


@pytest.mark.parametrize(("height", "width"), [(900, 300), (300, 900), (401, 777)])
def test_masks_are_mapped_to_the_masked_pixels(height: int, width: int) -> None:
    mask = np.zeros((height, width), bool)
    mask[height // 4 : height // 2, width // 3 : width // 3 * 2] = True
    photo = np.repeat((mask * 255).astype(np.uint8)[..., None], 3, axis=2)
    fit = Letterbox.for_photo(height, width, 256)
    on_canvas = fit.mask_to_canvas(mask)
    assert on_canvas.dtype == bool
    assert np.array_equal(on_canvas, fit.to_canvas(photo)[..., 0] >= 128)
    assert not fit.mask_to_canvas(np.zeros_like(mask)).any()
    assert fit.mask_to_canvas(np.ones_like(mask)).all()


@pytest.mark.parametrize(("height", "width", "long_side"), [(0, 10, 768), (10, 10, 770), (10, 10, 32)])
def test_invalid_sizes_raise_value_error(height: int, width: int, long_side: int) -> None:
    with pytest.raises(ValueError, match=r"pixels|multiple"):
        Letterbox.for_photo(height, width, long_side)


def test_downscaled_to_shrinks_each_side_and_never_enlarges() -> None:
    picture = np.zeros((3000, 100, 3), np.uint8)
    assert downscaled_to(picture, 640, 640).shape == (640, 100, 3)
    assert downscaled_to(picture[:50], 640, 640).shape == (50, 100, 3)
