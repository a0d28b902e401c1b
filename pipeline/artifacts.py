"""The values that stages of every kind hand on, and what the runner collects at the end."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.results import FoundObject, Quality, RecognisedRoom
from pipeline.stages import Artifact

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class SavedPicture:
    """A finished picture on disk, ready to be uploaded as ``results/{job_id}/{name}.{extension}``."""

    name: str
    path: Path
    content_type: str
    width: int
    height: int


PHOTO: Artifact[Rgb] = Artifact("photo", "H×W×3 uint8 sRGB, upright, full resolution")
RESULT: Artifact[Rgb] = Artifact("result", "H×W×3 uint8 sRGB, the photo's size unless the kind changes it")
SAVED: Artifact[tuple[SavedPicture, ...]] = Artifact("saved", "result and thumbnail, encoded, on disk")
QUALITY: Artifact[Quality] = Artifact("quality", "computed scores in [0, 1]")
ROOM: Artifact[RecognisedRoom | None] = Artifact("room", "what room it is; None when the caller said so")
OBJECTS: Artifact[tuple[FoundObject, ...]] = Artifact(
    "objects", "class, box, score and area; largest first, faces from the left"
)
SEED: Artifact[int] = Artifact("seed", "the seed that made the result, in [0, 2**32)")
