"""Fixtures of the models engine's tests: a sample photo."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.paths import DATA


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A living room, 240×320."""
    return cv2.resize(
        cv2.cvtColor(cv2.imread(str(DATA / "living_room.jpg")), cv2.COLOR_BGR2RGB),
        (320, 240),
        interpolation=cv2.INTER_AREA,
    )
