"""Symmetries: a mirrored, larger or darker photo has the mirrored, larger or equal result, whatever that is."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.contract.kinds import Kind
from pipeline.core.artifacts import OBJECTS, PHOTO, RESULT
from pipeline.preview.faces.detection import detect_faces
from pipeline.preview.faces.motion_curves import mouth_openness
from pipeline.preview.room.box import BoxSide
from pipeline.preview.room.depth import estimate_depth
from pipeline.preview.room.layout import estimate_layout
from pipeline.speech.types import SAMPLE_RATE
from tests.paths import DATA
from tests.pipeline.conftest import Room, render
from tests.pipeline.preview.golden.golden_cases import picture_of, run

ROOM = Room(size=(480, 360), yaw=20, pitch=6, focal=0.6, wall=(0.4, 0.5, 0.45))
SWAPPED = {BoxSide.LEFT: BoxSide.RIGHT, BoxSide.RIGHT: BoxSide.LEFT}


def test_a_mirrored_room_has_the_mirrored_sides_and_depth() -> None:
    photo = render(ROOM).rgb
    one, other = (estimate_layout(np.ascontiguousarray(each)) for each in (photo, photo[:, ::-1]))
    for side in BoxSide:
        mirrored = other.surfaces.mask_of(SWAPPED.get(side, side))[:, ::-1]
        assert (one.surfaces.mask_of(side) == mirrored).mean() > 0.96, side.name
    depths = [estimate_depth(each.box, each.camera, each.surfaces) for each in (one, other)]
    assert np.abs(np.log(depths[0] / depths[1][:, ::-1])).mean() < 0.08


def test_a_room_photographed_in_less_light_gets_the_same_paint(tmp_path: Path) -> None:
    """Paint is lit relative to the photo's own full light, whatever the exposure was."""
    photo = render(ROOM).rgb
    dark = (((photo / 255.0) ** 2.2 * 0.7) ** (1 / 2.2) * 255).round().astype(np.uint8)
    results = [
        run(Kind.RESTYLE_ROOM, tmp_path, {"photo": each}, style="scandinavian")[RESULT] for each in (photo, dark)
    ]
    bare = estimate_layout(photo).surfaces.bare
    inside = cv2.erode(bare.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    difference = np.abs(results[0].astype(int) - results[1])[inside]
    assert difference.mean() < 6
    assert np.abs(photo.astype(int) - dark)[inside].mean() > 18, "the photos differ"


def test_things_of_a_photo_twice_as_large_are_twice_as_large(tmp_path: Path) -> None:
    small = picture_of(DATA / "living_room.jpg", (640, 480))
    large = cv2.resize(small, (1280, 960), interpolation=cv2.INTER_NEAREST)  # analysed as the same picture
    one, two = (run(Kind.FIND_OBJECTS, tmp_path, {"photo": photo})[OBJECTS] for photo in (small, large))
    assert len(one) == len(two) > 5
    for each, other in zip(one, two, strict=True):
        assert np.array(other.box) == pytest.approx(2 * np.array(each.box), abs=4)
        assert (other.area, other.score) == (each.area, each.score)
        outlines = [
            sum(abs(cv2.contourArea(np.array(ring, np.float32))) for ring in found.outlines) for found in (each, other)
        ]
        assert outlines[1] == pytest.approx(4 * outlines[0], rel=0.06)


@pytest.mark.parametrize("name", ["face_source.jpg", "face_group.jpg"])
def test_faces_of_a_mirrored_photo_are_mirrored(name: str) -> None:
    photo = cv2.resize(cv2.cvtColor(cv2.imread(str(DATA / name)), cv2.COLOR_BGR2RGB), None, fx=0.5, fy=0.5)
    faces, mirrored = detect_faces(photo), detect_faces(np.ascontiguousarray(photo[:, ::-1]))
    assert len(faces) == len(mirrored) == (3 if "group" in name else 1)
    for face, other in zip(faces, reversed(mirrored), strict=True):
        points = np.array((photo.shape[1] - 1, 0)) + other.landmarks[[1, 0, 2, 4, 3]] * (-1, 1)
        eyes = np.hypot(*(face.landmarks[1] - face.landmarks[0]))
        assert np.hypot(*(points - face.landmarks).T).max() < 0.08 * eyes


def test_landmarks_of_a_larger_photo_lie_in_the_same_places() -> None:
    photo = picture_of(DATA / "face_source.jpg", (400, 400))
    (face,), (larger,) = detect_faces(photo), detect_faces(cv2.resize(photo, (800, 800), interpolation=cv2.INTER_CUBIC))
    assert larger.landmarks / 2 == pytest.approx(face.landmarks, abs=4)
    assert np.array(larger.box) / 2 == pytest.approx(np.array(face.box), abs=8)


def test_a_hole_in_an_evenly_lit_wall_is_filled_with_the_wall_wherever_it_is(tmp_path: Path) -> None:
    """Light falls off to the right, and the fill follows it, in the middle as at each border."""
    light = np.linspace(1, 0.6, 160)[None, :, None] * np.array((200, 180, 160))
    wall = (np.repeat(light, 120, 0) + np.random.default_rng(2).normal(0, 2, (120, 160, 1))).round().astype(np.uint8)
    for top, left in ((45, 60), (0, 60), (45, 0), (88, 126)):
        hole = np.zeros((120, 160, 3), np.uint8)
        hole[top : top + 32, left : left + 34] = 255
        damaged = np.where(hole > 0, np.uint8(20), wall)
        context = run(Kind.INPAINT, tmp_path, {"photo": damaged, "mask": hole})
        part = np.s_[top : top + 32, left : left + 34]
        assert np.array_equal(context[RESULT][hole == 0], context[PHOTO][hole == 0])
        difference = context[RESULT][part].astype(int) - wall[part]
        assert np.abs(cv2.blur(difference.astype(np.float32), (9, 9))).max() < 9
        assert 1 < (context[RESULT][part].astype(int) - light[0, left : left + 34]).std() < 5, "its grain"


def test_the_mouth_follows_the_voice_however_loud_it_was_recorded() -> None:
    moments = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    voice = (0.6 * np.sin(2 * np.pi * 200 * moments) * np.clip(np.sin(np.pi * moments * 1.5), 0.001, 1)).astype(
        np.float32
    )
    loud, quiet = mouth_openness(voice, 50), mouth_openness(voice * np.float32(0.25), 50)
    assert loud == pytest.approx(quiet, abs=0.01)
    assert loud.max() == pytest.approx(1, abs=0.06)
    assert loud.max() <= 1
    assert loud[22:32].max() < 0.05, "it is silent"
