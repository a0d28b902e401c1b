"""What a caller may ask for: the request body is a union over ``kind``."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.objects import ObjectName
from pipeline.styles import StyleName

MAX_UPLOAD_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_SIDE = 16_384
MIN_SIDE = 32
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


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file, lower-case hex.")]


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

    @property
    def words(self) -> str:
        """As one would say it.

        >>> Room.HOME_OFFICE.words
        'home office'
        """
        return self.value.replace("_", " ")


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
