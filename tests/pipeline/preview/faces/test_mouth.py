"""Mouth animation: the moving and the unchanged parts."""

from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.contract.avatars import AvatarName, avatars
from pipeline.core.arrays import Floats, Rgb
from pipeline.preview.faces.detection import detect_faces
from pipeline.preview.faces.mouth import LEVELS, Mouth
from tests.pipeline.uninterrupted import decode


@cache
def portrait(name: AvatarName = "amara") -> tuple[Rgb, Floats]:
    picture = decode(avatars()[name].path).rgb
    return picture, detect_faces(picture)[0].landmarks


def opened(picture: Rgb, points: Floats, opening: float) -> Rgb:
    mouth, result = Mouth(picture, points), picture.copy()
    result[mouth.region] = mouth.render(opening)
    return result


def around(points: Floats) -> tuple[slice, slice]:
    """Return the region from the line between the lips to the lowest open lip."""
    middle, wide = points[3:5].mean(0), np.hypot(*(points[4] - points[3]))
    x, y = (int(each) for each in middle)
    return slice(y - round(0.05 * wide), y + round(0.2 * wide)), slice(x - round(0.1 * wide), x + round(0.1 * wide))


@pytest.mark.parametrize("name", avatars())
def test_an_open_mouth_is_dark_between_the_lips(name: AvatarName) -> None:
    picture, points = portrait(name)
    shut, wide = (opened(picture, points, opening)[around(points)] for opening in (0, 1))
    assert (wide.mean(2) < 60).mean() > (shut.mean(2) < 60).mean() + 0.25


@pytest.mark.parametrize("name", avatars())
def test_only_the_lower_face_moves(name: AvatarName) -> None:
    picture, points = portrait(name)
    changed = np.abs(opened(picture, points, 1).astype(int) - picture).max(2) > 0
    rows = np.flatnonzero(changed.any(1))
    eyes, mouth = points[:2, 1].max(), points[3:5, 1].mean()
    assert rows[0] > eyes + 0.4 * (mouth - eyes)


def test_the_chin_goes_down_with_the_jaw() -> None:
    picture, points = portrait("daiki")
    down = points[3:5].mean(0) - points[:2].mean(0)
    below = points[3:5].mean(0) + 0.55 * down
    x, y, reach = int(below[0]), int(below[1]), 14
    template = picture[y - reach : y + reach, x - reach : x + reach]
    found = cv2.matchTemplate(
        opened(picture, points, 1)[y - 40 : y + 60, x - 30 : x + 30], template, cv2.TM_CCOEFF_NORMED
    )
    row = np.unravel_index(found.argmax(), found.shape)[0] - (40 - reach)
    wide = np.hypot(*(points[4] - points[3]))
    assert 0.1 * wide < row < 0.3 * wide


def test_a_wider_mouth_shows_more() -> None:
    picture, points = portrait()
    mouth = Mouth(picture, points)
    shut = mouth.render(0).astype(int)
    changes = [np.abs(mouth.render(opening) - shut).mean() for opening in (0.25, 0.5, 1)]
    assert changes == sorted(changes)
    assert changes[0] > 0


def test_a_closed_mouth_is_the_unchanged_picture() -> None:
    picture, points = portrait()
    mouth = Mouth(picture, points)
    mouth.render(0.7)
    assert np.array_equal(mouth.render(0), picture[mouth.region])
    assert np.array_equal(mouth.render(0.4 / LEVELS), picture[mouth.region])


def test_the_corners_of_the_mouth_do_not_move() -> None:
    picture, points = portrait("bruno")
    wide = opened(picture, points, 1).astype(int)
    for x, y in points[3:5]:
        corner = slice(int(y) - 3, int(y) + 4), slice(int(x) - 3, int(x) + 4)
        assert np.abs(wide[corner] - picture[corner]).mean() < 12


@settings(max_examples=40, deadline=None)
@given(
    eyes=st.tuples(*[st.floats(-40, 140)] * 4),
    mouth=st.tuples(*[st.floats(-40, 140)] * 4),
    opening=st.floats(0, 1),
)
def test_any_landmarks_keep_the_region_within_the_picture(
    eyes: tuple[float, ...], mouth: tuple[float, ...], opening: float
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    points = np.array([*np.reshape(eyes, (2, 2)), (48, 48), *np.reshape(mouth, (2, 2))], np.float32)
    try:
        mouth = Mouth(picture, points)
    except ValueError:
        return
    patch = mouth.render(opening)
    assert patch.shape == picture[mouth.region].shape
    assert patch.dtype == np.uint8


def test_a_mouth_outside_the_picture_raises_value_error() -> None:
    picture, points = portrait()
    with pytest.raises(ValueError, match="outside"):
        Mouth(picture, points + 2000)
