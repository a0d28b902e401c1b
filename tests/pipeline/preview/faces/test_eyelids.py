"""Eyelid animation: closed eyes are covered with skin; nothing moves if no eye is visible."""

from functools import cache

import cv2
import numpy as np
import pytest

from darkroom.contract.avatars import AvatarName, avatars
from pipeline.core.arrays import Floats, Rgb
from pipeline.preview.faces.detection import detect_faces
from pipeline.preview.faces.eyelids import Eyelid
from tests.pipeline.uninterrupted import decode


@cache
def portrait(name: AvatarName = "edith") -> tuple[Rgb, Floats]:
    picture = decode(avatars()[name].path).rgb
    return picture, detect_faces(picture)[0].landmarks


def iris(picture: Rgb, points: Floats, which: int) -> Rgb:
    x, y = (int(each) for each in points[which])
    reach = round(0.05 * float(np.hypot(*(points[1] - points[0]))))
    return picture[y - reach : y + reach + 1, x - reach : x + reach + 1]


def blinked(picture: Rgb, points: Floats, closed: float) -> Rgb:
    result = picture.copy()
    for which in (0, 1):
        eyelid = Eyelid(picture, points, which)
        result[eyelid.region] = eyelid.render(closed)
    return result


@pytest.mark.parametrize("name", avatars())
def test_closed_eyes_show_skin(name: AvatarName) -> None:
    picture, points = portrait(name)
    closed = blinked(picture, points, 1)
    y = points[:2, 1].mean()
    down = points[3:5, 1].mean() - y
    cheek = np.median(picture[int(y + 0.3 * down) : int(y + 0.5 * down), int(points[0, 0]) - 9 :][:, :18], (0, 1))
    for which in (0, 1):
        was, now = (np.linalg.norm(np.median(iris(each, points, which), (0, 1)) - cheek) for each in (picture, closed))
        assert now < 0.7 * was


@pytest.mark.parametrize("name", avatars())
def test_closed_eyes_show_no_white(name: AvatarName) -> None:
    picture, points = portrait(name)
    closed = blinked(picture, points, 1)
    for which in (0, 1):
        eyelid = Eyelid(picture, points, which)
        was, now = picture[eyelid.region].astype(int), closed[eyelid.region].astype(int)
        white = (np.ptp(was, axis=2) < 40) & (was.min(2) > 190)
        same = np.abs(now - was).max(2) < 4
        inside = np.hypot(*(np.indices(white.shape)[::-1] - np.array(white.shape[::-1])[:, None, None] / 2)) < 20
        assert (white & same & inside).sum() <= 0.06 * (white & inside).sum()


def test_half_closed_eyes_are_covered_from_above() -> None:
    picture, points = portrait()
    eyelid = Eyelid(picture, points, 0)
    change = np.abs(eyelid.render(0.5).astype(int) - eyelid.render(0)).max(2) > 8
    rows, _ = np.nonzero(change)
    assert rows.mean() < points[0, 1] - eyelid.region[0].start


def test_open_eyes_are_the_unchanged_picture() -> None:
    picture, points = portrait()
    eyelid = Eyelid(picture, points, 1)
    eyelid.render(1)
    assert np.array_equal(eyelid.render(0), picture[eyelid.region])


def test_brows_and_cheeks_do_not_move() -> None:
    picture, points = portrait("bruno")
    apart = float(np.hypot(*(points[1] - points[0])))
    changed = np.abs(blinked(picture, points, 1).astype(int) - picture).max(2) > 0
    rows = np.flatnonzero(changed.any(1))
    assert rows[0] > points[:2, 1].min() - 0.36 * apart
    assert rows[-1] < points[:2, 1].max() + 0.25 * apart


@pytest.mark.parametrize("radius", [0.25, 0.32, 0.48])
def test_dark_glasses_are_not_animated(radius: float) -> None:
    picture, points = portrait("clara")
    picture, apart = picture.copy(), np.hypot(*(points[1] - points[0]))
    for x, y in points[:2]:
        cv2.circle(picture, (int(x), int(y)), int(radius * apart), (12, 12, 14), -1)
    with pytest.raises(ValueError, match="differs from skin"):
        Eyelid(picture, points, 0)


def test_an_eye_at_the_pictures_edge_is_not_animated() -> None:
    picture, points = portrait()
    with pytest.raises(ValueError, match="edge"):
        Eyelid(np.ascontiguousarray(picture[:, int(points[0, 0]) - 5 :]), points - (points[0, 0] - 5, 0), 0)
