"""A swapped face's light: it is that of the target, from the side from which the target is lit."""

import numpy as np
import pytest

from pipeline.imaging.faces import Face, face_mask
from pipeline.preview.faces.detection import detect_faces
from pipeline.preview.workflows.face_swap import swap_face
from tests.pipeline.preview.workflows.test_face_swap import SOURCE, TARGET, pixels


@pytest.fixture(scope="module")
def faces() -> tuple[np.ndarray, Face, np.ndarray, Face]:
    """Source and target at half their size, each with its face."""
    source, target = pixels(SOURCE)[::2, ::2], pixels(TARGET)[::2, ::2]
    (taken,), (given,) = detect_faces(source), detect_faces(target)
    return source, taken, target, given


def luminance(picture: np.ndarray) -> np.ndarray:
    return picture.astype(float) @ np.array([0.299, 0.587, 0.114])


def halves(picture: np.ndarray, face: Face) -> tuple[float, float]:
    """Mean luminance of the left and the right half of a face, without its rim."""
    inside = face_mask(face.landmarks, *picture.shape[:2]) > 0.9
    middle = face.landmarks[:, 0].mean()
    columns = np.broadcast_to(np.arange(picture.shape[1]), inside.shape)
    grey = luminance(picture)
    return float(grey[inside & (columns < middle)].mean()), float(grey[inside & (columns >= middle)].mean())


def swapped(faces: tuple[np.ndarray, Face, np.ndarray, Face], light: np.ndarray | float = 1.0) -> np.ndarray:
    """Swap onto the target under ``light``."""
    source, taken, target, given = faces
    canvas = np.clip(target * light, 0, 255).astype(np.uint8)
    swap_face(source, taken, canvas, given)
    return canvas


@pytest.mark.parametrize("dark", ["left", "right"])
def test_a_face_is_darker_on_the_side_on_which_the_target_is(
    faces: tuple[np.ndarray, Face, np.ndarray, Face], dark: str
) -> None:
    target, given = faces[2:]
    width = target.shape[1]
    centre = given.landmarks[:, 0].mean()
    slope = np.clip((np.arange(width) - centre) / 120, -1, 1) * (0.4 if dark == "left" else -0.4)
    light = (0.8 + slope)[None, :, None] * np.ones(target.shape)
    plain, lit = (np.divide(*halves(swapped(faces, each), given)) for each in (0.8, light))
    wanted = np.divide(*halves(np.clip(target * light, 0, 255), given)) / np.divide(*halves(target * 0.8, given))
    assert bool(lit < plain) is (dark == "left")
    # The source keeps a part of its own light.
    assert abs(np.log(lit / plain)) > 0.4 * abs(np.log(wanted))
    assert abs(np.log(lit / plain)) < 1.3 * abs(np.log(wanted))


@pytest.mark.parametrize("exposure", [0.5, 0.75, 1.1])
def test_a_face_is_as_bright_as_the_one_it_replaces(
    faces: tuple[np.ndarray, Face, np.ndarray, Face], exposure: float
) -> None:
    target, given = faces[2:]
    before = np.clip(target * exposure, 0, 255)
    assert halves(swapped(faces, exposure), given) == pytest.approx(halves(before, given), rel=0.2)


def test_the_eyes_stand_where_the_targets_stood(faces: tuple[np.ndarray, Face, np.ndarray, Face]) -> None:
    given = faces[3]
    (found,) = detect_faces(swapped(faces))
    eyes = np.hypot(*(given.landmarks[1] - given.landmarks[0]))
    assert np.hypot(*(found.landmarks - given.landmarks)[:2].T).max() < 0.15 * eyes
