"""Face geometry: choice of faces, landmarks and masks, and the pixels that change."""

import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.imaging.faces import (
    Face,
    choose_source_face,
    choose_target_faces,
    colour_transferred,
    face_mask,
    face_mask_bounds,
    from_the_left,
    objects_from_faces,
    paste,
    similarity_transform,
    warped,
)

POINTS = np.float32([(40, 50), (80, 50), (60, 72), (45, 92), (75, 92)])


def face(left: float, size: float = 20, top: float = 10) -> Face:
    return Face((left, top, left + size, top + size), POINTS, 0.9)


FACES = from_the_left([face(300), face(20), face(120, 60)])


def error_of(code: ErrorCode) -> "pytest.RaisesExc[DarkroomError]":
    return pytest.raises(DarkroomError, check=lambda error: error.detail.code is code)


def test_faces_are_counted_from_the_left() -> None:
    assert [each.box[0] for each in FACES] == [20, 120, 300]


@pytest.mark.parametrize(("which", "meant"), [("largest", (1,)), ("all", (0, 1, 2)), ("2", (2,)), ("00", (0,))])
def test_faces_of_the_target_are_chosen_by_size_or_number(which: str, meant: tuple[int, ...]) -> None:
    assert choose_target_faces(FACES, which) == meant


def test_a_face_number_out_of_range_states_the_count() -> None:
    with error_of(ErrorCode.NO_FACE) as raised:
        choose_target_faces(FACES, "3")
    assert "3 faces, numbers 0 to 2" in str(raised.value)
    assert "target" in str(raised.value)
    with error_of(ErrorCode.NO_FACE) as raised:
        choose_source_face(FACES[:1], 1)
    assert "source picture shows one face" in str(raised.value)


def test_several_source_faces_are_rejected_unless_one_is_chosen() -> None:
    with error_of(ErrorCode.SEVERAL_FACES) as raised:
        choose_source_face(FACES, None)
    assert "shows 3 faces" in str(raised.value)
    assert "source_face" in str(raised.value)
    assert choose_source_face(FACES, 2) is FACES[2]
    assert choose_source_face(FACES[:1], None) is FACES[0]


def test_a_picture_without_faces_is_named_in_the_error() -> None:
    with error_of(ErrorCode.NO_FACE) as raised:
        choose_source_face((), None)
    assert "source" in str(raised.value)
    with error_of(ErrorCode.NO_FACE) as raised:
        choose_target_faces((), "all")
    assert "target" in str(raised.value)


def test_objects_state_which_faces_are_kept() -> None:
    objects = objects_from_faces(FACES, (1,), 100, 400)
    assert [(each.label, each.kept) for each in objects] == [("face", True), ("face", False), ("face", True)]
    assert objects[1].box == (120, 10, 180, 70)
    assert objects[1].area == pytest.approx(0.09)


ANGLES, SCALES, SHIFTS = st.floats(-3.1, 3.1), st.floats(0.05, 20), st.floats(-500, 500)


@settings(max_examples=100, deadline=None)
@given(ANGLES, SCALES, SHIFTS, SHIFTS)
def test_a_similarity_transform_is_recovered_from_moved_points(turn: float, scale: float, x: float, y: float) -> None:
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = (POINTS @ linear.T + (x, y)).astype(np.float32)
    found = similarity_transform(POINTS, moved)
    assert np.allclose(found[:, :2], linear, rtol=1e-3, atol=1e-3)
    assert np.allclose(POINTS @ found[:, :2].T + found[:, 2], moved, atol=0.02 * scale + 0.01)


def test_coincident_points_have_no_similarity_transform() -> None:
    with pytest.raises(ValueError, match="no size"):
        similarity_transform(np.ones((5, 2), np.float32), POINTS)


