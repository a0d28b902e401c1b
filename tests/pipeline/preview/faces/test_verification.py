"""Verification of faces: upright ones are found, turned ones are not, and covered eyes and mouths are noticed."""

from functools import cache

import cv2
import numpy as np
import pytest
from PIL import Image

from darkroom.contract.avatars import avatars
from pipeline.imaging.faces import Face
from pipeline.preview.faces.detection import detect_faces, has_turned_face
from pipeline.preview.faces.verification import Covered, covered_part
from tests.paths import DATA

PEOPLE = {
    "target": DATA / "face_target.jpg",
    **{name: avatars()[name].path for name in ("bruno", "clara", "edith")},  # a beard, long hair, white hair
}


@cache
def portrait(name: str) -> np.ndarray:
    with Image.open(PEOPLE[name]) as image:
        image.thumbnail((512, 512))
        return np.asarray(image.convert("RGB"))


@cache
def face_of(name: str) -> Face:
    (face,) = detect_faces(portrait(name))
    return face


def dressed(name: str, piece: str) -> np.ndarray:
    """Draw glasses, sunglasses or a mask on a portrait."""
    picture, points = portrait(name).copy(), face_of(name).landmarks
    unit = float(np.hypot(*(points[1] - points[0])))
    if "glasses" in piece:
        thickness = max(round(0.06 * unit), 3) if piece == "glasses" else -1
        for x, y in points[:2]:
            cv2.ellipse(
                picture,
                (round(x), round(y)),
                (round(0.42 * unit), round(0.38 * unit)),
                0,
                0,
                360,
                (12, 10, 10),
                thickness,
            )
        return picture
    (x, top), bottom = points[:3].mean(0), points[3:].mean(0)[1] + 0.9 * unit
    colour = {"blue mask": (90, 150, 200), "black mask": (24, 24, 26)}[piece]
    corners = (round(x - 1.15 * unit), round(top + 0.1 * unit)), (round(x + 1.15 * unit), round(bottom))
    cv2.rectangle(picture, *corners, colour, -1)
    return picture


@pytest.mark.parametrize("name", PEOPLE)
def test_a_portrait_upside_down_or_on_its_side_has_no_face(name: str) -> None:
    picture = portrait(name)
    assert len(detect_faces(picture)) == 1
    for turned in (np.rot90(picture), np.rot90(picture, 2), np.rot90(picture, 3), picture[::-1]):
        assert not detect_faces(np.ascontiguousarray(turned))
        assert has_turned_face(np.ascontiguousarray(turned))


@pytest.mark.parametrize("name", PEOPLE)
def test_eyes_behind_sunglasses_are_covered_and_those_behind_glasses_are_not(name: str) -> None:
    assert covered_part(portrait(name), face_of(name)) is None
    assert covered_part(dressed(name, "glasses"), face_of(name)) is None
    assert covered_part(dressed(name, "sunglasses"), face_of(name)) is Covered.EYES


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("mask", ["blue mask", "black mask"])
def test_a_mouth_behind_a_mask_is_covered(name: str, mask: str) -> None:
    assert covered_part(dressed(name, mask), face_of(name)) is Covered.MOUTH


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("brightness", [0.15, 0.5])
def test_a_dark_or_grey_face_is_not_covered(name: str, brightness: float) -> None:
    dark = np.round(portrait(name) * brightness).astype(np.uint8)
    grey = np.repeat(dark.mean(-1, keepdims=True).round().astype(np.uint8), 3, -1)
    assert covered_part(dark, face_of(name)) is None
    assert covered_part(grey, face_of(name)) is None
