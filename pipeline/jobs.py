"""The contract: what a caller may ask for, and what a job looks like while it develops.

Everything that crosses a boundary is defined here: the request body (a union over ``kind``), the states a job
moves through, and the job's public form, which REST, the WebSocket and the result of ``darkroom run --json`` share.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pipeline.errors import ErrorDetail
from pipeline.objects import ObjectName
from pipeline.styles import StyleName

MAX_UPLOAD_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_SIDE = 16_384
MIN_SIDE = 32
MAX_ATTEMPTS = 3
PASSING_SCORE = 0.75

ContentType = Literal["image/jpeg", "image/png", "image/webp"]


def content_type_of(head: bytes) -> ContentType | None:
    """The content type that a file's first 12 bytes or more show; None when it is none that we take.

    >>> content_type_of(b"GIF89a")
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return None


JobId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file, lower-case hex.")]


class State(StrEnum):
    """Where a job stands. The last four are terminal: they never change again."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def terminal(self) -> bool:
        """Whether the job has ended."""
        return not TRANSITIONS[self]


TRANSITIONS: dict[State, frozenset[State]] = {
    State.AWAITING_UPLOAD: frozenset({State.QUEUED, State.FAILED, State.CANCELLED, State.EXPIRED}),
    State.QUEUED: frozenset({State.DISPATCHED, State.FAILED, State.CANCELLED, State.EXPIRED}),
    # Back to queued is a retry. Completed without running: the container's progress was lost, its result was not.
    State.DISPATCHED: frozenset(
        {State.RUNNING, State.QUEUED, State.COMPLETED, State.FAILED, State.CANCELLED},
    ),
    State.RUNNING: frozenset({State.QUEUED, State.COMPLETED, State.FAILED, State.CANCELLED}),
    State.COMPLETED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
    State.EXPIRED: frozenset(),
}


def sources(target: State) -> frozenset[State]:
    """The states from which ``target`` may be reached.

    >>> sorted(sources(State.RUNNING))
    [<State.DISPATCHED: 'dispatched'>]
    """
    return frozenset(state for state, targets in TRANSITIONS.items() if target in targets)


class Kind(StrEnum):
    """What is made of the pictures."""

    RESTYLE_ROOM = "restyle_room"
    UPSCALE = "upscale"


class Engine(StrEnum):
    """Who does the work: neural networks, or OpenCV without any weights."""

    MODELS = "models"
    PREVIEW = "preview"


class Room(StrEnum):
    """The rooms a restyling knows."""

    LIVING_ROOM = "living_room"
    BEDROOM = "bedroom"
    KITCHEN = "kitchen"
    DINING_ROOM = "dining_room"
    BATHROOM = "bathroom"
    HOME_OFFICE = "home_office"


class Contract(BaseModel):
    """Base of everything a caller sends: unknown fields are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Upload(Contract):
    """What the caller is going to upload for one role; the presigned POST is fixed to it."""

    content_type: ContentType
    size: int | None = Field(None, ge=1, le=MAX_UPLOAD_BYTES, description="Bytes, if known.")
    sha256: Sha256 | None = None


class PhotoUploads(Contract):
    """The one picture that most kinds start from."""

    photo: Upload


class Profile(StrEnum):
    """How much time the models engine takes over a picture."""

    FAST = "fast"
    QUALITY = "quality"


class Format(StrEnum):
    """How the result is encoded. Only PNG keeps every pixel as it was made."""

    JPEG = "jpeg"
    PNG = "png"


class RestyleRoomParams(Contract):
    """How to restyle a room. What the preview engine has no use for, it says in the result's notes."""

    style: StyleName = Field(description="The look of the room; GET /styles lists them.")
    room: Room | None = Field(None, description="What room it is; recognised from the photo when left out.")
    strength: float = Field(1.0, gt=0, le=1, description="How far to go from the photo to the style.")
    seed: int = Field(42, ge=0, lt=2**32, description="The same seed makes the same picture again.")
    keep: tuple[ObjectName, ...] = Field(
        (), max_length=20, description="Things that stay as they are, such as sofa or potted plant."
    )
    keep_people: bool = Field(True, description="People stay as they are.")
    prompt: str = Field("", max_length=500, description="What else the room should have, in words.")
    negative_prompt: str = Field(
        "", max_length=500, description="What it should not have; only where guidance is above 1."
    )
    profile: Profile = Field(Profile.FAST, description="A few large steps, or twenty small ones.")
    steps: int | None = Field(None, ge=1, le=50, description="Denoising steps; the profile's number when left out.")
    guidance: float | None = Field(
        None, ge=1, le=20, description="How closely to follow the words; the profile's value when left out."
    )
    depth_scale: float = Field(0.8, ge=0, le=2, description="How firmly the photo's depth holds.")
    edges_scale: float = Field(0.6, ge=0, le=2, description="How firmly the photo's edges hold.")
    format: Format = Field(Format.JPEG, description="How the result is encoded; PNG keeps every pixel.")


