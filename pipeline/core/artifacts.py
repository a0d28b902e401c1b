"""Artifacts common to all kinds: values that stages pass on, and results that the runner collects."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar

from darkroom.contract.results import FoundObject, Picture, Quality, RecognisedRoom, ResultFile, SubtitleFile, Video
from pipeline.core.arrays import Rgb
from pipeline.core.stages import Artifact


@dataclass(frozen=True)
class SavedFile:
    """A finished file on disk, ready to be uploaded under ``results/{job_id}/``."""

    name: str
    path: Path
    content_type: str

    _as: ClassVar[type[ResultFile]] = ResultFile

    def to_result_file(self, key: str, size: int, sha256: str) -> ResultFile:
        """Describe the uploaded file for the result: S3 ``key``, ``size`` in bytes, ``sha256`` in hex."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "path"}
        return self._as(**own, key=key, size=size, sha256=sha256)


@dataclass(frozen=True)
class SavedPicture(SavedFile):
    """A finished picture."""

    width: int
    height: int

    _as: ClassVar[type[ResultFile]] = Picture


@dataclass(frozen=True)
class SavedVideo(SavedPicture):
    """A finished video."""

    seconds: float
    frames: int
    frames_per_second: float

    _as: ClassVar[type[ResultFile]] = Video


@dataclass(frozen=True)
class SavedSubtitles(SavedFile):
    """Finished subtitles."""

    format: str
    language: str
    cues: int

    _as: ClassVar[type[ResultFile]] = SubtitleFile


PHOTO: Artifact[Rgb] = Artifact("photo", "H×W×3 uint8 sRGB, upright, full resolution")
RESULT: Artifact[Rgb] = Artifact("result", "H×W×3 uint8 sRGB, the photo's size unless the kind changes it")
SAVED: Artifact[tuple[SavedFile, ...]] = Artifact("saved", "what was made, encoded, on disk: the result first")
QUALITY: Artifact[Quality] = Artifact("quality", "computed scores in [0, 1]")
ROOM: Artifact[RecognisedRoom | None] = Artifact("room", "what room it is; None when the caller said so")
OBJECTS: Artifact[tuple[FoundObject, ...]] = Artifact(
    "objects", "class, box, score and area; largest first, faces from the left"
)
SEED: Artifact[int] = Artifact("seed", "the seed that made the result, in [0, 2**32)")
