"""Hole filling: the colours that belong into a hole, not only colours without a seam."""

import numpy as np
import pytest

from pipeline.preview.inpainting.fill import fill_hole, hole_depth

SIZE = 96


@pytest.fixture
def hole() -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[36:60, 36:60] = True
    return mask


def filled(photo: np.ndarray, hole: np.ndarray, seed: int = 1) -> np.ndarray:
    """Fill the hole; what lay in it is black, so that nothing of it can help."""
    given = photo.copy()
    given[hole] = 0
    result = fill_hole(given, hole, seed)
    assert np.array_equal(result[~hole], photo[~hole])
    return result


def error(photo: np.ndarray, result: np.ndarray, hole: np.ndarray) -> float:
    return float(np.abs(photo.astype(int) - result)[hole].mean())


def test_an_even_wall_is_continued_exactly(hole: np.ndarray) -> None:
    photo = np.full((SIZE, SIZE, 3), (180, 140, 90), np.uint8)
    assert np.abs(photo.astype(int) - filled(photo, hole)).max() <= 1


@pytest.mark.parametrize("across", [True, False])
def test_light_that_falls_off_falls_off_in_the_hole(hole: np.ndarray, across: bool) -> None:
    ramp = np.linspace(60, 220, SIZE)
    grey = np.broadcast_to(ramp[None] if across else ramp[:, None], (SIZE, SIZE))
    photo = np.repeat(grey[..., None], 3, -1).astype(np.uint8)
    assert error(photo, filled(photo, hole), hole) < 1


def test_stripes_go_on_with_their_width_and_phase(hole: np.ndarray) -> None:
    x = np.arange(SIZE)
    photo = np.repeat(np.where(x // 6 % 2, 200, 70)[None, :, None], SIZE, 0).repeat(3, -1).astype(np.uint8)
    assert error(photo, filled(photo, hole), hole) < 1


def test_colours_stay_within_those_of_the_picture(hole: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(90, 160, (SIZE, SIZE, 3)).astype(np.uint8)
    result = filled(photo, hole)
    assert result[hole].min() >= photo[~hole].min()
    assert result[hole].max() <= photo[~hole].max()
    assert result[hole].std() > 0.6 * photo[~hole].std(), "noise is continued, not smoothed"


def test_each_channel_is_continued_by_itself(hole: np.ndarray) -> None:
    y, x = np.mgrid[:SIZE, :SIZE]
    photo = np.stack([60 + x, 200 - y, np.full_like(x, 77)], -1).astype(np.uint8)
    result = filled(photo, hole)
    difference = np.abs(photo.astype(int) - result)[hole]
    assert difference.mean(0) == pytest.approx([0, 0, 0], abs=1)


def test_progress_ends_at_one(hole: np.ndarray) -> None:
    seen: list[float] = []
    fill_hole(np.full((SIZE, SIZE, 3), 99, np.uint8), hole, 1, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)
    assert seen[0] < 0.5


def test_with_next_to_nothing_known_its_colour_fills_the_picture() -> None:
    hole = np.ones((40, 40), bool)
    hole[:, :2] = False
    photo = np.zeros((40, 40, 3), np.uint8)
    photo[:, :2] = (30, 90, 200)
    result = fill_hole(photo, hole, 1)
    assert np.abs(result.astype(int) - (30, 90, 200)).max() <= 2


def test_depth_is_measured_to_the_nearest_known_pixel(hole: np.ndarray) -> None:
    assert hole_depth(hole) == pytest.approx(12, abs=0.5)
    assert hole_depth(np.ones((20, 30), bool)) == 30


def test_where_two_sources_meet_the_light_changes_evenly() -> None:
    """The left of the picture is darker than its right, and the hole takes from both."""
    rng = np.random.default_rng(5)
    grain = rng.normal(0, 6, (SIZE, SIZE, 1))
    photo = np.clip(np.linspace(90, 170, SIZE)[None, :, None] + grain, 0, 255).repeat(3, -1).astype(np.uint8)
    hole = np.zeros((SIZE, SIZE), bool)
    hole[30:66, 24:72] = True
    columns = filled(photo, hole)[30:66, 24:72].mean((0, 2))
    wanted = np.linspace(90, 170, SIZE)[24:72]
    assert np.abs(columns - wanted).max() < 8
    assert np.abs(columns - wanted).mean() < 4