class UpscaleParams(Contract):
    """How to enlarge a picture."""

    scale: float = Field(2.0, gt=1, le=4, description="How many times as wide and as high.")


class BaseRequest(Contract):
    """What requests of every kind share."""

    engine: Engine | None = Field(None, description="Who does the work; the deployment's default when left out.")
    allow_preview: bool = Field(
        False, description="Accept the preview engine where the models engine is not available."
    )


class RestyleRoomRequest(BaseRequest):
    """Restyle a photographed room in its own geometry; what `keep` names stays as it is."""

    kind: Literal[Kind.RESTYLE_ROOM]
    params: RestyleRoomParams
    uploads: PhotoUploads


class UpscaleRequest(BaseRequest):
    """Enlarge a picture."""

    kind: Literal[Kind.UPSCALE]
    params: UpscaleParams = UpscaleParams()
    uploads: PhotoUploads


JobRequest = Annotated[RestyleRoomRequest | UpscaleRequest, Field(discriminator="kind")]

REQUESTS: dict[Kind, type[RestyleRoomRequest] | type[UpscaleRequest]] = {
    Kind.RESTYLE_ROOM: RestyleRoomRequest,
    Kind.UPSCALE: UpscaleRequest,
}


def roles(kind: Kind) -> tuple[str, ...]:
    """The pictures that a kind needs, in the order a person names them.

    >>> roles(Kind.RESTYLE_ROOM)
    ('photo',)
    """
    uploads = REQUESTS[kind].model_fields["uploads"].annotation
    assert isinstance(uploads, type) and issubclass(uploads, BaseModel)
    return tuple(uploads.model_fields)


class UploadStatus(BaseModel):
    """An upload as it stands: what was declared, then what the header of the received file says."""

    content_type: ContentType
    size: int | None = None
    sha256: str | None = None
    received: bool = False
    width: int | None = None
    height: int | None = None


class Picture(BaseModel):
    """A picture that a job made. ``url`` is a presigned GET, made anew for every answer."""

    name: str = Field(description="`result`, `thumbnail`, …")
    key: str
    content_type: str
    width: int
    height: int
    size: int
    sha256: str
    url: str | None = None


class PreviewPicture(BaseModel):
    """A small look at a picture in the making. ``url`` is a presigned GET, made anew for every answer."""

    key: str
    width: int
    height: int
    url: str | None = None


class FoundObject(BaseModel):
    """A thing seen in the photo."""

    label: str
    box: tuple[float, float, float, float] = Field(description="Left, top, right, bottom in the photo's pixels.")
    score: float = Field(ge=0, le=1, description="How sure the detector is.")
    area: float = Field(ge=0, le=1, description="Share of the photo that its mask covers.")
    kept: bool = Field(False, description="Whether it was left as it is in the photo.")


class RecognisedRoom(BaseModel):
    """What room the photo shows."""

    room: Room
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
        None, ge=0, le=1, description="How much of what was in the photo is still recognised; null when nobody looked."
    )
    score: float = Field(ge=0, le=1, description="The mean of those there are.")

    @classmethod
    def of(cls, *, structure: float, style: float, visual: float, objects: float | None = None) -> Self:
        """With the score computed; values are rounded to four places.

        >>> Quality.of(structure=0.5, style=1, visual=0.9).score
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
        """Whether the picture is good enough to show without a warning."""
        return self.score >= PASSING_SCORE


class Result(BaseModel):
    """What came out, and everything needed to make it again."""

    pictures: list[Picture]
    engine: Engine
    seed: int | None = None
    models: list[ModelUsed] = []
    quality: Quality | None = None
    room: RecognisedRoom | None = None
    objects: list[FoundObject] = []
    notes: list[str] = Field([], description="What a person should know about this result.")


class StageTime(BaseModel):
    """Wall-clock seconds a stage took."""

    stage: str
    seconds: float = Field(ge=0)
    cached: bool = Field(False, description="Known from an earlier job with the same photo.")


class Job(BaseModel):
    """A job as its owner sees it, over REST and WebSocket alike."""

    job_id: JobId
    kind: Kind
    state: State
    seq: int = Field(ge=1, description="Grows by one at every change; say the last one seen to miss nothing.")
    attempt: int = Field(0, ge=0, le=MAX_ATTEMPTS, description="How often the job was given to the endpoint.")
    progress: float = Field(0.0, ge=0, le=1, description="Never falls.")
    stage: str | None = None
    message: str = Field("", description="What is happening, for people.")
    engine: Engine | None = Field(None, description="The engine that was asked for.")
    allow_preview: bool = False
    params: dict[str, JsonValue] = Field(description="As validated, defaults filled in.")
    uploads: dict[str, UploadStatus]
    preview: PreviewPicture | None = Field(None, description="A live look, while there is one.")
    result: Result | None = None
    error: ErrorDetail | None = None
    timeline: list[StageTime] = []
    cost_usd: float | None = Field(None, description="The timeline's seconds at the instance's hourly price.")
    created_at: datetime
    updated_at: datetime
