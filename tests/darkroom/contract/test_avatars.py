"""Bundled avatars, and the portraits from which they and the face tests are rendered."""

import cv2
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from darkroom.contract.avatars import AVATARS_FOLDER, Avatar, avatars
from pipeline.preview.faces.detection import detect_faces
from tests.data.render_face import PEOPLE, STUDIO, render


def test_every_avatar_has_a_small_square_frontal_portrait() -> None:
    for avatar in avatars().values():
        assert len(avatar.picture) <= 40_000
        with Image.open(avatar.path) as image:
            assert (image.format, image.size) == ("WEBP", (512, 512))
            assert len(detect_faces(np.asarray(image.convert("RGB")))) == 1


def test_every_portrait_belongs_to_an_avatar_and_is_licensed() -> None:
    assert {path.stem for path in AVATARS_FOLDER.iterdir()} == set(avatars()) == set(STUDIO)
    assert {avatar.licence for avatar in avatars().values()} == {"Apache-2.0"}


def test_an_invalid_table_is_rejected() -> None:
    with pytest.raises(ValidationError):
        Avatar(name="../amara", title="Amara", description="", licence="Apache-2.0")


@pytest.mark.parametrize("name", ["farid", "daiki"])
def test_a_portrait_depends_on_its_description_only(name: str) -> None:
    portrait = render(PEOPLE[name], STUDIO[name], 112, 112, samples=1)
    with Image.open(avatars()[name].path) as image:
        committed = np.asarray(image.convert("RGB"))
    small = cv2.resize(committed, (112, 112), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(float) - portrait.rgb).mean() < 4
    (face,) = detect_faces(portrait.rgb)
    assert np.hypot(*(face.landmarks[:2] - portrait.points[:2]).T).max() < 4
