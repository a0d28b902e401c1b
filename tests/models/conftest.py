"""Tiny random weights of every model in their real layouts, and a photo for them to look at."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from filelock import FileLock
from numpy.typing import NDArray

from bench.weights import Scale, write_weights

SAMPLE = Path(__file__).parents[1] / "data" / "living_room.jpg"


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder as ``darkroom models fetch`` leaves it, written once for all workers of the test run."""
    ours = tmp_path_factory.getbasetemp()
    folder = (ours if worker_id == "master" else ours.parent) / "tiny-weights"
    written = folder / "written"
    with FileLock(f"{folder}.lock"):
        if not written.exists():
            write_weights(folder, Scale.TINY)
            written.touch()
    return folder


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A living room, 240×320."""
    return cv2.resize(
        cv2.cvtColor(cv2.imread(str(SAMPLE)), cv2.COLOR_BGR2RGB), (320, 240), interpolation=cv2.INTER_AREA
    )
