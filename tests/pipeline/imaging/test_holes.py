"""Hole crops and pasting back, for any photo and any holes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.imaging.holes import hole_crops
from pipeline.imaging.poisson_blending import poisson_blended


@st.composite
def holes(draw: st.DrawFn, largest: int = 200) -> np.ndarray:
    """Rectangles and dots anywhere, also at the border, also none, also everywhere."""
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    hole = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(0, 5))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        hole[top : top + draw(st.integers(1, height)), left : left + draw(st.integers(1, width))] = True
    return hole


@given(hole=holes(), context=st.floats(0, 2), margin=st.integers(0, 40), least=st.integers(0, 120))
@settings(max_examples=80, deadline=None)
def test_crops_cover_every_hole_once_and_lie_within_the_photo(
    hole: np.ndarray, context: float, margin: int, least: int
) -> None:
    found = hole_crops(hole, context=context, margin=margin, min_side=least)
    height, width = hole.shape
    covered = np.zeros(hole.shape, int)
    for crop in found:
        assert 0 <= crop.top < crop.bottom <= height
        assert 0 <= crop.left < crop.right <= width
        assert crop.height >= min(least, height)
        assert crop.width >= min(least, width)
        assert crop.view(hole).any()
        covered[crop.top : crop.bottom, crop.left : crop.right] += 1
        rows, columns = np.flatnonzero(crop.view(hole).any(1)), np.flatnonzero(crop.view(hole).any(0))
        assert rows[0] >= min(margin, crop.top + rows[0])
        assert crop.width - 1 - columns[-1] >= min(margin, width - 1 - crop.left - columns[-1])
    assert covered.max(initial=0) <= 1
    assert covered[hole].all()
    assert bool(found) == hole.any()


def test_distant_holes_have_their_own_crops_and_near_ones_share_one() -> None:
    hole = np.zeros((1000, 1000), bool)
    hole[100:120, 100:120] = hole[130:150, 130:150] = hole[800:820, 800:820] = True
    near, far = hole_crops(hole, context=1.0, margin=32)
    assert (near.top, near.left) == (50, 50)
    assert (far.height, far.width) == (84, 84)


def test_ten_thousand_specks_give_disjoint_crops() -> None:
    hole = np.random.default_rng(1).random((2000, 2000)) > 0.997
    assert len(hole_crops(hole, context=1.0, margin=16)) >= 1


@given(hole=holes(90), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_blending_changes_no_pixel_outside_the_hole(hole: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    photo, filled = rng.integers(0, 256, (2, *hole.shape, 3), dtype=np.uint8)
    result = poisson_blended(photo, filled, hole)
    np.testing.assert_array_equal(result[~hole], photo[~hole])
    if hole.all():
        np.testing.assert_array_equal(result, filled)


def test_a_uniformly_darker_fill_leaves_no_visible_step() -> None:
    y, x = np.mgrid[:120, :160]
    photo = np.stack([80 + y, 60 + x, 100 + 0 * x], -1).astype(np.uint8)
    hole = np.zeros((120, 160), bool)
    hole[30:90, 40:110] = True
    result = poisson_blended(photo, photo - 40, hole)
    assert np.abs(result.astype(int) - photo).max() <= 1


@pytest.mark.parametrize(
    ("box", "options", "wanted"),
    [
        ((100, 120, 110, 140), {"context": 1.0, "margin": 5}, (80, 100, 130, 160)),
        ((100, 120, 110, 140), {"context": 0.5, "margin": 16}, (84, 104, 126, 156)),
        ((100, 120, 110, 140), {"context": 0.0, "margin": 0, "min_side": 31}, (90, 115, 121, 146)),
        ((2, 290, 12, 298), {"context": 1.0, "margin": 5, "min_side": 64}, (0, 236, 64, 300)),
        ((190, 4, 199, 9), {"context": 0.0, "margin": 6, "min_side": 40}, (160, 0, 200, 40)),
        ((5, 5, 9, 9), {"context": 0.0, "margin": 0, "min_side": 999}, (0, 0, 200, 300)),
    ],
)
def test_a_crop_has_the_context_margin_and_size_asked_for(
    box: tuple[int, int, int, int], options: dict[str, float], wanted: tuple[int, int, int, int]
) -> None:
    hole = np.zeros((200, 300), bool)
    hole[box[0] : box[2], box[1] : box[3]] = True
    (crop,) = hole_crops(hole, **options)
    assert (crop.top, crop.left, crop.bottom, crop.right) == wanted
    assert crop.view(hole).shape == (crop.height, crop.width)
