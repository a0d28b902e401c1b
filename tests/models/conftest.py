"""Fixtures of the models engine's tests: a sample photo."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

SAMPLE = Path(__file__).parents[1] / "data" / "living_room.jpg"


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A living room, 240×320."""
    return cv2.resize(
        cv2.cvtColor(cv2.imread(str(SAMPLE)), cv2.COLOR_BGR2RGB), (320, 240), interpolation=cv2.INTER_AREA
    )
