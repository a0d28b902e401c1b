"""Job results: files, scores, objects and notes, with everything needed to reproduce them."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from darkroom.contract.engine import Engine
from darkroom.contract.open_enum import Open
from darkroom.contract.params import Room

PASSING_SCORE = 0.75
# Notes of degraded results, which are kept out of the result cache.
HALF_SIZE_NOTE = "Made at half size: the GPU's memory ran out."
SHORT_WINDOWS_NOTE = "The voice was listened to in shorter pieces: the GPU's memory ran out."
OVERLAY_FAILED_NOTE = (
    "What was found could not be drawn over the picture, which is shown as it was. It has been logged."
)


class ResultFile(BaseModel):
    """A file that a job made. ``url`` is a presigned GET, made anew for every answer."""

    name: str = Field(description="`result`, `thumbnail`, …; unique among the job's files.")
    key: str
    content_type: str
    size: int
    sha256: str
    url: str | None = None


class Picture(ResultFile):
    """A picture that a job made."""

    width: int
    height: int


class Video(Picture):
    """A video that a job made: MP4, H.264 and AAC, ready to be played while it is loaded."""

    seconds: float
    frames: int
    frames_per_second: float


class SubtitleFile(ResultFile):
    """Subtitle file: the text of a video's speech with its times."""

    format: Open[Literal["srt", "vtt"]]
    language: str = Field(description="A BCP 47 tag; `und` if the language is not known.")
    cues: int


class PreviewPicture(BaseModel):
    """Progress image: a small picture of the result in the making. ``url`` is a presigned GET, new in every answer."""

    key: str
    width: int
    height: int
    url: str | None = None
    draft: bool = Field(
        False,
        description="True for a draft by the preview engine, shown while the GPU wakes. The first progress image "
        "replaces it, and it is never the result.",
    )


class FoundObject(BaseModel):
    """Object in the photo."""

    label: str
    box: tuple[float, float, float, float] = Field(description="Left, top, right, bottom in the photo's pixels.")
    score: float = Field(ge=0, le=1, description="Confidence of the detector.")
    area: float = Field(ge=0, le=1, description="Share of the photo that its mask covers.")
    kept: bool = Field(False, description="True if it stays as it is in the photo.")
    outlines: list[list[tuple[float, float]]] = Field(
        [],
        description="Closed rings around its mask in the photo's pixels, simplified: x, then y of each corner, the "
        "first not repeated. What lies within an even number of rings is not the thing. Empty where nothing was drawn.",
    )


class RecognisedRoom(BaseModel):
    """Type of the room in the photo, with the confidence of its recognition."""

    room: Open[Room]
    confidence: float = Field(ge=0, le=1)
    sure: bool = Field(description="False: the confidence is low, and naming the room in the request may help.")


class ModelUsed(BaseModel):
    """A model that took part, pinned."""

    model_config = ConfigDict(frozen=True)

    id: str
    revision: str


class Quality(BaseModel):
    """Computed scores in [0, 1]; higher is better."""

    structure: float = Field(ge=0, le=1, description="Agreement of the result's structure with the photo's.")
    style: float = Field(ge=0, le=1, description="Closeness to the style: its palette (preview), its words (models).")
    visual: float = Field(ge=0, le=1, description="Sharpness and exposure, against the photo's.")
    objects: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Share of the photo's objects recognised in the result; null if not measured.",
    )
    score: float = Field(ge=0, le=1, description="The mean of those there are.")

    @classmethod
    def from_scores(cls, *, structure: float, style: float, visual: float, objects: float | None = None) -> Self:
        """Create it with the mean score; values are rounded to four decimal places.

        >>> Quality.from_scores(structure=0.5, style=1, visual=0.9).score
        0.8
        """
        values = [round(value, 4) for value in (structure, style, visual, *([] if objects is None else [objects]))]
        return cls(
            structure=values[0],
            style=values[1],
            visual=values[2],
            objects=values[3] if objects is not None else None,
            score=round(sum(values) / len(values), 4),
        )

    @property
    def passed(self) -> bool:
        """True if the picture is good enough to show without a warning."""
        return self.score >= PASSING_SCORE


class Result(BaseModel):
    """Result of a job, with everything needed to make it again."""

    pictures: list[Picture]
    videos: list[Video] = []
    subtitles: list[SubtitleFile] = []
    engine: Open[Engine]
    seed: int | None = None
    models: list[ModelUsed] = []
    quality: Quality | None = None
    room: RecognisedRoom | None = None
    objects: list[FoundObject] = []
    notes: list[str] = Field([], description="Notes about the result, for people.")

    @property
    def files(self) -> Iterator[ResultFile]:
        """All files of the result, the main one first."""
        yield from (*self.videos, *self.pictures, *self.subtitles)

    @property
    def cacheable(self) -> bool:
        """True if the result may be reused for the same job.

        False for a degraded result: one made at half size for lack of memory, or without its overlay. Results that are
        not deterministic, such as animated portraits, are cacheable.
        """
        return not any(note.endswith((HALF_SIZE_NOTE, SHORT_WINDOWS_NOTE, OVERLAY_FAILED_NOTE)) for note in self.notes)


class StageTime(BaseModel):
    """Wall-clock seconds a stage took."""

    stage: str
    seconds: float = Field(ge=0)
    cached: bool = Field(False, description="Known from an earlier job with the same photo.")
