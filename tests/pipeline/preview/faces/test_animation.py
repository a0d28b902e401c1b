"""Animated stills: the moving and the unchanged parts."""

import numpy as np
import pytest

from darkroom.contract.avatars import avatars
from pipeline.core.arrays import Rgb
from pipeline.preview.faces.animation import MIN_EYE_DISTANCE, NO_FACE, SEVERAL_FACES, FaceRig, animate_portrait
from pipeline.preview.faces.detection import detect_faces
from pipeline.preview.faces.motion_curves import eye_closure
from pipeline.speech.types import SAMPLE_RATE, Samples
from pipeline.video import FPS
from pipeline.video.ken_burns import plan_camera_move
from tests.paths import DATA
from tests.pipeline.uninterrupted import decode

WIDTH, HEIGHT = 180, 320


def tone_between(start: float, end: float, seconds: float) -> Samples:
    moments = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.5 * np.sin(2 * np.pi * 200 * moments) * ((moments >= start) & (moments < end))).astype(np.float32)


@pytest.fixture(scope="module")
def portrait() -> Rgb:
    return decode(avatars()["edith"].path).rgb


def test_only_the_mouth_moves_with_the_voice_besides_the_camera(portrait: Rgb) -> None:
    frames, seed = 2 * FPS, 7
    clip = animate_portrait(portrait, tone_between(0.6, 1.2, 2), WIDTH, HEIGHT, frames=frames, seed=seed)
    points = detect_faces(portrait)[0].landmarks
    move = plan_camera_move(portrait, WIDTH, HEIGHT, frames, focus=tuple(points.mean(0) / 512), seed=seed)
    blinking, changes = eye_closure(frames, seed) > 0, []
    for number, frame in enumerate(clip.frames()):
        assert frame.shape == (HEIGHT, WIDTH, 3)
        x, y = move.project(number, points[3:5].mean(0))
        mouth = slice(int(y * HEIGHT) - 12, int(y * HEIGHT) + 20), slice(int(x * WIDTH) - 20, int(x * WIDTH) + 20)
        difference = np.abs(frame.astype(int) - move.frame(number))
        changes.append(difference[mouth].mean())
        if not blinking[number] and not 0.5 < number / FPS < 1.6:
            # As the still under the camera.
            assert not difference.any()
    assert len(changes) == frames
    assert min(changes[round(0.8 * FPS) : round(1.15 * FPS)]) > 4 * max(changes[: round(0.5 * FPS)])


def test_the_eyes_blink(portrait: Rgb) -> None:
    face_rig = FaceRig(portrait, detect_faces(portrait)[0].landmarks)
    x, y = detect_faces(portrait)[0].landmarks[0].astype(int)
    eye = slice(y - 5, y + 6), slice(x - 12, x + 13)
    closed = face_rig.pose(0, 1)[eye].astype(int)
    assert np.abs(closed - portrait[eye]).mean() > 20
    assert np.array_equal(face_rig.pose(0, 0), portrait)


def test_the_clips_focus_is_the_face(portrait: Rgb) -> None:
    clip = animate_portrait(portrait, tone_between(0, 0, 0.4), 320, 180, frames=10, seed=1)
    middle = list(clip.frames())[5]
    found = detect_faces(np.repeat(np.repeat(middle, 3, 0), 3, 1))[0].landmarks.mean(0) / 3
    assert clip.focus is not None
    assert np.hypot(*(np.array(clip.focus) * (320, 180) - found)) < 10


def test_an_off_centre_face_fills_a_tall_video(portrait: Rgb) -> None:
    wide = np.pad(portrait, ((0, 0), (400, 0), (0, 0)), "edge")
    clip = animate_portrait(wide, tone_between(0, 0, 0.4), WIDTH, HEIGHT, frames=10, seed=1)
    middle = list(clip.frames())[5]
    left, top, right, bottom = np.array(detect_faces(np.repeat(np.repeat(middle, 3, 0), 3, 1))[0].box) / 3
    assert right - left > WIDTH / 4
    assert left > 0
    assert right < WIDTH
    assert top > HEIGHT / 10
    assert bottom < HEIGHT


@pytest.mark.parametrize(
    ("name", "expected_notes"),
    [("living_room.jpg", [NO_FACE]), ("face_group.jpg", [SEVERAL_FACES]), ("face_source.jpg", [])],
)
def test_no_face_and_several_faces_add_notes(name: str, expected_notes: list[str]) -> None:
    picture = decode(DATA / name).rgb
    notes: list[str] = []
    clip = animate_portrait(picture, tone_between(0, 0.2, 0.2), 160, 90, frames=5, seed=1, add_note=notes.append)
    assert notes == expected_notes
    assert len(list(clip.frames())) == 5


def test_the_largest_of_several_faces_speaks() -> None:
    picture = decode(DATA / "face_group.jpg").rgb
    faces = detect_faces(picture)
    largest = max(faces, key=lambda face: face.area)
    changed = np.abs(FaceRig(picture, largest.landmarks).pose(1, 0).astype(int) - picture).max(2) > 8
    assert 0.9 * changed.sum() < changed[:, int(largest.box[0]) : int(largest.box[2])].sum()


def test_a_very_small_face_is_not_animated(portrait: Rgb) -> None:
    points = detect_faces(portrait)[0].landmarks
    points = (points - points.mean(0)) * (0.9 * MIN_EYE_DISTANCE / np.hypot(*(points[1] - points[0]))) + 256
    assert np.array_equal(FaceRig(portrait, points).pose(1, 1), portrait)


def test_equal_seeds_give_equal_videos(portrait: Rgb) -> None:
    videos = []
    for seed in (3, 3, 4):
        clip = animate_portrait(portrait, tone_between(0, 0.3, 0.4), 90, 160, frames=10, seed=seed)
        videos.append(np.array(list(clip.frames()), int))
    assert np.array_equal(videos[0], videos[1])
    assert np.abs(videos[0] - videos[2]).mean() > 0.5