@settings(max_examples=60, deadline=None)
@given(ANGLES, st.floats(0.2, 2), st.floats(-150, 250), st.floats(-150, 250))
def test_the_mask_lies_within_its_bounds_and_covers_the_face(turn: float, scale: float, x: float, y: float) -> None:
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = ((POINTS - POINTS.mean(0)) @ linear.T + (x, y)).astype(np.float32)
    mask, (rows, columns) = face_mask(points, 120, 160), face_mask_bounds(points, 120, 160)
    outside = mask.copy()
    outside[rows, columns] = 0
    assert not outside.any()
    assert mask.min() >= 0
    assert mask.max() <= 1
    for px, py in np.rint(points[[0, 1, 2]]).astype(int):
        if 0 <= px < 160 and 0 <= py < 120 and scale > 0.5:
            assert mask[py, px] > 0.5


def test_pasting_changes_no_pixel_outside_the_mask() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (140, 120, 3), np.uint8)
    before, place = picture.copy(), face_mask_bounds(POINTS, 140, 120)
    mask = face_mask(POINTS, 140, 120)
    paste(picture, np.zeros_like(picture[place]), mask[place], place)
    assert np.array_equal(picture[mask == 0], before[mask == 0])
    assert not picture[mask == 1].any()


def test_colour_transfer_matches_the_mean() -> None:
    rng = np.random.default_rng(1)
    pale = rng.integers(150, 220, (40, 40, 3), np.uint8)
    dark = (rng.integers(40, 80, (40, 40, 3)) * (1.0, 0.7, 0.5)).astype(np.uint8)
    mask = np.ones((40, 40), np.float32)
    matched = colour_transferred(pale, dark, mask)
    assert np.abs(matched.mean((0, 1)) - dark.mean((0, 1))).max() < 5
    half = colour_transferred(pale, dark, mask, strength=0.5).mean()
    assert matched.mean() < half < pale.mean()
    assert np.array_equal(colour_transferred(pale, dark, 0 * mask), pale)


@pytest.mark.parametrize(
    ("angle", "scale", "at"), [(20, 0.8, (70, 60)), (-35, 2.5, (10, 90)), (0, 1, (0, 0)), (10, 1, (900, -400))]
)
def test_warping_a_part_shows_what_warping_the_whole_picture_does(
    angle: float, scale: float, at: tuple[float, float]
) -> None:
    rough = np.random.default_rng(4).integers(0, 256, (150, 130, 3), dtype=np.uint8)
    picture = np.asarray(cv2.GaussianBlur(rough, (5, 5), 0), np.uint8)
    transform = cv2.getRotationMatrix2D(at, angle, scale).astype(np.float32)
    transform[:, 2] += (12, 20) - np.array(at)
    moved, cover = warped(picture, transform, 40, 30)
    whole = cv2.warpAffine(picture, transform, (30, 40), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    # OpenCV's places are rounded to 1/32 of a pixel.
    assert np.abs(moved.astype(int) - whole).max() <= 8
    inside = cv2.warpAffine(np.ones((150, 130), np.float32), transform, (30, 40), flags=cv2.INTER_NEAREST) > 0
    assert not cover[~inside].any()


def test_warping_a_part_takes_memory_for_that_part_alone() -> None:
    picture = np.zeros((3000, 3000, 3), np.uint8)
    tracemalloc.start()
    try:
        warped(picture, np.float32([[1, 0, -1500], [0, 1, -1500]]), 100, 100)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0, 3.0])
def test_warping_keeps_positions_and_averages_when_shrinking(scale: float) -> None:
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 200
    stripes[90:110, 90:110] = (255, 0, 0)
    transform = np.float32([[scale, 0, 5], [0, scale, 5]])
    side = round(200 * scale) + 10
    moved, cover = warped(stripes, transform, side, side)
    at = round(100 * scale + 5)
    assert moved[at, at, 0] > 180
    assert moved[at, at, 1] < 60
    if scale <= 0.5:
        assert 60 < moved[round(30 * scale + 5), round(30 * scale + 5) :][0].mean() < 140
    assert cover[at, at] == 1
    assert cover[0, 0] == 0
